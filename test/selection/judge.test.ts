import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countJudged, judge } from '../../selection/judge.js';
import type { Gate, Score } from '../../selection/types.js';
import { DIMENSIONS, ok, policyArbitrary, policyOf, scoresArbitrary, threshold } from './samples.js';

const sharp = threshold({ dimension: 'sharpness.tileP90', accept: { min: 40 } });
const rule = (expression: string, more: Partial<Gate> = {}): Gate =>
  ({
    kind: 'rule',
    id: 'noText',
    tier: 'business',
    rule: expression,
    reason: 'Text in the background',
    onUnassessable: 'reject',
    dimensions: [],
    ...more,
  }) as Gate;
const reasonsOf = (scores: Record<string, Score>, gate: Gate) =>
  judge(scores, policyOf([gate])).failed.map((failed) => failed.reason);

describe('judge, threshold gates', () => {
  it('passes on the bound and fails below it', () => {
    expect(judge({ 'sharpness.tileP90': ok(1, 40) }, policyOf([sharp]))).toEqual({
      pass: true,
      band: 'accept',
      failed: [],
    });
    expect(judge({ 'sharpness.tileP90': ok(1, 31.234) }, policyOf([sharp]))).toEqual({
      pass: false,
      band: 'reject',
      failed: [
        {
          gate: 'sharpness.tileP90',
          tier: 'generic',
          reason: 'sharpness.tileP90 is 31.2, at least 40 wanted (quality)',
        },
      ],
    });
  });

  it('says what was wanted, in the words of the bound', () => {
    const raw = (accept: object, more = {}) =>
      threshold({ dimension: 'exposure.clippedShare', on: 'raw', accept, ...more });
    const scores = { 'exposure.clippedShare': ok(0.5, 3) };
    expect(reasonsOf(scores, raw({ max: 0.02 }))).toEqual(['exposure.clippedShare is 0.5, at most 0.02 wanted']);
    expect(reasonsOf(scores, raw({ min: 0.1, max: 0.2 }))).toEqual(['exposure.clippedShare is 0.5, 0.1 to 0.2 wanted']);
    expect(reasonsOf(scores, raw({ max: 0 }, { reason: 'Blown out' }))).toEqual([
      'Blown out (exposure.clippedShare is 0.5)',
    ]);
  });

  it('never rounds a value onto the bound it missed', () => {
    expect(reasonsOf({ 'sharpness.tileP90': ok(1, 39.9996) }, sharp)).toEqual([
      'sharpness.tileP90 is 39.9996, at least 40 wanted (quality)',
    ]);
  });

  it('puts values between review and accept into the review band, which passes only if the policy says so', () => {
    const gate = threshold({
      dimension: 'noise.sigma',
      on: 'raw',
      accept: { min: 1, max: 4 },
      review: { max: 6 },
    });
    const scores = { 'noise.sigma': ok(5) };
    expect(judge(scores, policyOf([gate]))).toMatchObject({ pass: false, band: 'review' });
    expect(judge(scores, policyOf([gate], { deliverReview: true }))).toMatchObject({ pass: true, band: 'review' });
    expect(judge({ 'noise.sigma': ok(7) }, policyOf([gate]))).toMatchObject({ band: 'reject' });
    // The end that review leaves out stays where accept put it.
    expect(judge({ 'noise.sigma': ok(0.5) }, policyOf([gate]))).toMatchObject({ band: 'reject' });
  });

  it('takes the worst band of all gates and names every gate', () => {
    const review = threshold({ dimension: 'noise.sigma', accept: { min: 50 }, review: { min: 0 } });
    for (const gates of [
      [sharp, review],
      [review, sharp],
    ]) {
      const verdict = judge({ 'noise.sigma': ok(10), 'sharpness.tileP90': ok(10) }, policyOf(gates));
      expect(verdict.band).toBe('reject');
      expect(verdict.failed.map(({ gate }) => gate)).toEqual(gates.map(({ id }) => id));
    }
  });
});

