import { describe, expect, it } from 'vitest';
import { builtInScorers } from '../../../scorers/registry.js';
import { goldenRow, readRows } from './rows.js';

const rows = await readRows();

describe('golden rows', () => {
  it.each(rows.map((row) => [row.scorer, row.picture, row] as const))('%s on %s', async (label, picture, row) => {
    const [id = ''] = label.split('@');
    const found = await goldenRow(id, picture);
    // a value that changed is a new version of the scorer
    expect(found.scorer).toBe(row.scorer);
    expect(Object.keys(found.found).sort()).toEqual(Object.keys(row.found).sort());
    for (const [dimension, wanted] of Object.entries(row.found)) {
      const value = found.found[dimension];
      if (typeof wanted === 'number')
        expect(value, dimension).toBeCloseTo(wanted, 3 - Math.ceil(Math.log10(Math.abs(wanted) + 1)));
      else expect(value, dimension).toBe(wanted);
    }
  });

  it.each(builtInScorers.filter(({ spec }) => spec.cost === 'cheap').map(({ spec }) => `${spec.id}@${spec.version}`))(
    'has one for %s',
    (label) => {
      expect(rows.map(({ scorer }) => scorer)).toContain(label);
    },
  );
});
