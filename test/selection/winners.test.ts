import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rankQuality } from '../../selection/rank.js';
import { pickWinners, select } from '../../selection/select.js';
import {
  afterEvent,
  noWinners,
  withEnd,
  withPass,
  withResume,
  type PassedSoFar,
  type WinnersDoc,
  type WinnerSoFar,
} from '../../selection/winners.js';
import type { Policy } from '../../selection/types.js';
import { demandingArbitrary, policyOf, requestArbitrary } from './samples.js';

const at = '2026-11-23T15:45:00.000Z';
const plain = policyOf([], { diversity: { minDistance: 0.1 } });
const passed = (candidate: number, quality: number, more: Partial<PassedSoFar> = {}): PassedSoFar => ({
  candidate,
  quality,
  seed: 100 + candidate,
  key: `${candidate}.png`,
  ...more,
});
const choosing =
  (policy: Policy, k: number, groups: readonly string[] = []) =>
  (all: readonly PassedSoFar[]) =>
    pickWinners(all, policy, { k, groups });
const fold = (all: readonly PassedSoFar[], policy: Policy, k: number, groups: readonly string[] = []): WinnersDoc =>
  all.reduce((doc, one) => withPass(doc, one, { at, choose: choosing(policy, k, groups) }), noWinners('r1'));
const played = ({ events }: WinnersDoc): WinnerSoFar[] => events.reduce<WinnerSoFar[]>(afterEvent, []);

describe('the winners so far', () => {
  it('the first that passes is one at once; a better one takes the place of the worst, once K are there', () => {
    const { events, winners } = fold([passed(0, 50), passed(1, 70), passed(2, 60), passed(3, 40)], plain, 2);
    expect(events).toEqual([
      {
        event: 1,
        at,
        kind: 'passed',
        candidate: 0,
        joined: [{ candidate: 0, rank: 1, seed: 100, quality: 50, key: '0.png' }],
        left: [],
      },
      {
        event: 2,
        at,
        kind: 'passed',
        candidate: 1,
        joined: [{ candidate: 1, rank: 1, seed: 101, quality: 70, key: '1.png' }],
        left: [],
      },
      {
        event: 3,
        at,
        kind: 'passed',
        candidate: 2,
        joined: [{ candidate: 2, rank: 2, seed: 102, quality: 60, key: '2.png' }],
        left: [{ candidate: 0, why: 'ranked 3 of 3' }],
      },
    ]);
    expect(winners).toEqual([1, 2]);
  });

  it('a near-duplicate takes the place of the one that it is better than, and what stood back for that one returns', () => {
    // b is alike to a and to c, which are not alike to one another
    const a = passed(0, 90, { fingerprint: '0000000000000000' });
    const b = passed(1, 95, { fingerprint: '000000000000003f' });
    const c = passed(2, 96, { fingerprint: '0000000000000fff' });
    const doc = fold([a, b, c], plain, 2);
    expect(doc.events.map(({ joined, left }) => [joined.map((one) => one.candidate), left])).toEqual([
      [[0], []],
      [[1], [{ candidate: 0, why: 'near-duplicate of 1' }]],
      [[2, 0], [{ candidate: 1, why: 'near-duplicate of 2' }]],
    ]);
    expect(doc.winners).toEqual([2, 0]);
  });

  it('a repeat, and one that comes after the end, change nothing', () => {
    const doc = fold([passed(0, 50), passed(1, 70)], plain, 1);
    const choose = choosing(plain, 1);
    expect(withPass(doc, passed(0, 50), { at, choose })).toBe(doc);
    const end = { at, state: 'delivered' as const, delivered: played(doc), why: () => '' };
    const ended = withEnd(doc, end);
    expect(ended.events.at(-1)).toMatchObject({ event: 3, kind: 'end', joined: [], left: [] });
    expect(withEnd(ended, end)).toBe(ended);
    expect(withPass(ended, passed(2, 99), { at, choose })).toBe(ended);
  });

  it('one that is measured anew takes its new place', () => {
    const doc = fold([passed(0, 50), passed(1, 70), passed(0, 90)], plain, 2);
    expect(doc.winners).toEqual([0, 1]);
    expect(played(doc)).toMatchObject([
      { candidate: 0, rank: 1, quality: 90 },
      { candidate: 1, rank: 2, quality: 70 },
    ]);
    expect(doc.passed).toHaveLength(2);
  });

  it('the end makes the set what was delivered; a resumed request goes on from what had passed', () => {
    const doc = fold([passed(0, 50), passed(1, 70)], plain, 2);
    const failed = withEnd(doc, { at, state: 'failed', delivered: [], why: () => 'the request was failed' });
    expect(failed.winners).toEqual([]);
    expect(failed.events.at(-1)?.left).toEqual([
      { candidate: 1, why: 'the request was failed' },
      { candidate: 0, why: 'the request was failed' },
    ]);
    const resumed = withResume(failed, { at });
    expect(withResume(resumed, { at })).toBe(resumed);
    const again = withPass(resumed, passed(0, 50), { at, choose: choosing(plain, 2) });
    expect(again.winners).toEqual([1, 0]);
    expect(again.events.map(({ event, kind }) => [event, kind])).toEqual([
      [1, 'passed'],
      [2, 'passed'],
      [3, 'end'],
      [4, 'resumed'],
      [5, 'passed'],
    ]);
    expect(played(again).map(({ candidate, rank }) => [candidate, rank])).toEqual([
      [1, 1],
      [0, 2],
    ]);
  });
});

describe('the winners so far, for all requests', () => {
  const k = fc.integer({ min: 1, max: 8 });
  const groups = ['studio', 'outdoor', 'office'];
  const request = fc
    .tuple(requestArbitrary, demandingArbitrary)
    .map(([{ candidates, policy }, demands]) => ({ candidates, policy: { ...policy, ...demands } }))
    .chain(({ candidates, policy }) =>
      fc.record({
        candidates: fc.constant(candidates),
        policy: fc.constant(policy),
        order: fc.shuffledSubarray(candidates, { minLength: candidates.length }),
      }),
    );

  it('are what select picks, in whatever order they pass and however often that is told', () => {
    fc.assert(
      fc.property(request, k, fc.nat(), ({ candidates, policy, order }, wanted, repeated) => {
        const all = order.flatMap(({ scores, verdict, ...one }) =>
          verdict.pass ? [{ ...passed(one.candidate, rankQuality(scores, policy)), ...one }] : [],
        );
        const again = all.length === 0 ? [] : [all[repeated % all.length]!];
        const doc = fold([...all, ...again], policy, wanted, groups);
        const selection = select(candidates, policy, wanted, { groups });
        expect(doc.winners).toEqual(selection.winners.map(({ candidate }) => candidate));
        expect(played(doc)).toMatchObject(selection.winners);
      }),
    );
  });

  it('events have no gaps, never hold more than K, and played give the set at every moment', () => {
    fc.assert(
      fc.property(request, k, ({ policy, order }, wanted) => {
        let doc = noWinners('r1');
        for (const { scores, verdict, ...one } of order) {
          if (!verdict.pass) continue;
          const choose = choosing(policy, wanted, groups);
          doc = withPass(doc, { ...passed(one.candidate, rankQuality(scores, policy)), ...one }, { at, choose });
          expect(played(doc).map(({ candidate }) => candidate)).toEqual(doc.winners);
          expect(doc.winners.length).toBeLessThanOrEqual(wanted);
        }
        expect(doc.events.map(({ event }) => event)).toEqual(doc.events.map((_, i) => i + 1));
      }),
    );
  });
});
