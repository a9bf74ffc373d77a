import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CullError } from '../../../errors.js';
import { joinLabels, type ScoredPicture } from '../../../selection/tuning/examples.js';
import { checkOwnWords, readLabels, type Label } from '../../../selection/tuning/labels.js';
import { originOf } from '../../../selection/tuning/origin.js';
import { ok, policyOf, threshold } from '../samples.js';
import { refusal } from '../../support/refusal.js';

const policy = policyOf([
  threshold({ dimension: 'sharpness.tileP90', accept: { min: 40 } }),
  threshold({ dimension: 'noise.sigma', on: 'raw', accept: { max: 8 } }),
]);
const picture = (name: string, job = 'r'): ScoredPicture => ({ names: [name], job, scores: { 'noise.sigma': ok(1) } });
const label = (more: Partial<Label>): Label => ({ picture: 'a.png', gate: null, pass: true, who: 'ann', ...more });

describe('readLabels', () => {
  const read = (...values: unknown[]) =>
    readLabels(
      values.map((value, i) => ({ line: i + 2, value })),
      { file: 'labels.csv' },
    );

  test('takes candidates in each form, images, gates, groups; texts as CSV has them', () => {
    expect(
      read(
        { request: 'r-1', candidate: '7', gate: 'noise.sigma', verdict: 'FAIL', who: 'ann', job: '', subgroup: 'dark' },
        { candidate: 'r-1/8', verdict: 'pass', who: 'bob', at: '2026-11-24T10:00:00Z' },
        { image: 'a/b.png', verdict: 'pass', who: 'bob', job: 'customer 9' },
        { request: 'r-1', candidate: 9, verdict: 'pass', who: 'bob' },
      ),
    ).toEqual([
      { picture: 'r-1/7', gate: 'noise.sigma', pass: false, who: 'ann', subgroup: 'dark' },
      { picture: 'r-1/8', gate: null, pass: true, who: 'bob', at: '2026-11-24T10:00:00.000Z' },
      { picture: 'a/b.png', gate: null, pass: true, who: 'bob', job: 'customer 9' },
      { picture: 'r-1/9', gate: null, pass: true, who: 'bob' },
    ]);
  });

  test('names every bad row with its line, and takes none', () => {
    const good = { image: 'a.png', verdict: 'pass', who: 'ann' };
    const error = refusal(() =>
      read(
        good,
        { ...good, verdict: 'maybe' },
        { ...good, verdict: undefined },
        { ...good, who: ' ' },
        { verdict: 'pass', who: 'ann' },
        { candidate: 'seven', request: 'r', verdict: 'pass', who: 'ann' },
        { candidate: '7', verdict: 'pass', who: 'ann' },
        { ...good, candidate: 'r/7' },
        { ...good, verdct: 'pass' },
        { ...good, at: 'yesterday' },
        { ...good, gate: ['a'] },
        'text',
      ),
    );
    expect(error.code).toBe('LABELS_INVALID');
    expect(error.message.split('\n')).toEqual([
      'labels.csv:3: "verdict" must be pass or fail, not "maybe"',
      'labels.csv:4: "verdict" is missing: pass or fail',
      'labels.csv:5: "who" is missing: whoever judged it',
      'labels.csv:6: no picture is named: give "request" and "candidate", or "image"',
      'labels.csv:7: "candidate" must be a number, or request/number, not "seven"',
      'labels.csv:8: "candidate" needs its "request"',
      'labels.csv:9: "candidate" and "image" are both given: name the picture once',
      'labels.csv:10: a label has no "verdct", did you mean verdict?',
      'labels.csv:11: "at" is no time: yesterday; write 2026-11-24T10:00:00Z',
      'labels.csv:12: "gate" must be a text',
      'labels.csv:13: this is no record of fields',
    ]);
    expect(refusal(() => read()).message).toBe('labels.csv has no label in it');
  });

  test('times in any zone come out in UTC, and a time without a zone is UTC on every machine', () => {
    const at = (text: string) => read({ image: 'a.png', verdict: 'pass', who: 'ann', at: text })[0]?.at;
    expect(at('2026-11-24T10:00:00+02:00')).toBe('2026-11-24T08:00:00.000Z');
    expect(at('2026-11-24 10:00')).toBe('2026-11-24T10:00:00.000Z');
    expect(at('2026-11-24')).toBe('2026-11-24T00:00:00.000Z');
    for (const text of ['24.11.2026', '11/24/2026', '2026-13-01', '1732442400'])
      expect(refusal(() => at(text)).message).toContain(`"at" is no time: ${text}`);
  });

  test('a request beside an image is its job; beside a candidate it must be the same', () => {
    const said = { verdict: 'pass', who: 'ann' };
    expect(read({ ...said, image: 'a.png', request: 'r-1' })[0]?.job).toBe('r-1');
    expect(read({ ...said, image: 'a.png', request: 'r-1', job: 'shop' })[0]?.job).toBe('shop');
    expect(refusal(() => read({ ...said, candidate: 'r-2/7', request: 'r-1' })).message).toBe(
      'labels.csv:2: "candidate" is of r-2, and "request" says r-1: name the request once',
    );
  });

  test('is total: any rows give labels or LABELS_INVALID', () => {
    fc.assert(
      fc.property(fc.array(fc.anything()), (values) => {
        try {
          expect(read(...values)).toHaveLength(values.length);
        } catch (error) {
          expect(error).toBeInstanceOf(CullError);
        }
      }),
    );
  });
});

