/** A ranking fitted to labels: the optimum by definition, and what it finds in worlds that are known. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rankQuality } from '../../../selection/rank.js';
import { resampled } from '../../../selection/tuning/bootstrap.js';
import type { Example } from '../../../selection/tuning/examples.js';
import { fitLogistic, sigmoid } from '../../../selection/tuning/logistic.js';
import { chanceFrom } from '../../../selection/tuning/random.js';
import { fitRanker } from '../../../selection/tuning/ranker.js';
import { splitByJob } from '../../../selection/tuning/split.js';
import type { Score } from '../../../selection/types.js';
import { refusal } from '../../support/refusal.js';
import { drawExamples, GUESSED } from '../../bench/tuning/world.js';
import { ok, policyOf, threshold } from '../samples.js';

const GOOD_IF = 'sharpness.tileP90';
const NOISE = 'exposure.clippedShare';
/** Says the opposite: the better, the worse the picture. */
const AGAINST = 'noise.sigma';
const policy = policyOf([threshold({ dimension: GOOD_IF, accept: { min: 20 } })], {
  rank: { [GOOD_IF]: 1, [NOISE]: 3, [AGAINST]: 1 },
});

/** Good with probability 1 / (1 + exp(-(q - 50) / 10)), q the quality of one dimension; the others are chance, or its mirror. */
function world(count: number, { perJob = 1, seed = 1, flat = false } = {}): Example[] {
  const chance = chanceFrom(seed);
  return Array.from({ length: count }, (_, i) => {
    const quality = chance.share() * 100;
    const scores = {
      [GOOD_IF]: ok(0, flat ? 50 : quality),
      [NOISE]: ok(0, flat ? 50 : chance.share() * 100),
      [AGAINST]: ok(0, flat ? 50 : 100 - quality),
    };
    const good = chance.share() < sigmoid((quality - 50) / 10);
    return { picture: `p${i}`, job: `j${Math.floor(i / perJob)}`, subgroup: null, scores, good, gates: {} };
  });
}

describe('fitLogistic', () => {
  test('no weight can be moved for the better, none is below 0 (conditions of Karush, Kuhn and Tucker)', () => {
    const feature = fc.double({ min: -3, max: 3, noNaN: true });
    const row = fc.record({ x: fc.tuple(feature, feature, feature), good: fc.boolean() });
    fc.assert(
      fc.property(fc.array(row, { minLength: 3, maxLength: 40 }), fc.constantFrom(0.1, 1, 10), (all, l2) => {
        fc.pre(all.some(({ good }) => good) && all.some(({ good }) => !good));
        const { intercept, weights } = fitLogistic(
          all.map(({ x }) => x),
          all.map(({ good }) => Number(good)),
          { l2 },
        );
        const off = all.map(
          ({ x, good }) => sigmoid(x.reduce((s, v, j) => s + v * weights[j]!, intercept)) - Number(good),
        );
        expect(Math.abs(off.reduce((a, b) => a + b))).toBeLessThan(1e-5 * all.length);
        for (const [j, weight] of weights.entries()) {
          const slope = all.reduce((s, { x }, i) => s + x[j]! * off[i]!, l2 * weight);
          expect(weight).toBeGreaterThanOrEqual(0);
          if (weight > 0) expect(Math.abs(slope)).toBeLessThan(1e-4 * all.length);
          else expect(slope).toBeGreaterThan(-1e-4 * all.length);
        }
      }),
    );
  });

  test('finds the curve that made the outcomes, and stays finite where the classes lie apart', () => {
    const chance = chanceFrom(7);
    const rows = Array.from({ length: 20_000 }, () => [chance.share() * 4 - 2, chance.share() * 4 - 2]);
    const targets = rows.map(([a = 0, b = 0]) => Number(chance.share() < sigmoid(0.5 + 1.5 * a + 0.5 * b)));
    const { intercept, weights } = fitLogistic(rows, targets, { l2: 1 });
    for (const [found, true_] of [
      [intercept, 0.5],
      [weights[0], 1.5],
      [weights[1], 0.5],
    ])
      expect(Math.abs(found! - true_!)).toBeLessThan(0.1);
    const apart = fitLogistic([[-1], [-2], [1], [2]], [0, 0, 1, 1], { l2: 1 });
    expect(apart.weights[0]).toBeGreaterThan(0.5);
    expect(Number.isFinite(apart.weights[0])).toBe(true);
  });
});

