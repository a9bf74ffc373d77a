/** The shipped policies on pictures whose verdict is plain. The full measure is npm run bench:policy. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { paint, plan } from '../../sandbox/painter/index.js';
import { builtInScorers, dimensionsOf } from '../../scorers/registry.js';
import { judge } from '../../selection/judge.js';
import { parsePolicy } from '../../selection/policy-file.js';
import type { Policy, Scores } from '../../selection/types.js';
import { assess, disc, draw, frameOf, jpeg, noisy } from './synthetic.js';

async function load(name: string): Promise<Policy> {
  const file = `examples/policies/${name}.yaml`;
  const text = await readFile(new URL(`../../${file}`, import.meta.url), 'utf8');
  return parsePolicy(text, { file, dimensions: dimensionsOf(builtInScorers) });
}

async function failedBy(policy: Policy, picture: Parameters<typeof frameOf>[0]): Promise<string[]> {
  const frame = await frameOf(picture);
  const scores: Scores = {};
  for (const scorer of builtInScorers)
    for (const [id, found] of Object.entries(await assess(scorer, frame)))
      scores[id] = { ...found, scorer: `${scorer.spec.id}@${scorer.spec.version}` };
  return judge(scores, policy).failed.map(({ gate }) => gate);
}

/** A shaded ball: no highlight, a dark side. */
const ball = (side = 512) =>
  draw(side, side, (x, y) => {
    const [dx, dy] = [(x - side / 2) / (side / 4), (y - side / 2) / (side / 4)];
    const d = Math.hypot(dx, dy);
    if (d > 1) return [255, 255, 255];
    const light = 0.35 + 0.55 * Math.max(0, (1 - dx - dy) / 2);
    return [170 * light, 60 * light, 70 * light];
  });

/** A painted mug without defects: edges and texture that JPEG can damage. */
async function product() {
  const prompt = 'product photo of a red mug on a white background';
  const seed = Array.from({ length: 100 }, (_, i) => i).find((i) => !plan(prompt, i).labels.hasDefect) ?? 0;
  const { data, width, height } = await paint({ prompt, seed, width: 512, height: 512 });
  return { rgb: data, width, height };
}

describe('product.yaml', () => {
  it('passes a clean product', async () => {
    expect(await failedBy(await load('product'), ball())).toEqual([]);
  });

  const bad = {
    'sharpness.edgeBlur': () => disc({ sigma: 2.5, colour: [120, 40, 50] }),
    'noise.sigma': () => noisy(ball(), 10),
    'compression.quantiser': async () => jpeg(await product(), 15),
    'background.tint': () => disc({ background: [255, 240, 215], colour: [120, 40, 50] }),
    'background.stopsBelowWhite': () => disc({ background: [180, 180, 180], colour: [90, 20, 30] }),
    'composition.edgeCut': () => disc({ x: 60, colour: [120, 40, 50] }),
    'composition.subjectArea': () => draw(512, 512, () => [255, 255, 255]),
  };
  it.each(Object.entries(bad))('%s rejects what it is for', async (gate, make) => {
    expect(await failedBy(await load('product'), await make())).toContain(gate);
  });

  it('has a reason for people at every gate', async () => {
    for (const gate of (await load('product')).gates) expect(gate.reason).toMatch(/^[A-Z].{15,}/);
  });
});

describe('generic.yaml', () => {
  it('passes what a tiny model draws: blotches at 128 x 128', async () => {
    const blotches = draw(128, 128, (x, y) => [
      128 + 90 * Math.sin(x / 9) * Math.cos(y / 13),
      110 + 70 * Math.sin(x / 17 + y / 7),
      140 + 60 * Math.cos(x / 5 - y / 11),
    ]);
    expect(await failedBy(await load('generic'), noisy(blotches, 12))).toEqual([]);
    expect(await failedBy(await load('generic'), ball())).toEqual([]);
  });

  it('rejects an empty and a black picture', async () => {
    expect(
      await failedBy(
        await load('generic'),
        draw(128, 128, () => [127, 127, 127]),
      ),
    ).toEqual(['exposure.dynamicRange', 'artifacts.blank']);
    expect(
      await failedBy(
        await load('generic'),
        draw(128, 128, () => [0, 0, 0]),
      ),
    ).toContain('exposure.blackShare');
  });
});
