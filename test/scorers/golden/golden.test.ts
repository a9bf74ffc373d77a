import { beforeAll, describe, expect, it } from 'vitest';
import type { Models } from '../../../scorers/models/models.js';
import { builtInScorers } from '../../../scorers/registry.js';
import { goldenModels } from './models.js';
import { goldenRow, readRows } from './rows.js';

const rows = await readRows();
let models: Models;
beforeAll(async () => {
  models = await goldenModels();
}, 300_000);

/** As a share of the value: hand-written arithmetic is the same everywhere but for last bits, networks round as the processor does. */
const TOLERANCE = { cheap: 1e-5, model: 2e-2 } as const;

describe('golden rows', () => {
  it.each(rows.map((row) => [row.scorer, row.picture, row] as const))('%s on %s', async (label, _, row) => {
    const { found, scorer } = await goldenRow(row, { models });
    // a value that changed is a new version of the scorer
    expect(scorer).toBe(label);
    expect(Object.keys(found).sort()).toEqual(Object.keys(row.found).sort());
    const spec = builtInScorers.find(({ spec: { id, version } }) => `${id}@${version}` === scorer)?.spec;
    const tolerance = TOLERANCE[spec?.cost ?? 'cheap'];
    for (const [dimension, wanted] of Object.entries(row.found)) {
      const value = found[dimension];
      if (typeof wanted === 'string') expect(value, dimension).toBe(wanted);
      else
        expect(Math.abs(Number(value) - wanted), `${dimension} is ${value}`).toBeLessThanOrEqual(
          tolerance * Math.max(1e-3, Math.abs(wanted)),
        );
    }
  });

  it.each(builtInScorers.map(({ spec }) => `${spec.id}@${spec.version}`))('has one for %s', (label) => {
    expect(rows.map(({ scorer }) => scorer)).toContain(label);
  });
});
