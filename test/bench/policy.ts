/**
 * How well the shipped product policy finds defects: 500 candidates of the sandbox painter with seeds that were never used for
 * tuning, 512 x 512, through PNG as ComfyUI serves them, measured and judged in the scoring pool, against the hidden labels.
 *
 *   npm run bench:policy [-- --json] [--verbose] [--tuning] [--count 100]
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { createScorePool } from '../../activities/scoring/pool.js';
import {
  ATTRIBUTES,
  COLOURS,
  DEFECT_NAMES,
  NEAR,
  OBJECTS,
  PAINTER_VERSION,
  paint,
  type DefectName,
  type Labels,
} from '../../sandbox/painter/index.js';
import { dimensionsOf } from '../../scorers/registry.js';
import { parsePolicy } from '../../selection/policy-file.js';

/** Thresholds of examples/policies/product.yaml were chosen on `tuning`. Nobody looks at `heldOut` while choosing. */
const SEEDS = { tuning: { from: 1_000_000, count: 480 }, heldOut: { from: 4_000_000, count: 500 } } as const;
const SIDE = 512;
const TARGET = { precision: 0.95, recall: 0.9 } as const;
const PHRASES = [
  'product photo of a COLOUR OBJECT on a white background',
  'studio product shot of one COLOUR OBJECT, white background',
  'COLOUR OBJECT isolated on white',
  'a COLOUR OBJECT on a pure white backdrop, e-commerce',
] as const;
const POLICY_FILE = fileURLToPath(new URL('../../examples/policies/product.yaml', import.meta.url));

interface Judged {
  seed: number;
  prompt: string;
  labels: Labels;
  failed: string[];
  decodeMs: number;
  scoreMs: number;
}

/** Every object in turn, colours and phrases at other paces, so that they mix. */
function promptOf(index: number): string {
  const colours = Object.keys(COLOURS);
  const colour = colours[(index * 7 + Math.floor(index / OBJECTS.length)) % colours.length] ?? 'red';
  const phrase = PHRASES[Math.floor(index / 5) % PHRASES.length] ?? PHRASES[0];
  return phrase.replace('COLOUR', colour).replace('OBJECT', OBJECTS[index % OBJECTS.length] ?? 'mug');
}

async function judgeAll({ from, count }: { from: number; count: number }): Promise<Judged[]> {
  sharp.concurrency(1);
  const threads = Math.max(1, Math.min(4, availableParallelism()));
  const pool = await createScorePool({ threads });
  try {
    const policy = parsePolicy(await readFile(POLICY_FILE, 'utf8'), {
      file: 'examples/policies/product.yaml',
      dimensions: dimensionsOf(pool.scorers),
    });
    const all: Promise<Judged>[] = [];
    for (let index = 0; index < count; index++) {
      const seed = from + index;
      const prompt = promptOf(index);
      const { data, width, height, labels } = await paint({ prompt, seed, width: SIDE, height: SIDE });
      const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
        .png({ compressionLevel: 4 })
        .toBuffer();
      all.push(
        pool.score({ bytes, policy, prompt, explain: 'all' }).then(({ verdict, timing }) => ({
          seed,
          prompt,
          labels,
          failed: verdict.pass ? [] : verdict.failed.map(({ gate }) => gate),
          decodeMs: timing.decodeMs,
          scoreMs: Object.values(timing.scorers).reduce((sum, ms) => sum + ms, 0),
        })),
      );
    }
    return await Promise.all(all);
  } finally {
    await pool.close();
  }
}

