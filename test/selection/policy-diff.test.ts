import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeWords, diffPolicies } from '../../selection/policy-diff.js';
import { canonicalPolicy } from '../../selection/canonical-policy.js';
import { type Dimensions } from '../../selection/policy-file.js';
import { gateWords } from '../../selection/policy-words.js';
import type { Policy } from '../../selection/types.js';
import { demandingArbitrary, policyArbitrary, policyOf, threshold } from './samples.js';

const dimensions: Dimensions = {
  'noise.sigma': { direction: 'lower', unit: 'grey levels', range: [0, 255] },
};
const noise = threshold({ dimension: 'noise.sigma', on: 'raw', accept: { max: 8 } });
const sharp = threshold({ dimension: 'sharpness.tileP90', accept: { min: 40 }, reason: 'Blurred' });

describe('gateWords', () => {
  it('says everything that a gate is', () => {
    expect(gateWords({ ...noise, review: { max: 9 }, onUnassessable: 'review' }, dimensions)).toBe(
      'generic: at most 8 grey levels, in review at most 9; unmeasured: review',
    );
    expect(gateWords(sharp, dimensions)).toBe('generic: quality at least 40; unmeasured: reject; says "Blurred"');
    expect(
      gateWords(
        {
          kind: 'rule',
          id: 'r',
          tier: 'business',
          rule: 'request.deliver < 5',
          reason: 'Too many',
          onUnassessable: 'ignore',
          dimensions: [],
        },
        dimensions,
      ),
    ).toBe('business: holds request.deliver < 5; unmeasured: ignore; says "Too many"');
  });
});

describe('diffPolicies', () => {
  const words = (before: Policy, after: Policy) => diffPolicies(before, after, dimensions).map(changeWords);

  it('names what came, what went and what changed', () => {
    const before = policyOf([noise, sharp], { rank: { 'noise.sigma': 1 }, params: { noise: { a: 1, b: 2 } } });
    const after = policyOf([{ ...noise, accept: { max: 6.5 } }, threshold({ dimension: 'x.y', accept: { min: 1 } })], {
      rank: { 'noise.sigma': 2 },
      diversity: { minDistance: 0.1, lambda: 0.7 },
      minPerGroup: { studio: 2, beach: 1 },
      deliverReview: true,
      fullShare: 0.2,
      questions: { hands: { ask: 'Hands?', want: 'yes' } },
      params: { noise: { b: 2, a: 1 } },
    });
    expect(words(before, after)).toEqual([
      '~ gate noise.sigma: generic: at most 8 grey levels; unmeasured: reject\n    now generic: at most 6.5 grey levels; unmeasured: reject',
      '- gate sharpness.tileP90: generic: quality at least 40; unmeasured: reject; says "Blurred"',
      '+ gate x.y: generic: quality at least 1; unmeasured: reject',
      '~ rank noise.sigma: weight 1\n    now weight 2',
      '~ diversity: only equal pixels are one image; quality picks\n    now near-duplicates under a distance of 0.1; 0.7 quality against likeness by embedding',
      '+ minPerGroup: 1 of beach, 2 of studio',
      '~ deliverReview: the band review does not pass\n    now the band review passes',
      '+ fullShare: the share 0.2 of the candidates runs every scorer, rejected or not',
      '+ question hands: Hands? (want: yes)',
    ]);
  });

  it('says that gates are in another order, which is the order of their reasons', () => {
    expect(words(policyOf([noise, sharp]), policyOf([sharp, noise]))).toEqual([
      '~ order: noise.sigma, sharpness.tileP90\n    now sharpness.tileP90, noise.sigma',
    ]);
  });

  it('tells a number for every group from a group of that name, and one odd name from two', () => {
    const groups = (minPerGroup: Policy['minPerGroup']) => policyOf([], { ...(minPerGroup && { minPerGroup }) });
    expect(words(groups(15), groups({ each: 15 }))).toEqual(['~ minPerGroup: 15 of every group\n    now 15 of each']);
    expect(words(groups({ 'a, 2 of b': 1 }), groups({ a: 1, b: 2 }))).toEqual([
      '~ minPerGroup: 1 of "a, 2 of b"\n    now 1 of a, 2 of b',
    ]);
  });

  it('finds a difference exactly where the canonical forms differ', () => {
    const ranked = { intercept: 0, weights: { 'noise.sigma': 1 } };
    // names that read like more than one, or like the words around them; numbers and texts that read alike
    const name = fc.constantFrom('a', 'b', 'a, b', 'every group', 'each', 'a, 1 of b', '"a"', '1');
    const some = <T>(of: fc.Arbitrary<T>) => fc.dictionary(name, of, { noNullPrototype: true, maxKeys: 3 });
    const more = fc.record(
      {
        order: fc.shuffledSubarray(['a', 'b', 'a, b']),
        minPerGroup: fc.oneof(fc.constantFrom(1, 2), some(fc.constantFrom(1, 2))),
        rankModel: some(fc.constantFrom<string | number>(1, '1', '1, b 1')).map((fittedOn) => ({
          ...ranked,
          fittedOn,
        })),
        fullShare: fc.constantFrom(0, 0.05, 1),
        questions: some(fc.record({ ask: name, want: fc.constantFrom('yes' as const, 'no' as const) })),
        params: some(some(fc.constantFrom<unknown>(1, '1', [1], { a: 1, b: 2 }, { b: 2, a: 1 }, null))),
        pins: fc.record({ scorers: some(name), models: some(name) }),
      },
      { requiredKeys: [] },
    );
    const policy = fc
      .tuple(policyArbitrary, demandingArbitrary, more)
      .map(([{ gates, ...rest }, demands, { order = [], ...others }]) =>
        canonicalPolicy({
          ...rest,
          ...demands,
          ...others,
          gates: [...gates, ...order.map((id) => ({ ...noise, id, dimension: id }))].filter(
            (gate, i, all) => all.findIndex(({ id }) => id === gate.id) === i,
          ),
        }),
      );
    /** One part of the other policy, or as many as come: alike in all else. */
    const near = fc.tuple(policy, policy, fc.array(fc.nat(20), { maxLength: 2 })).map(([before, other, parts]) => {
      const keys = [...new Set([...Object.keys(before), ...Object.keys(other)])] as (keyof Policy)[];
      const taken = Object.fromEntries(
        parts.map((i) => keys[i % keys.length] as keyof Policy).map((k) => [k, other[k]]),
      );
      return [before, canonicalPolicy({ ...before, ...taken })] as const;
    });
    fc.assert(
      fc.property(fc.oneof(near, fc.tuple(policy, policy)), ([before, after]) => {
        const same = canonicalize(before) === canonicalize(after);
        expect(diffPolicies(before, after, dimensions).length === 0).toBe(same);
      }),
      { numRuns: 400 },
    );
  });
});