describe('fitRanker', () => {
  test('finds what tells good from defective, leaves out what says the opposite, and ranks better than guessed weights', () => {
    const { policy: ranked, report } = fitRanker(world(2_000), { policy, seed: 1 });
    expect(ranked.rank).toEqual({});
    expect(ranked.rankModel).toEqual(report.model);
    const { [GOOD_IF]: weight = 0, [NOISE]: noise = 0 } = report.model.weights;
    expect(Math.abs(weight - 0.1)).toBeLessThan(0.02);
    expect(Math.abs(report.model.intercept + 5)).toBeLessThan(1);
    expect(noise).toBeLessThan(0.01);
    expect(report.model.weights).not.toHaveProperty(AGAINST);
    const { fitted, before, gain, passing } = report.heldOut;
    expect(fitted.areaUnderRoc).toBeGreaterThan(0.9);
    expect(before.areaUnderRoc).toBeLessThan(0.7);
    expect(fitted.logLoss).toBeLessThan(before.logLoss);
    expect(gain?.low).toBeGreaterThan(0.2);
    expect(passing.fitted).toBeGreaterThan(passing.before ?? 1);
    // its probability is true: at quality 50 every second picture is good
    expect(Math.abs(rankQuality({ [GOOD_IF]: ok(0, 50), [NOISE]: ok(0, 50) }, ranked) - 50)).toBeLessThan(10);
    expect(report.model.fittedOn).toMatchObject({ labels: 1_000, requests: 1_000, heldOut: 1_000 });
  });

  test('a dimension that is named twice counts once', () => {
    const examples = drawExamples({ kinds: [{ share: 1, defect: 0.3 }], perJob: 1 }, { pictures: 100, seed: 2 });
    const fit = (...dimensions: string[]) => fitRanker(examples, { policy: GUESSED, seed: 1, dimensions }).report;
    const once = fit('sharpness.tileP90');
    expect(fit('sharpness.tileP90', 'sharpness.tileP90')).toEqual(once);
  });

  test('splits by request; the half that judges has no part in the fit', () => {
    const examples = world(400, { perJob: 4 });
    const { report } = fitRanker(examples, { policy, seed: 1 });
    expect([report.fittedOn.jobs, report.heldOut.jobs]).toEqual([50, 50]);
    // other verdicts in the held-out half change nothing of the model
    const flip = (one: Example): Example => ({ ...one, good: one.good === null ? null : !one.good });
    const jobs = new Set(splitByJob(examples, { seed: 1, heldOut: 0.5 }).tuning.map(({ job }) => job));
    const { report: other } = fitRanker(
      examples.map((one) => (jobs.has(one.job) ? one : flip(one))),
      { policy, seed: 1 },
    );
    expect(other.model.weights).toEqual(report.model.weights);
    expect(other.heldOut.fitted.areaUnderRoc).toBeCloseTo(1 - report.heldOut.fitted.areaUnderRoc!, 10);
  });

  test('what has no value counts as quality 0 in the fit, as it does in the ranking', () => {
    const none: Score = { status: 'unassessable', reason: 'no-face', scorer: 'test@1.0.0' };
    const examples = world(600).map((one) =>
      (one.scores[GOOD_IF] as { quality: number }).quality < 30
        ? { ...one, scores: { ...one.scores, [GOOD_IF]: none } }
        : one,
    );
    const { policy: ranked, report } = fitRanker(examples, { policy, dimensions: [GOOD_IF], seed: 1 });
    expect(report.dimensions[0]?.withoutValue).toBeGreaterThan(50);
    expect(rankQuality({ [GOOD_IF]: none }, ranked)).toBe(rankQuality({ [GOOD_IF]: ok(0, 0) }, ranked));
    expect(report.heldOut.fitted.areaUnderRoc).toBeGreaterThan(0.85);
  });

  test('leaves out pictures on which a dimension was not measured, or only some gates were judged', () => {
    const examples = world(300).map((one, i) =>
      i < 20 ? { ...one, scores: {} } : i < 50 ? { ...one, good: null } : one,
    );
    expect(fitRanker(examples, { policy, seed: 1 }).report.labels).toMatchObject({
      pictures: 250,
      notMeasured: 20,
      partlyJudged: 30,
    });
  });

  test('refuses too few labels, one kind, nothing to rank by, what tells nothing, and scores of two versions', () => {
    const why = (examples: readonly Example[], of = policy) => {
      const { code, message } = refusal(() => fitRanker(examples, { policy: of, seed: 1 }));
      return `${code}: ${message}`;
    };
    const all = world(400);
    expect(why(all.slice(0, 3))).toContain('LABELS_INSUFFICIENT: 3 labelled pictures are too few');
    expect(why(all.map((one) => ({ ...one, good: true })))).toContain('every labelled picture is good');
    const few = all.filter(({ good }, i) => good === true || i < 20);
    expect(why(few)).toMatch(
      /LABELS_INSUFFICIENT: the part that fits has \d+ good and \d defective pictures: at least 10/,
    );
    expect(why(all, policyOf([]))).toContain('USAGE: the policy test ranks by nothing');
    expect(why(world(400, { flat: true }))).toContain('no dimension tells good pictures from defective ones');
    const [first, ...rest] = all;
    const other = { ...first!, scores: { ...first!.scores, [GOOD_IF]: { ...ok(0, 1), scorer: 'test@2.0.0' } } };
    expect(why([other, ...rest])).toContain('SCORES_INCOMPARABLE');
  });
});

describe('resampled', () => {
  test('draws whole jobs, one that is drawn twice counts as two, and gives the interval of any figure', () => {
    const sizes = new Set<number>();
    const interval = resampled(10, {
      figure: (drawn) => {
        sizes.add(drawn.reduce((sum, times) => sum + times, 0));
        return drawn.reduce((sum, times, job) => sum + times * job, 0) / 10;
      },
      ...{ seed: 1, confidence: 0.95, resamples: 2_000 },
    });
    expect([...sizes]).toEqual([10]);
    // standard error of the mean of ten jobs: 2.87 / sqrt(10) = 0.91, whatever the number of pictures
    expect(interval!.high - interval!.low).toBeGreaterThan(3);
    expect(interval!.high - interval!.low).toBeLessThan(4.1);
  });
});