/** Pictures of another scene than asked for are counted apart: whether they are good pictures is another question. */
function figures(all: readonly Judged[]) {
  const judged = all.filter(({ labels }) => labels.mismatch === undefined);
  const is = (defective: boolean, rejected: boolean): number =>
    judged.filter(({ labels, failed }) => labels.hasDefect === defective && failed.length > 0 === rejected).length;
  const confusion = {
    truePositive: is(true, true),
    falsePositive: is(false, true),
    falseNegative: is(true, false),
    trueNegative: is(false, false),
  };
  const { truePositive, falsePositive, falseNegative } = confusion;
  const perDefect = Object.fromEntries(
    DEFECT_NAMES.map((name) => {
      const present = judged.filter(({ labels }) => labels.defects[name].present);
      const near = present.filter(({ labels }) => isNear(labels, name));
      const alone = present.filter(
        ({ labels }) => !DEFECT_NAMES.some((other) => other !== name && labels.defects[other].present),
      );
      return [name, { ...recallOf(present), near: recallOf(near), alone: recallOf(alone) }];
    }),
  );
  const mismatch = Object.fromEntries(
    ATTRIBUTES.map((attribute) => [
      attribute,
      recallOf(all.filter(({ labels }) => labels.mismatch?.attribute === attribute && !labels.hasDefect)),
    ]),
  );
  const mean = (values: number[]): number => values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);
  return {
    precision: truePositive / Math.max(1, truePositive + falsePositive),
    recall: truePositive / Math.max(1, truePositive + falseNegative),
    defective: (truePositive + falseNegative) / judged.length,
    confusion,
    perDefect,
    mismatch,
    counted: judged.length,
    msPerImage: { decode: mean(all.map((j) => j.decodeMs)), scorers: mean(all.map((j) => j.scoreMs)) },
  };
}

const isNear = (labels: Labels, name: DefectName): boolean => {
  const { strength, threshold } = labels.defects[name];
  return strength > threshold / NEAR && strength < threshold * NEAR;
};

const recallOf = (some: readonly Judged[]) => {
  const rejected = some.filter(({ failed }) => failed.length > 0).length;
  return { present: some.length, rejected, recall: some.length === 0 ? null : rejected / some.length };
};

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    tuning: { type: 'boolean', default: false },
    count: { type: 'string' },
  },
});
const range = flags.tuning ? SEEDS.tuning : SEEDS.heldOut;
const count = Math.min(range.count, flags.count === undefined ? range.count : Number(flags.count));
const judged = await judgeAll({ from: range.from, count });
const found = figures(judged);
const ok = found.precision >= TARGET.precision && found.recall >= TARGET.recall;
if (flags.verbose)
  for (const { seed, prompt, labels, failed } of judged) {
    if (labels.mismatch || labels.hasDefect === failed.length > 0) continue;
    const drawn = DEFECT_NAMES.filter((name) => labels.defects[name].strength > 0).map(
      (name) => `${name} ${labels.defects[name].strength.toFixed(2)}${labels.defects[name].present ? '*' : ''}`,
    );
    const kind = failed.length > 0 ? `rejected by ${failed.join(', ')}` : 'passed';
    console.error(`${seed} "${prompt}" ${kind}; drawn: ${drawn.join(', ') || 'nothing'} (* = counts as a defect)`);
  }
const report = {
  bench: 'policy',
  policy: 'examples/policies/product.yaml',
  painter: PAINTER_VERSION,
  images: judged.length,
  seeds: { kind: flags.tuning ? 'tuning' : 'held out', from: range.from, to: range.from + count - 1 },
  ...found,
  target: TARGET,
  ok,
  // what a policy that rejects everything would get
  peers: { rejectAll: { precision: found.defective, recall: 1 } },
};
if (flags.json) console.log(JSON.stringify(report, null, 2));
else {
  const percent = (share: number | null): string => (share === null ? '-' : `${(100 * share).toFixed(1)} %`);
  console.log(`${report.images} images, seeds ${report.seeds.from} to ${report.seeds.to} (${report.seeds.kind})`);
  console.log(`${found.counted} of them show what was asked for; precision and recall are over those`);
  console.log(
    `precision ${percent(found.precision)} (target ${percent(TARGET.precision)}; rejecting all: ${percent(found.defective)})`,
  );
  console.log(`recall    ${percent(found.recall)} (target ${percent(TARGET.recall)})`);
  console.log('defect'.padEnd(18), 'recall'.padStart(9), 'near'.padStart(9), 'alone'.padStart(9), 'n'.padStart(5));
  for (const [name, r] of Object.entries(found.perDefect))
    console.log(
      name.padEnd(18),
      percent(r.recall).padStart(9),
      percent(r.near.recall).padStart(9),
      percent(r.alone.recall).padStart(9),
      String(r.present).padStart(5),
    );
  console.log('shows something else than asked for, and no defect:');
  for (const [name, r] of Object.entries(found.mismatch))
    console.log(name.padEnd(18), percent(r.recall).padStart(9), ' '.repeat(19), String(r.present).padStart(5));
  const { decode, scorers } = found.msPerImage;
  console.log(`per image: decode ${decode.toFixed(1)} ms, scorers ${scorers.toFixed(1)} ms of one thread`);
}
if (!ok) process.exitCode = 1;
