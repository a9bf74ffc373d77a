/**
 * Measures a trained model on held-out seeds and writes what it found into its card.json.
 *
 *   npx tsx sandbox/clip/evaluate.ts --model examples/models/cull/sandbox-clip [--split validation] [--json]
 */
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { ATTRIBUTES } from '../painter/index.js';
import { stream } from '../painter/random.js';
import { SEEDS } from './scenes.js';
import { openTowers } from './towers.js';
import { share, tryScene, type Trial } from './trial.js';

/** Pictures by side. Those of one side have seeds of their own. */
const SIZES = [
  { side: 512, from: 0, count: 1000 },
  { side: 1024, from: 1000, count: 200 },
] as const;
/** Sigma in px at 512 px long side from which details of an object are gone. */
const HEAVY_BLUR = 3;

/** One attribute of each picture, drawn at random: whether its caption wins is the figure of the card. */
function onePerScene(trials: readonly Trial[]): Trial[] {
  return [...new Set(trials.map(({ seed }) => seed))].map((seed) => {
    const of = trials.filter((trial) => trial.seed === seed);
    return of[Math.floor(stream(`clip attribute|${seed}`).next() * of.length)] as Trial;
  });
}

function figures(trials: readonly Trial[]) {
  const round = (x: number): number => Math.round(x * 10_000) / 10_000;
  const both = (some: readonly Trial[]) => ({
    trials: some.length,
    random: round(share(some, ({ beatsOne }) => beatsOne)),
    all: round(share(some, ({ beatsAll }) => beatsAll)),
  });
  const confused = new Map<string, number>();
  for (const { beatsAll, attribute, shown, rival } of trials) {
    const what = `${attribute}: ${shown} taken for ${rival}`;
    if (!beatsAll) confused.set(what, (confused.get(what) ?? 0) + 1);
  }
  return {
    scenes: new Set(trials.map(({ seed }) => seed)).size,
    accuracy: both(onePerScene(trials)),
    ...Object.fromEntries(ATTRIBUTES.map((name) => [name, both(trials.filter(({ attribute }) => attribute === name))])),
    withoutDefect: both(onePerScene(trials.filter(({ hasDefect }) => !hasDefect))),
    heavyBlur: both(onePerScene(trials.filter(({ blur }) => blur >= HEAVY_BLUR))),
    confused: Object.fromEntries([...confused].sort((a, b) => b[1] - a[1]).slice(0, 12)),
  };
}

const { values } = parseArgs({
  options: { model: { type: 'string' }, split: { type: 'string', default: 'test' }, json: { type: 'boolean' } },
});
if (values.model === undefined) throw new Error('say which: --model DIR');
sharp.concurrency(1);
const split = values.split === 'validation' ? 'validation' : 'test';
const folder = pathToFileURL(`${resolve(values.model)}/`);
const towers = await openTowers(folder);
const found: Record<string, ReturnType<typeof figures>> = {};
for (const { side, from, count } of SIZES) {
  const trials: Trial[] = [];
  for (let seed = SEEDS[split] + from; seed < SEEDS[split] + from + count; seed++)
    trials.push(...(await tryScene(towers, seed, side)));
  found[side] = figures(trials);
}
console.log(JSON.stringify(found, null, 2));
if (split === 'test') {
  const card = new URL('card.json', folder);
  const known = JSON.parse(await readFile(card, 'utf8')) as Record<string, unknown>;
  await writeFile(
    card,
    `${JSON.stringify({ ...known, accuracy: found[512]?.accuracy.random, heldOut: found }, null, 2)}\n`,
  );
}
