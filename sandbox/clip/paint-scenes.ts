/**
 * Paints what the tiny CLIP learns from: pictures as bytes, what they show as JSON, and the language of the captions.
 *
 *   npx tsx sandbox/clip/paint-scenes.ts --out DIR [--train 30000] [--validation 1000]
 */
import { mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { PAINTER_VERSION } from '../painter/index.js';
import { stream } from '../painter/random.js';
import { LANGUAGE } from './captions.js';
import { INPUT_SIDE, paintScene, SEEDS, shrink } from './scenes.js';

/** Small pictures are cheap; a few large ones show what a served picture looks like when it is shrunk. */
function sizeOf(seed: number): { width: number; height: number } {
  const random = stream(`clip size|${seed}`);
  const turn = random.next();
  const long = turn < 0.7 ? 160 : turn < 0.9 ? 256 : 512;
  const shape = random.next();
  const short = Math.round(long * 0.75);
  if (shape < 0.75) return { width: long, height: long };
  return shape < 0.875 ? { width: long, height: short } : { width: short, height: long };
}

async function paintSplit(folder: string, split: 'train' | 'validation', count: number): Promise<void> {
  const pixels = openSync(join(folder, `${split}.rgb`), 'w');
  const shown: unknown[] = [];
  for (let seed = SEEDS[split]; seed < SEEDS[split] + count; seed++) {
    const painting = await paintScene(seed, sizeOf(seed));
    writeSync(pixels, await shrink(painting));
    shown.push({ ...painting.labels.scene, missing: painting.labels.defects.missingSubject.present });
  }
  writeFileSync(join(folder, `${split}.json`), JSON.stringify(shown));
}

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    train: { type: 'string', default: '30000' },
    validation: { type: 'string', default: '1000' },
  },
});
if (values.out === undefined) throw new Error('say where to: --out DIR');
sharp.concurrency(1);
mkdirSync(values.out, { recursive: true });
const about = { painterVersion: PAINTER_VERSION, side: INPUT_SIDE, seeds: SEEDS, language: LANGUAGE };
writeFileSync(join(values.out, 'about.json'), JSON.stringify(about));
await paintSplit(values.out, 'validation', Number(values.validation));
await paintSplit(values.out, 'train', Number(values.train));