describe('judge, dimensions without a value', () => {
  const without: [string, Record<string, Score>, string][] = [
    [
      'unassessable',
      { 'sharpness.tileP90': { status: 'unassessable', reason: 'too-small', scorer: 's@1.0.0' } },
      'sharpness.tileP90 could not be measured: too small to tell',
    ],
    [
      'error',
      { 'sharpness.tileP90': { status: 'error', error: 'boom', scorer: 's@1.0.0' } },
      'sharpness.tileP90 could not be measured: boom',
    ],
    ['notRun', { 'sharpness.tileP90': { status: 'notRun', scorer: 's@1.0.0' } }, 'sharpness.tileP90 was not measured'],
    ['missing', {}, 'sharpness.tileP90 was not measured'],
    [
      'not a number',
      { 'sharpness.tileP90': ok(1, Number.NaN) },
      'sharpness.tileP90 could not be measured: the value is not a number',
    ],
  ];
  it.each(without)('%s is decided by the gate, never a silent pass', (_, scores, reason) => {
    const bandFor = (onUnassessable: 'reject' | 'review' | 'ignore') =>
      judge(scores, policyOf([{ ...sharp, onUnassessable }]));
    expect(bandFor('reject')).toEqual({
      pass: false,
      band: 'reject',
      failed: [{ gate: sharp.id, tier: 'generic', reason }],
    });
    expect(bandFor('review')).toMatchObject({ pass: false, band: 'review' });
    expect(bandFor('ignore')).toEqual({ pass: true, band: 'accept', failed: [] });
  });

  it('names no gate that was left out because another one had rejected', () => {
    const blurred = { 'sharpness.tileP90': ok(10), 'noise.sigma': { status: 'notRun', scorer: 'n@1.0.0' } } as const;
    const left = threshold({ dimension: 'noise.sigma', accept: { max: 8 } });
    const clean = rule('scores.noise.sigma.raw < 8.0', { dimensions: ['noise.sigma'] });
    const verdict = judge(blurred, policyOf([sharp, left, clean]));
    expect(verdict).toMatchObject({ band: 'reject', pass: false });
    expect(verdict.failed.map(({ gate }) => gate)).toEqual([sharp.id]);
    // alone, it is still no pass
    expect(judge(blurred, policyOf([left]))).toMatchObject({ band: 'reject', pass: false });
  });

  it('does not mistake inherited properties for scores', () => {
    expect(judge({}, policyOf([threshold({ dimension: 'constructor', accept: { min: 0 } })])).band).toBe('reject');
  });
});

describe('countJudged', () => {
  it('leaves out those that another gate had rejected before, and no others', () => {
    const [first, second] = ['sharpness.tileP90', 'noise.sigma'] as const;
    const policy = policyOf([
      threshold({ dimension: first, accept: { min: 50 } }),
      threshold({ dimension: second, accept: { min: 50 } }),
    ]);
    const one = (a: Score, b: Score) => {
      const scores = { [first]: a, [second]: b };
      return { scores, verdict: judge(scores, policy) };
    };
    const notRun: Score = { status: 'notRun', scorer: 'test@1.0.0' };
    const candidates = [one(ok(10), notRun), one(ok(90), ok(10)), one(ok(90), notRun), one(ok(90), ok(90))];
    // the third was not measured although nothing had rejected it: its gate decided
    expect(Object.values(countJudged(candidates, policy))).toEqual([4, 3]);
  });
});

describe('judge, rules', () => {
  const scores = {
    'text.backgroundChars': { ...ok(0, 100), facts: { words: ['a', 'b'], area: 0.5 } },
    'noise.sigma': { status: 'unassessable', reason: 'too-small', scorer: 's@1.0.0' } satisfies Score,
  };
  it.each([
    ['scores.text.backgroundChars.raw == 0', true],
    ['scores.text.backgroundChars.raw > 0', false],
    ['scores.text.backgroundChars.quality >= 99.5', true],
    ['scores.noise.sigma.status == "unassessable"', true],
    ['scores.text.backgroundChars.facts.words.size() == 2', true],
    ['scores.text.backgroundChars.facts.area < 0.6', true],
    ['scores.noise.sigma.raw < 1.0 || scores.text.backgroundChars.raw == 0', true],
    ['has(scores.text.other)', false],
  ])('%s -> %s', (expression, pass) => {
    expect(judge(scores, policyOf([rule(expression)]))).toEqual({
      pass,
      band: pass ? 'accept' : 'reject',
      failed: pass ? [] : [{ gate: 'noText', tier: 'business', reason: 'Text in the background' }],
    });
  });

  it.each(['scores.noise.sigma.raw < 1.0', 'scores.text.backgroundChars.raw + 1', 'scores.text.('])(
    '%s has no answer and is decided by the gate',
    (expression) => {
      expect(reasonsOf(scores, rule(expression))[0]).toMatch(/^Text in the background \(could not be measured: .+\)$/);
      expect(judge(scores, policyOf([rule(expression, { onUnassessable: 'ignore' })])).pass).toBe(true);
      expect(judge(scores, policyOf([rule(expression, { onUnassessable: 'review' })])).band).toBe('review');
    },
  );
});

