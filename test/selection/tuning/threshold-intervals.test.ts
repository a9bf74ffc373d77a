/** How sure a proposed threshold is: by jobs, never by pictures. */
import { describe, expect, test } from 'vitest';
import { propose, type Judged } from '../../../selection/tuning/propose.js';
import { chanceFrom } from '../../../selection/tuning/random.js';
import { thresholdsOf } from '../../../selection/tuning/threshold-intervals.js';
import { tune } from '../../../selection/tuning/tune.js';
import { drawExamples, GUESSED } from '../../bench/tuning/world.js';
import { ok, policyOf, threshold } from '../samples.js';

const AIM = { maxDefectRate: 0.1, confidence: 0.9 };
const ID = 'sharpness.tileP90';
const policy = policyOf([threshold({ dimension: ID, accept: { min: 1 } })]);

/** Jobs whose pictures are all the same: the better the value, the likelier good. */
function jobsOf(count: number, { perJob, seed = 1 }: { perJob: number; seed?: number }): Judged[] {
  const chance = chanceFrom(seed);
  return Array.from({ length: count }, (_, j) => {
    const value = chance.share() * 100;
    const good = chance.share() < value / 60;
    return Array.from({ length: perJob }, (__, i): Judged => ({
      ...{ picture: `p${j}-${i}`, job: `j${j}`, subgroup: null, gates: {} },
      ...{ scores: { [ID]: ok(value) }, good },
    }));
  }).flat();
}

const intervalOf = (examples: readonly Judged[], resamples = 100) => {
  const proposed = propose(examples, { policy, ...AIM });
  const [only] = thresholdsOf(examples, { policy, proposed, ...AIM, seed: 1, resamples });
  return only!;
};

describe('thresholdsOf', () => {
  test('says where the same choice puts a threshold with other jobs; more jobs, less doubt', () => {
    const few = intervalOf(jobsOf(100, { perJob: 1 }));
    const many = intervalOf(jobsOf(3_000, { perJob: 1 }), 40);
    expect(few).toMatchObject({ gate: ID, at: 'quality', side: 'min', from: 1 });
    for (const { to, interval } of [few, many]) {
      expect(interval!.low).toBeLessThanOrEqual(to);
      expect(interval!.high).toBeGreaterThanOrEqual(to);
    }
    const width = ({ interval }: typeof few) => interval!.high - interval!.low;
    expect(width(many)).toBeLessThan(width(few) * 0.7);
  });

  test('five pictures of each job are no more evidence than one', () => {
    const [one, five] = [intervalOf(jobsOf(100, { perJob: 1 })), intervalOf(jobsOf(100, { perJob: 5 }))];
    expect(five.to).toBe(one.to);
    expect(five.interval).toEqual(one.interval);
  });

  test('resamples of one kind of picture only say nothing; the same seed says the same', () => {
    const examples = drawExamples({ kinds: [{ share: 1, defect: 0.2 }], perJob: 4 }, { pictures: 400, seed: 2 });
    const options = { policy: GUESSED, ...AIM, seed: 3, resamples: 60 };
    const { thresholds, changes } = tune(examples, options).report;
    expect(tune(examples, options).report.thresholds).toEqual(thresholds);
    expect(thresholds.map(({ gate }) => gate)).toEqual(GUESSED.gates.map(({ id }) => id));
    expect(changes).toEqual(
      thresholds.flatMap(({ interval: _, ...change }) => (change.from === change.to ? [] : [change])),
    );
    const two = jobsOf(60, { perJob: 1 }).filter(({ good }, i) => good || i < 2);
    const proposed = propose(two, { policy, ...AIM });
    const [only] = thresholdsOf(
      two.map((one) => ({ ...one, good: true })),
      { policy, proposed, ...AIM, seed: 1, resamples: 20 },
    );
    expect(only?.interval).toBeNull();
  });
});

describe('propose, several pictures a job', () => {
  test('holds the limit against jobs: one good job of many pictures hides no bad jobs', () => {
    const picture = (job: string, value: number, good: boolean, i = 0): Judged => ({
      ...{ picture: `${job}-${i}`, job, subgroup: null, gates: {} },
      ...{ scores: { [ID]: ok(value) }, good },
    });
    const examples = [
      ...Array.from({ length: 40 }, (_, j) => picture(`good${j}`, 50 + j, true)),
      ...[30, 31, 32].flatMap((at) => [picture(`bad${at}`, at, false), picture(`among${at}`, at + 0.5, true)]),
      ...Array.from({ length: 400 }, (_, i) => picture('large', 60, true, i)),
    ];
    const [gate] = propose(examples, { policy, ...AIM }).gates;
    // 3 of 446 pictures are well within the limit, with 90 % confidence; 3 of 47 jobs are not
    expect(gate?.kind === 'threshold' && gate.accept.min).toBeGreaterThan(32);
    const alone = examples.map((one) => ({ ...one, job: one.picture }));
    const [byPictures] = propose(alone, { policy, ...AIM }).gates;
    expect(byPictures?.kind === 'threshold' && byPictures.accept.min).toBeLessThan(31);
  });
});
