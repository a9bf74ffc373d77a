/** What is said of one gate by itself. */
import { describe, expect, test } from 'vitest';
import { judge } from '../../../selection/judge.js';
import { reportGates } from '../../../selection/tuning/gate-report.js';
import type { Judged } from '../../../selection/tuning/propose.js';
import { chanceFrom, type Chance } from '../../../selection/tuning/random.js';
import type { OnUnassessable, Score } from '../../../selection/types.js';
import { ok, policyOf, threshold } from '../samples.js';

const AIM = { maxDefectRate: 0.1, confidence: 0.9 };
const NONE: Score = { status: 'unassessable', reason: 'no-subject', scorer: 'test@1.0.0' };

/** Four pictures in ten are defective, and six in ten of those without a value, which are one in eight. */
function drawn(chance: Chance, name: string): Judged {
  const without = chance.share() < 1 / 8;
  const good = chance.share() >= (without ? 0.6 : 0.4);
  const score = without ? NONE : ok(chance.share() * 60 + (good ? 40 : 0));
  return { picture: name, job: name, subgroup: null, gates: {}, good, scores: { 'sharpness.tileP90': score } };
}

function policyAt(onUnassessable: OnUnassessable, min: number, deliverReview = false) {
  const gate = threshold({ dimension: 'sharpness.tileP90', accept: { min }, onUnassessable });
  return policyOf([gate], { deliverReview });
}

describe('the threshold by risk control', () => {
  test.each([
    ['ignore', false],
    ['review', true],
    ['reject', false],
  ] as const)(
    'keeps its limit with what has no value: onUnassessable %s, review delivered: %s',
    (onUnassessable, deliverReview) => {
      const repetitions = 800;
      const chance = chanceFrom(31);
      let losses = 0;
      for (let i = 0; i < repetitions; i++) {
        const examples = Array.from({ length: 80 }, (_, n) => drawn(chance, `p${n}`));
        const policy = policyAt(onUnassessable, 50, deliverReview);
        const [found] = reportGates(examples, { policy, ...AIM });
        const limit = found?.report.bounds[0]?.riskControlled ?? null;
        const next = drawn(chance, 'next');
        // none was found: nothing is delivered by it
        if (limit === null || next.good) continue;
        if (judge(next.scores, policyAt(onUnassessable, limit, deliverReview)).pass) losses++;
      }
      // 0.1 and two standard errors
      expect(losses / repetitions).toBeLessThan(0.1 + 2 * Math.sqrt(0.09 / repetitions));
      expect(losses / repetitions).toBeGreaterThan(0.03);
    },
  );

  test('there is none where what passes without a value breaks the limit by itself', () => {
    const some = (count: number, good: boolean, score: Score): Judged[] =>
      Array.from({ length: count }, (_, i) => ({
        ...{ picture: `${good}${i}`, job: `${good}${i}`, subgroup: null, gates: {}, good },
        scores: { 'sharpness.tileP90': score },
      }));
    const examples = [...some(80, true, ok(80)), ...some(20, false, NONE)];
    const limitOf = (onUnassessable: OnUnassessable) =>
      reportGates(examples, { policy: policyAt(onUnassessable, 50), ...AIM })[0]?.report.bounds[0]?.riskControlled;
    expect(limitOf('ignore')).toBeNull();
    expect(limitOf('reject')).toBe(80);
  });
});