describe('judge, rules over the request', () => {
  const request = { inputs: { style: 'studio', steps: 30, draft: false }, deliver: 4 };
  const bandOf = (expression: string, scores: Record<string, Score> = {}) =>
    judge(scores, policyOf([rule(expression, { onUnassessable: 'review' })]), request).band;
  it.each([
    ['request.inputs.style == "studio"', 'accept'],
    ['request.inputs.style in ["outdoor", "office"]', 'reject'],
    ['request.inputs.steps >= 30 && !request.inputs.draft', 'accept'],
    ['request.deliver > 4', 'reject'],
    ['has(request.inputs.mood)', 'reject'],
    ['request.inputs.mood == "happy"', 'review'],
    ['request.inputs.style != "studio" || scores.noise.sigma.raw < 2.0', 'reject'],
  ])('%s -> %s', (expression, band) => {
    expect(bandOf(expression, { 'noise.sigma': ok(3) })).toBe(band);
  });

  it('has no answer where there is no request', () => {
    const { failed } = judge({}, policyOf([rule('request.deliver > 4')]));
    expect(failed[0]?.reason).toBe('Text in the background (could not be measured: field not found: deliver)');
    expect(judge({}, policyOf([rule('request.deliver > 4', { onUnassessable: 'ignore' })])).pass).toBe(true);
  });
});

describe('judge, rules that loop', () => {
  const long = (length: number): Record<string, Score> => ({
    'text.backgroundChars': { ...ok(0), facts: { words: Array.from({ length }, (_, i) => `w${i}`) } },
  });
  const words = 'scores.text.backgroundChars.facts.words';

  it('goes through the facts of an image', () => {
    const sale = rule(`!${words}.exists(w, w == "sale")`);
    expect(judge(long(9_000), policyOf([sale])).pass).toBe(true);
    expect(reasonsOf(long(9_000), rule(`${words}.exists(w, w == "sale")`))).toEqual(['Text in the background']);
  });

  it.each([`${words}.all(w, w != "")`, `${words}.all(a, ${words}.all(b, a != "" && b != ""))`])(
    'ends %s over a million items, and the gate decides',
    (expression) => {
      const scores = long(expression.includes('all(b') ? 1_000 : 1_000_000);
      expect(reasonsOf(scores, rule(expression))).toEqual([
        'Text in the background (could not be measured: its loops take more than 10,000 turns)',
      ]);
      expect(judge(scores, policyOf([rule(expression, { onUnassessable: 'review' })])).band).toBe('review');
      // the next rule has all its turns again
      expect(judge(long(3), policyOf([rule(expression)])).pass).toBe(true);
    },
  );
});

describe('judge, for all scores and policies', () => {
  it('is total and deterministic, and its parts agree', () => {
    fc.assert(
      fc.property(scoresArbitrary, policyArbitrary, (scores, policy) => {
        const verdict = judge(scores, policy);
        expect(judge(structuredClone(scores), structuredClone(policy))).toEqual(verdict);
        expect(verdict.band === 'accept').toBe(verdict.failed.length === 0);
        expect(verdict.pass).toBe(verdict.band === 'accept' || (verdict.band === 'review' && policy.deliverReview));
        for (const { reason } of verdict.failed) expect(reason).not.toMatch(/undefined|NaN|^$/);
      }),
    );
  });

  it('does not depend on the order of the scores', () => {
    fc.assert(
      fc.property(scoresArbitrary, policyArbitrary, (scores, policy) => {
        const reversed = Object.fromEntries(Object.entries(scores).reverse());
        expect(judge(reversed, policy)).toEqual(judge(scores, policy));
      }),
    );
  });

  it('never gets worse when a quality with only lower bounds gets better', () => {
    const order = { reject: 0, review: 1, accept: 2 };
    fc.assert(
      fc.property(scoresArbitrary, policyArbitrary, fc.constantFrom(...DIMENSIONS), (scores, policy, dimension) => {
        const score = scores[dimension];
        fc.pre(score?.status === 'ok');
        const better = { ...scores, [dimension]: { ...score, quality: 100 } as Score };
        expect(order[judge(better, policy).band]).toBeGreaterThanOrEqual(order[judge(scores, policy).band]);
      }),
    );
  });
});
