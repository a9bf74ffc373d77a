import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { brokenJob } from './broken.js';
import { figuresOf } from './figures.js';
import { withTables } from './tables.js';

describe('withTables', () => {
  const old = withTables('# Accuracy\n\nBefore.\n', 'Seeds 1.\n\n### a\n\nold a\n\n### b\n\nold b\n');

  it('puts the tables at the end of a document that has none', () => {
    expect(old).toMatch(/^# Accuracy\n\nBefore\.\n\n## Gates\n\n<!--.*-->\n\nSeeds 1\.\n\n### a/);
  });

  it('replaces the jobs that were run, adds new ones, and keeps the others and all around them', () => {
    const fresh = withTables(`${old}\nAfter.\n`, 'Seeds 2.\n\n### b\n\nnew b\n\n### c\n\nnew c\n');
    expect(fresh).toMatch(
      /Before\.[^]*Seeds 2\.\n\n### a\n\nold a\n\n### b\n\nnew b\n\n### c\n\nnew c\n\n<!--.*-->\n\nAfter\.\n$/,
    );
    expect(fresh).not.toMatch(/Seeds 1|old b/);
  });
});

describe('figuresOf', () => {
  it('counts a measure without a gate in its own row, not in the policy', () => {
    const label = (present: boolean) => ({ seam: { present, strength: 1, threshold: 1 } });
    const one = { failed: [], unassessable: [] };
    const judged = [
      { ...one, n: 0, labels: label(true), failedWithout: ['artifacts.seams'] },
      { ...one, n: 1, labels: label(false), failedWithout: ['artifacts.seams'] },
      { ...one, n: 2, labels: label(true), failedWithout: [] },
    ];
    const { gates, recall } = figuresOf(judged, { 'artifacts.seams': ['seam'] });
    expect(recall).toMatchObject({ hit: 0, of: 2 });
    expect(gates[0]).toMatchObject({ precision: { hit: 1, of: 2 }, recall: { hit: 1, of: 2 } });
  });
});

describe('brokenJob', () => {
  it('breaks every second picture in one way, each way in turn, the same each time', async () => {
    const job = brokenJob(77);
    const seen: string[] = [];
    for (let n = 0; n < 12; n++) {
      const { task, labels } = await job.draw(n);
      const present = Object.keys(labels).filter((kind) => labels[kind]?.present);
      expect(present).toHaveLength(n % 2);
      seen.push(...present);
      expect(await sharp(task.bytes).metadata()).toMatchObject({ width: 512, height: 512 });
    }
    expect(new Set(seen)).toEqual(new Set(Object.keys((await job.draw(0)).labels)));
    const [once, again] = [await job.draw(3), await job.draw(3)];
    expect(Buffer.compare(Buffer.from(once.task.bytes), Buffer.from(again.task.bytes))).toBe(0);
  });
});
