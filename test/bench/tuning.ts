/**
 * Whether the stated bound holds as often as its confidence says: labels of a world in which the true defect rate of every policy is known,
 * 1,000 repetitions of labelling and tuning each.
 *
 *   npm run bench:tuning [-- --json] [--repetitions 1000] [--only clustered]
 */
import { parseArgs } from 'node:util';
import { CullError } from '../../errors.js';
import { upperBound } from '../../selection/tuning/binomial.js';
import { tune } from '../../selection/tuning/tune.js';
import { drawExamples, GUESSED, trueRates, type World } from './tuning/world.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    repetitions: { type: 'string', default: '1000' },
    // rows whose name has this in it
    only: { type: 'string', default: '' },
  },
});
const repetitions = Number(values.repetitions);
const AIM = { maxDefectRate: 0.05, confidence: 0.95 };

/** Each of the two defects is as likely in every picture. */
const alike = (defect: number): World => ({ kinds: [{ share: 1, defect }], perJob: 1 });
/** Most jobs have few defects, some are nearly all defective. */
const clustered = (perJob: number): World => ({
  kinds: [
    { share: 0.85, defect: 0.05 },
    { share: 0.15, defect: 0.8 },
  ],
  perJob,
});

const CASES: { name: string; world: World; pictures: number[] }[] = [
  { name: '5 % each, one picture a job', world: alike(0.05), pictures: [60, 150, 400, 1000] },
  { name: '20 % each, one picture a job', world: alike(0.2), pictures: [60, 150, 400, 1000] },
  { name: '50 % each, one picture a job', world: alike(0.5), pictures: [150, 400, 1000] },
  { name: 'clustered, 4 pictures a job', world: clustered(4), pictures: [400, 1000] },
  { name: 'clustered, 20 pictures a job', world: clustered(20), pictures: [1000, 2000] },
];

interface Row {
  world: string;
  pictures: number;
  jobs: number;
  /** How often the stated bound is at least the true rate of what it speaks of (per picture, or the mean over jobs). */
  holds: number;
  /** The same for Clopper-Pearson over held-out pictures, whatever job they are of. */
  picturesCounted: number;
  /** The same for Clopper-Pearson on the labels that chose the thresholds. */
  chosenOn: number;
  /** How often 5 % is promised, and how often the promise is broken, of all repetitions. */
  promised: number;
  broken: number;
  /** Means: the bound, the true rate, the share of good pictures that pass. */
  bound: number;
  truth: number;
  goodDelivered: number;
  /** Not enough of both classes to choose with. */
  refused: number;
}

function repeat(name: string, world: World, pictures: number): Row {
  const sums = {
    holds: 0,
    picturesCounted: 0,
    chosenOn: 0,
    promised: 0,
    broken: 0,
    bound: 0,
    truth: 0,
    goodDelivered: 0,
  };
  let refused = 0;
  for (let seed = 0; seed < repetitions; seed++) {
    try {
      const examples = drawExamples(world, { pictures, seed: seed * 1000 + pictures });
      const { policy, report } = tune(examples, { policy: GUESSED, ...AIM, seed, resamples: 1 });
      const { promise, goodDelivered } = report.heldOut;
      const rates = trueRates(world, policy);
      const truth = promise.counts === 'pictures' ? rates.perPicture : rates.perJob;
      const { after } = report.tuning;
      sums.holds += Number(promise.bound >= truth);
      sums.picturesCounted += Number(
        upperBound(promise.defective, promise.delivered, AIM.confidence) >= rates.perPicture,
      );
      sums.chosenOn += Number(upperBound(after.defective, after.delivered, AIM.confidence) >= rates.perPicture);
      sums.promised += Number(promise.shown);
      sums.broken += Number(promise.shown && truth > AIM.maxDefectRate);
      sums.bound += promise.bound;
      sums.truth += truth;
      sums.goodDelivered += goodDelivered?.value ?? 0;
    } catch (error) {
      if (!(error instanceof CullError && error.code === 'LABELS_INSUFFICIENT')) throw error;
      refused++;
    }
  }
  const made = repetitions - refused;
  const means = Object.fromEntries(Object.entries(sums).map(([key, sum]) => [key, sum / made])) as typeof sums;
  return { world: name, pictures, jobs: Math.ceil(pictures / world.perJob), ...means, refused: refused / repetitions };
}

const rows = CASES.filter(({ name }) => name.includes(values.only)).flatMap(({ name, world, pictures }) =>
  pictures.map((count) => repeat(name, world, count)),
);
const ok = rows.every(({ holds }) => holds >= AIM.confidence);
if (values.json) console.log(JSON.stringify({ ...AIM, repetitions, rows, ok }));
else {
  console.log(`asked: at most 5 % defective with 95 % confidence; ${repetitions} repetitions a row`);
  const columns = [
    'pictures',
    'jobs',
    'holds',
    'by pictures',
    'as chosen',
    'promised',
    'broken',
    'bound',
    'truth',
    'good kept',
    'refused',
  ];
  const share = (value: number) => `${(100 * value).toFixed(1)} %`;
  const line = (cells: string[]) => cells.map((cell, i) => (i === 0 ? cell.padEnd(29) : cell.padStart(12))).join('');
  console.log(line(['', ...columns]));
  for (const row of rows) {
    const {
      world,
      pictures,
      jobs,
      holds,
      picturesCounted,
      chosenOn,
      promised,
      broken,
      bound,
      truth,
      goodDelivered,
      refused,
    } = row;
    const shares = [holds, picturesCounted, chosenOn, promised, broken, bound, truth, goodDelivered, refused];
    console.log(line([world, String(pictures), String(jobs), ...shares.map(share)]));
  }
}
if (!ok) process.exitCode = 1;
