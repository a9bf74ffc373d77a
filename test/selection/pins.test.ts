import { describe, expect, it } from 'vitest';
import { modelsUsed, pinned, scoreProblems, versionProblems } from '../../selection/pins.js';
import { replacePart } from '../../selection/policy-edit.js';
import type { Score } from '../../selection/types.js';
import { policyOf, threshold } from './samples.js';

const HASH = { a: 'a'.repeat(64), b: 'b'.repeat(64) };
const eyes = (models: Record<string, string>, scorer = 'eyes@1.0.0'): Score => ({
  status: 'ok',
  raw: 1,
  quality: 50,
  scorer,
  models,
});
const policy = policyOf([threshold({ dimension: 'eyes.open', accept: { min: 10 } })]);
const versions = { eyes: '1.0.0', noise: '1.1.0', fingerprint: '1.0.0' };

describe('pinned', () => {
  it('names the scorers that the policy reads, its own pins first, and changes nothing twice', () => {
    expect(pinned(policy, versions).pins).toEqual({ scorers: { eyes: '1.0.0' } });
    const near = { ...policy, rank: { 'noise.sigma': 1 }, diversity: { minDistance: 0.1 } };
    expect(pinned(near, versions).pins).toEqual({ scorers: versions });
    const old = { ...near, pins: { scorers: { eyes: '0.9.0' }, models: { iris: HASH.a } } };
    expect(pinned(old, versions).pins).toEqual({ scorers: { ...versions, eyes: '0.9.0' }, models: { iris: HASH.a } });
    expect(pinned(pinned(old, versions), { eyes: '2.0.0' })).toEqual(pinned(old, versions));
    expect(pinned(policyOf([]), versions)).toEqual(policyOf([]));
  });
});

describe('versionProblems', () => {
  it('names scorers of another version; one that is not here is another mistake', () => {
    expect(versionProblems({ scorers: { eyes: '1.0.0', mine: '1.0.0' } }, versions)).toEqual([]);
    expect(versionProblems({ scorers: { eyes: '0.9.0' } }, versions)).toEqual([
      'eyes is 1.0.0 here, and 0.9.0 is pinned',
    ]);
    expect(versionProblems(undefined, versions)).toEqual([]);
  });
});

describe('scoreProblems', () => {
  const pins = { scorers: { eyes: '1.0.0' }, models: { iris: HASH.a } };
  const problems = (score: Score) => scoreProblems({ 'eyes.open': score }, { ...policy, pins });

  it('names scores of other versions and of other models, of dimensions that the policy reads', () => {
    expect(problems(eyes({ iris: HASH.a, facemesh: HASH.b }))).toEqual([]);
    expect(problems(eyes({}, 'eyes@1.0.1'))).toEqual(['eyes.open was measured by eyes@1.0.1, and 1.0.0 is pinned']);
    expect(problems(eyes({ iris: HASH.b }))).toEqual([
      'eyes.open was measured with the model iris bbbbbbbbbbbb…, and aaaaaaaaaaaa… is pinned',
    ]);
    // of a release that was pinned to the digits which reports show
    const short = { ...policy, pins: { ...pins, models: { iris: HASH.a.slice(0, 12) } } };
    expect(scoreProblems({ 'eyes.open': eyes({ iris: HASH.a }) }, short)).toEqual([
      'eyes.open was measured with the model iris aaaaaaaaaaaa…, and aaaaaaaaaaaa is pinned',
    ]);
    expect(problems({ status: 'unassessable', reason: 'no-face', scorer: 'eyes@2.0.0' })).toHaveLength(1);
    const noEyes = { status: 'unassessable', reason: 'no-face', scorer: 'eyes@1.0.0' } as const;
    expect([noEyes, { ...noEyes, models: { iris: HASH.a } }].flatMap(problems)).toEqual([]);
    // that there is no face is the word of a network too
    expect(problems({ ...noEyes, models: { iris: HASH.b } })).toHaveLength(1);
    expect(problems({ status: 'notRun', scorer: 'eyes@2.0.0' })).toEqual([]);
    expect(scoreProblems({ 'noise.sigma': eyes({}, 'noise@0.1.0') }, { ...policy, pins })).toEqual([]);
    expect(scoreProblems({ 'eyes.open': eyes({}, 'eyes@9.0.0') }, policy)).toEqual([]);
  });

  it('modelsUsed names those of the dimensions that the policy reads', () => {
    const scores = { 'eyes.open': eyes({ iris: HASH.a }), 'text.chars': eyes({ ocr: HASH.b }) };
    expect(modelsUsed(scores, policy)).toEqual({ iris: HASH.a });
  });
});

describe('replacePart', () => {
  const replaced = (text: string) => replacePart(text, { key: 'rank', value: { 'a.b': 1 }, file: 'p.yaml' });

  it.each([
    [
      'a block',
      'policy: p # mine\nrank:\n  x.y: 2 # old\n\n# next\ngates: {}\n',
      'policy: p # mine\nrank:\n  a.b: 1\n\n# next\ngates: {}\n',
    ],
    ['a line', 'rank: { x.y: 2 } # weights\npolicy: p', 'rank:\n  a.b: 1 # weights\npolicy: p'],
    ['nothing', 'policy: p\nrank:\ngates: {}\n', 'policy: p\nrank:\n  a.b: 1\ngates: {}\n'],
    ['what is not there', 'policy: p # mine', 'policy: p # mine\nrank:\n  a.b: 1\n'],
  ])('replaces %s and leaves the rest as it is', (_, before, after) => {
    expect(replaced(before)).toBe(after);
    expect(replaced(replaced(after))).toBe(replaced(after));
  });

  it('refuses a file that is one mapping in braces', () => {
    expect(() => replaced('{ policy: p }')).toThrow(/p\.yaml: the file is one/);
  });
});
