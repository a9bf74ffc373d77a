/**
 * Makes examples/tuning: 400 pictures of the sandbox painter with seeds that nothing else uses, measured by three scorers, and the painter's
 * hidden labels as the verdicts of a person on each gate.
 *
 *   npx tsx test/bench/tuning/example.ts
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { COLOURS, OBJECTS, paint } from '../../../sandbox/painter/index.js';
import { decodeFrame } from '../../../scorers/frame.js';
import { builtInScorers } from '../../../scorers/registry.js';

const SEEDS = { from: 40_000_000, count: 400 };
const SIDE = 512;
/** Gate -> the painter's defect that it is there for. */
const GATES = { 'sharpness.edgeBlur': 'blur', 'noise.sigma': 'noise', 'background.tint': 'tint' } as const;
const FOLDER = new URL('../../../examples/tuning/', import.meta.url);

const used = builtInScorers.filter(({ spec }) =>
  Object.keys(GATES).some((gate) => Object.hasOwn(spec.dimensions, gate)),
);
const signal = new AbortController().signal;
const scores: string[] = [];
const labels = ['image,gate,verdict,who,subgroup'];
for (let i = 0; i < SEEDS.count; i++) {
  const object = OBJECTS[i % OBJECTS.length] ?? 'mug';
  const colour = Object.keys(COLOURS)[(i * 7) % Object.keys(COLOURS).length] ?? 'red';
  const prompt = `product photo of a ${colour} ${object} on a white background`;
  const picture = await paint({ prompt, seed: SEEDS.from + i, width: SIDE, height: SIDE });
  const { data, width, height, labels: truth } = picture;
  const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  const decoded = await decodeFrame(bytes);
  if (!decoded.ok) throw new Error(decoded.detail);
  const measured: Record<string, unknown> = {};
  for (const scorer of used)
    for (const [dimension, found] of Object.entries(await scorer.assess(decoded.frame, { prompt, params: {} }, signal)))
      if (Object.hasOwn(GATES, dimension)) {
        const rounded =
          found.status === 'ok'
            ? { status: 'ok', raw: Number(found.raw.toPrecision(4)), quality: Math.round(found.quality) }
            : { status: found.status, ...('reason' in found && { reason: found.reason }) };
        measured[dimension] = { ...rounded, scorer: `${scorer.spec.id}@${scorer.spec.version}` };
      }
  const file = `${String(i).padStart(4, '0')}.png`;
  const light = ['white', 'yellow', 'silver', 'beige', 'pink'].includes(colour) ? 'light' : 'dark';
  scores.push(JSON.stringify({ file, scores: measured }));
  for (const [gate, defect] of Object.entries(GATES))
    labels.push([file, gate, truth.defects[defect].present ? 'fail' : 'pass', 'painter', light].join(','));
}
await writeFile(fileURLToPath(new URL('scores.ndjson', FOLDER)), `${scores.join('\n')}\n`);
await writeFile(fileURLToPath(new URL('labels.csv', FOLDER)), `${labels.join('\n')}\n`);
console.log(`${labels.filter((line) => line.includes(',fail,')).length} defects in ${SEEDS.count} pictures`);
