/** The maps from raw to quality against the table that OFIQ publishes for its own conformance test. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { falling, OFIQ, ofiqQuality, quality, rising, type OfiqMap } from '../../scorers/mapping.js';

const file = new URL('../fixtures/ofiq/expected.csv', import.meta.url);
const [header = [], ...rows] = readFileSync(file, 'utf8')
  .trim()
  .split(/\r?\n/)
  .map((line) => line.split(';'));
const measures = header.slice(1, 29);
const maps: Record<string, OfiqMap> = OFIQ;

describe("OFIQ's table", () => {
  it('has 28 images and the 28 measures that the maps are for', () => {
    expect(rows).toHaveLength(28);
    expect([...measures].sort()).toEqual(Object.keys(OFIQ).sort());
  });

  it.each(measures)('%s: every quality from its raw value, exactly', (measure) => {
    const raw = header.indexOf(measure);
    const scalar = header.indexOf(`${measure}.scalar`);
    const ours = rows.map((row) => ofiqQuality(maps[measure]!, Number(row[raw])));
    expect(ours).toEqual(rows.map((row) => Number(row[scalar])));
  });
});

describe('the curves of our own measures', () => {
  it('are 50 in the middle and 73 one width on', () => {
    expect(quality(40, rising(40, 20))).toBe(50);
    expect(quality(60, rising(40, 20))).toBe(73.1);
    expect(quality(60, falling(40, 20))).toBe(26.9);
  });
});
