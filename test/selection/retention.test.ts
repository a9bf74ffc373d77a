import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  AGES,
  expired,
  parseRetention,
  pictureDays,
  retentionOf,
  retentionText,
  USUAL_RETENTION,
  type Aging,
  type Retention,
} from '../../selection/retention.js';

const DAY_MS = 86_400_000;
const days = fc.double({ min: 0, max: 1_000, noNaN: true });
const retention: fc.Arbitrary<Retention> = fc
  .record(Object.fromEntries(AGES.map((age) => [age, days])), { requiredKeys: [] })
  .map((said) => said as Retention);
const state = fc.constantFrom('delivered', 'passed', 'rejected', 'cancelled', 'lost', 'drawn');
const picture = fc.record({ candidate: fc.nat(), state, waits: fc.boolean(), labelled: fc.boolean() });
const pictures = fc.uniqueArray(picture, { selector: (one: Aging) => one.candidate });
const time = fc.integer({ min: 0, max: 1_000 * DAY_MS });

describe('expired', () => {
  test('nothing goes where nothing is set', () => {
    fc.assert(
      fc.property(pictures, time, (all, later) => {
        expect(expired(all, { endedAt: 0, now: later, retention: {} })).toEqual({ pictures: [], records: false });
      }),
    );
  });

  test('what is gone stays gone as time passes, and nothing goes before its own age', () => {
    fc.assert(
      fc.property(pictures, retention, time, time, (all, kept, a, b) => {
        const [sooner, later] = [Math.min(a, b), Math.max(a, b)];
        const first = expired(all, { endedAt: 0, now: sooner, retention: kept });
        const second = expired(all, { endedAt: 0, now: later, retention: kept });
        expect(second.pictures).toEqual(expect.arrayContaining(first.pictures));
        for (const one of all.filter(({ candidate }) => first.pictures.includes(candidate)))
          expect(pictureDays(one, kept) ?? Infinity).toBeLessThanOrEqual(sooner / DAY_MS);
      }),
    );
  });

  test('a word of a person, or the want of one, never makes a picture go sooner', () => {
    fc.assert(
      fc.property(picture, retention, (one, kept) => {
        const plain = pictureDays({ ...one, waits: false, labelled: false }, kept) ?? Infinity;
        expect(pictureDays(one, kept) ?? Infinity).toBeGreaterThanOrEqual(plain);
      }),
    );
  });

  test('records go only when no picture is left, and never before their own age', () => {
    fc.assert(
      fc.property(pictures, retention, time, (all, kept, now) => {
        const gone = expired(all, { endedAt: 0, now, retention: kept });
        if (!gone.records) return;
        expect(gone.pictures).toHaveLength(all.length);
        expect(kept.records ?? Infinity).toBeLessThanOrEqual(now / DAY_MS);
      }),
    );
  });

  test('the usual ages: what was not picked goes, what was delivered, waits or is labelled stays', () => {
    const of = (candidate: number, is: string, more: Partial<Aging> = {}): Aging => ({
      ...{ candidate, state: is, waits: false, labelled: false },
      ...more,
    });
    const all = [
      ...[of(0, 'delivered'), of(1, 'passed'), of(2, 'rejected'), of(3, 'cancelled'), of(4, 'lost')],
      ...[of(5, 'rejected', { waits: true }), of(6, 'rejected', { labelled: true })],
    ];
    const after = (age: number) => expired(all, { endedAt: 0, now: age * DAY_MS, retention: USUAL_RETENTION });
    expect(after(6.9)).toEqual({ pictures: [], records: false });
    expect(after(7).pictures).toEqual([2, 3, 4]);
    expect(after(30).pictures).toEqual([1, 2, 3, 4]);
    expect(after(90).pictures).toEqual([1, 2, 3, 4, 5]);
    expect(after(10_000)).toEqual({ pictures: [1, 2, 3, 4, 5], records: false });
    const unkept = all.slice(1, 5);
    expect(expired(unkept, { endedAt: 0, now: 365 * DAY_MS, retention: USUAL_RETENTION }).records).toBe(true);
  });
});

describe('parseRetention', () => {
  test('reads back what retentionText writes', () => {
    fc.assert(
      fc.property(
        fc.record(Object.fromEntries(AGES.map((age) => [age, fc.option(fc.nat(5_000))])), { requiredKeys: [] }),
        (said) => {
          expect(parseRetention(retentionText(said))).toEqual({ said });
        },
      ),
    );
  });

  test.each([
    ['usual', USUAL_RETENTION],
    ['usual, rejected=12h delivered=90d', { ...USUAL_RETENTION, rejected: 0.5, delivered: 90 }],
    ['usual,records=never', { ...USUAL_RETENTION, records: null }],
    ['', {}],
  ])('%j', (text, said) => expect(parseRetention(text)).toEqual({ said }));

  test.each(['rejected', 'rejected=7', 'rejcted=7d', 'passed=-1d', 'passed=1w', '__proto__=1d'])('refuses %j', (text) =>
    expect(parseRetention(text)).toEqual({ wrong: text }),
  );

  test("a tenant's word counts before the installation's", () => {
    expect(retentionOf({ rejected: 7, passed: 30 }, { rejected: null, delivered: 5 })).toEqual({
      passed: 30,
      delivered: 5,
    });
  });
});