describe('joinLabels', () => {
  const strict = { policy, unknown: 'error', disagreement: 'error' } as const;

  test('the whole verdict counts; without, one failed gate fails and all judged gates pass', () => {
    const pictures = ['a', 'b', 'c', 'd', 'e'].map((name) => picture(name));
    const gates = (name: string, sharp?: boolean, noise?: boolean): Label[] => [
      ...(sharp === undefined ? [] : [label({ picture: name, gate: 'sharpness.tileP90', pass: sharp })]),
      ...(noise === undefined ? [] : [label({ picture: name, gate: 'noise.sigma', pass: noise })]),
    ];
    const labels = [
      ...gates('a', true, true),
      ...gates('b', true, false),
      ...gates('c', true),
      ...gates('d', false),
      ...gates('e', true, false),
      label({ picture: 'e', pass: true }),
    ];
    const { examples } = joinLabels(labels, pictures, strict);
    expect(examples.map(({ good }) => good)).toEqual([true, false, null, false, true]);
    expect(examples[1]).toMatchObject({ gates: { 'sharpness.tileP90': true, 'noise.sigma': false }, job: 'r' });
  });

  test('the same pixels in two requests are one picture, and the requests one job', () => {
    const at = (name: string, job: string, pixels: string): ScoredPicture => ({ ...picture(name, job), pixels });
    const pictures = [
      at('r/0', 'r', 'a'),
      at('q/0', 'q', 'a'),
      at('q/1', 'q', 'b'),
      at('s/0', 's', 'b'),
      at('t/0', 't', 'c'),
    ];
    const said = (more: Partial<Label>[]) =>
      joinLabels(more.map(label), pictures, { policy, unknown: 'error', disagreement: 'error' }).examples;
    const words = ['r/0', 'q/0', 'q/1', 's/0', 't/0'].map((name) => ({ picture: name }));
    expect(said(words).map(({ picture: name, job }) => [name, job])).toEqual([
      ['r/0', 'q'],
      ['q/1', 'q'],
      ['t/0', 't'],
    ]);
    expect(refusal(() => said([{ picture: 'r/0' }, { picture: 'q/0', who: 'bob', pass: false }])).code).toBe(
      'LABELS_CONTRADICT',
    );
  });

  test('a picture is of a review or the audit sample where every verdict on it is', () => {
    const words: Partial<Label>[] = [
      { picture: 'a', from: 'audit' },
      { picture: 'b', from: 'audit' },
      { picture: 'b', who: 'bob' },
      { picture: 'c' },
    ];
    const { examples } = joinLabels(
      words.map(label),
      ['a', 'b', 'c'].map((name) => picture(name)),
      {
        ...{ policy, unknown: 'error', disagreement: 'error' },
      },
    );
    expect(examples.map(({ from }) => from)).toEqual(['audit', undefined, undefined]);
    expect(originOf(examples)).toMatchObject({ review: 0, audit: 1, other: 2 });
    expect(originOf(examples).speaksOf).toMatch(
      /^1 of 3 labelled pictures \(33 %\) is of reviews.*not of all that is drawn\.$/,
    );
    expect(originOf([{}]).speaksOf).toContain('if they are a random sample of it');
  });

  test('a picture goes by any of its names; a job of the label replaces its own', () => {
    const one: ScoredPicture = { names: ['r/7', 'ab12', 't/requests/r/candidates/0007.png'], job: 'r', scores: {} };
    const { examples } = joinLabels(
      [label({ picture: 'ab12', subgroup: 'dark' }), label({ picture: 'r/7', who: 'bob', job: 'shop' })],
      [one],
      strict,
    );
    expect(examples).toMatchObject([{ picture: 'r/7', job: 'shop', subgroup: 'dark', good: true }]);
  });

  test('labels of pictures without scores are an error that names all, or left out and counted', () => {
    const labels = [label({}), label({ picture: 'gone.png' })];
    const error = refusal(() => joinLabels(labels, [picture('a.png')], strict));
    expect([error.code, error.message]).toEqual(['LABELS_UNKNOWN_CANDIDATE', 'gone.png has a label, but no scores']);
    const joined = joinLabels(labels, [picture('a.png')], { ...strict, unknown: 'leave-out' });
    expect([joined.examples.length, joined.unknown]).toEqual([1, ['gone.png']]);
  });

  test('two people that differ are an error that names them; or the picture counts as failed, never as missing', () => {
    const labels = [label({}), label({ who: 'bob', pass: false })];
    const error = refusal(() => joinLabels(labels, [picture('a.png')], strict));
    expect([error.code, error.message]).toEqual([
      'LABELS_CONTRADICT',
      'a.png, as a whole: pass says ann, fail says bob',
    ]);
    const joined = joinLabels(labels, [picture('a.png')], { ...strict, disagreement: 'fail' });
    expect(joined.examples.map(({ good }) => good)).toEqual([false]);
    expect(joined.disagreements).toEqual(['a.png']);
  });

  test('the later of two verdicts of one person counts; without a time they contradict', () => {
    const first = label({ pass: false, at: '2026-11-01T00:00:00Z' });
    const later = label({ pass: true, at: '2026-11-02T00:00:00Z' });
    for (const labels of [
      [first, later],
      [later, first],
    ])
      expect(joinLabels(labels, [picture('a.png')], strict).examples[0]?.good).toBe(true);
    expect(refusal(() => joinLabels([label({ pass: false }), label({})], [picture('a.png')], strict)).code).toBe(
      'LABELS_CONTRADICT',
    );
  });

  test('two verdicts of one person at one time contradict, in whatever order they come', () => {
    const both = [label({ at: '2026-11-01' }), label({ at: '2026-11-01', pass: false })];
    for (const labels of [both, [...both].reverse()])
      expect(refusal(() => joinLabels(labels, [picture('a.png')], strict)).message).toContain('a.png, as a whole');
    expect(joinLabels([label({}), label({})], [picture('a.png')], strict).examples[0]?.good).toBe(true);
  });

  test('a later word of the same person corrects job and subgroup too', () => {
    const labels = [
      label({ subgroup: 'drak', job: 'a', at: '2026-11-01' }),
      label({ subgroup: 'dark', job: 'b', at: '2026-11-02' }),
    ];
    expect(joinLabels(labels, [picture('a.png')], strict).examples).toMatchObject([{ subgroup: 'dark', job: 'b' }]);
  });

  test('two jobs or subgroups of one picture are refused whatever the setting', () => {
    const labels = [label({ subgroup: 'dark' }), label({ subgroup: 'light', who: 'bob' })];
    const error = refusal(() => joinLabels(labels, [picture('a.png')], { ...strict, disagreement: 'fail' }));
    expect(error.message).toBe('a.png has more than one subgroup: dark, light');
  });

  test('gates of another policy are left out with the pictures that were not measured, and named', () => {
    const labels = [label({ gate: 'noise.sigma' }), label({ gate: 'logo.likeness', pass: false })];
    const joined = joinLabels(labels, [picture('a.png')], { ...strict, unknown: 'leave-out' });
    expect([joined.otherGates, joined.examples[0]?.good]).toEqual([['logo.likeness'], true]);
  });

  test('a gate that the policy does not have is refused, naming the closest', () => {
    const error = refusal(() => joinLabels([label({ gate: 'noise.sgma' })], [picture('a.png')], strict));
    expect([error.code, error.message]).toEqual([
      'LABELS_INVALID',
      'the policy test has no gate "noise.sgma", did you mean noise.sigma?',
    ]);
  });
});

describe('checkOwnWords', () => {
  test('refuses both verdicts of one person; two people and two times may differ', () => {
    const times = [label({ at: '2026-11-01' }), label({ pass: false, at: '2026-11-02' })];
    checkOwnWords([label({}), label({}), label({ who: 'bob', pass: false }), ...times]);
    const error = refusal(() => checkOwnWords([label({}), label({ pass: false })]));
    expect([error.code, error.message]).toEqual(['LABELS_CONTRADICT', 'a.png, as a whole: ann says pass and fail']);
  });
});
