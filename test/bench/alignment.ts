/**
 * How well `alignment.margin` tells the sandbox's pictures that show another scene than their prompt (their hidden label) from those that show
 * it. The threshold is chosen on tuning seeds, the figures are of test seeds.
 *
 *     npx tsx test/bench/alignment.ts --model examples/models/cull/sandbox-clip [--count 150] [--json]
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { COLOURS, OBJECTS, paint, plan, type Scene } from '../../sandbox/painter/index.js';
import { decodeFrame } from '../../scorers/frame.js';
import { alignment } from '../../scorers/generic/alignment.js';
import { openModels } from '../../scorers/models/sessions.js';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'examples/models/cull/sandbox-clip' },
    count: { type: 'string', default: '150' },
    json: { type: 'boolean', default: false },
  },
});
const COUNT = Number(values.count);
/** No other use has these: the policy benchmark's begin at 1 and 4 million, the model's training at 10, 12 and 14 million. */
const SEEDS = { tuning: 20_000_000, test: 24_000_000 } as const;
/** Share of good pictures that the gate may lose. */
const MOST_LOST = 0.05;

const NUMBERS = ['a', 'two', 'three', 'four'];
const GROUNDS = [
  'a white background',
  'a grey background',
  'a black background',
  'a beige background',
  'a pink background',
  'a blue background',
  'a green background',
  'a studio background',
  'a wooden table',
  'a marble surface',
];

/** A prompt for a seed; every value as likely as any other. */
function promptOf(seed: number): string {
  const at = (list: readonly string[], step: number): string => list[Math.floor(seed / step) % list.length] as string;
  const number = at(NUMBERS, 1);
  const noun = at(OBJECTS, 4);
  const many = number === 'a' || noun.endsWith('s') ? noun : /(x|ch)$/.test(noun) ? `${noun}es` : `${noun}s`;
  const text = `${number} ${at(Object.keys(COLOURS), 48)} ${many} on ${at(GROUNDS, 768)}`;
  return (seed % 2 === 0 ? `product photo of ${text}` : text).replace(/\ba (?=[aeiou])/, 'an ');
}

interface Row {
  seed: number;
  wrong: keyof Scene | undefined;
  defects: boolean;
  margin: number;
}

const models = openModels({ folder: '.cull/models', use: { clip: resolve(values.model) } });
const signal = new AbortController().signal;

async function measure(first: number): Promise<Row[]> {
  const rows: Row[] = [];
  const left = { right: COUNT, wrong: COUNT };
  // a stride that shares no factor with the lists, so that neighbours differ in all
  for (let seed = first; left.right + left.wrong > 0; seed += 7919) {
    const prompt = promptOf(seed);
    const { labels, missing } = plan(prompt, seed);
    const side = labels.mismatch === undefined ? 'right' : 'wrong';
    if (missing || left[side] === 0) continue;
    left[side]--;
    const { data, width, height } = await paint({ prompt, seed, width: 512, height: 512 });
    const png = await sharp(data, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 1 })
      .toBuffer();
    const decoded = await decodeFrame(png, { models });
    if (!decoded.ok) throw new Error(decoded.detail);
    const { 'alignment.margin': found } = await alignment.assess(decoded.frame, { prompt, params: {} }, signal);
    if (found?.status !== 'ok') throw new Error(JSON.stringify(found));
    rows.push({ seed, wrong: labels.mismatch?.attribute, defects: labels.hasDefect, margin: found.raw });
  }
  return rows;
}

const margins = (rows: Row[], wrong: boolean): number[] =>
  rows.flatMap((row) => ((row.wrong !== undefined) === wrong ? [row.margin] : [])).sort((a, b) => a - b);
const below = (sorted: number[], threshold: number): number => sorted.filter((margin) => margin < threshold).length;

const tuning = await measure(SEEDS.tuning);
const good = margins(tuning, false);
// halfway to the next value down, so that no picture sits on the threshold
const at = Math.floor(MOST_LOST * good.length);
const threshold = Math.floor(10 * ((good[at] ?? 0) - 0.05)) / 10;
const test = await measure(SEEDS.test);
const [right, wrong] = [margins(test, false), margins(test, true)];
const recallOf = (attribute: keyof Scene): { pictures: number; found: number } => {
  const own = test.filter((row) => row.wrong === attribute);
  return { pictures: own.length, found: own.filter((row) => row.margin < threshold).length };
};
const quantile = (sorted: number[], q: number): number => sorted[Math.floor(q * (sorted.length - 1))] ?? NaN;
const document = {
  threshold,
  test: {
    matching: {
      pictures: right.length,
      rejected: below(right, threshold),
      p1: quantile(right, 0.01),
      p5: quantile(right, 0.05),
      median: quantile(right, 0.5),
    },
    mismatching: {
      pictures: wrong.length,
      rejected: below(wrong, threshold),
      median: quantile(wrong, 0.5),
      p95: quantile(wrong, 0.95),
    },
    byAttribute: Object.fromEntries(
      (['object', 'colour', 'background', 'count'] as const).map((name) => [name, recallOf(name)]),
    ),
    atZero: { lost: below(right, 0), found: below(wrong, 0) },
  },
};
console.log(JSON.stringify(document, undefined, values.json ? undefined : 2));
