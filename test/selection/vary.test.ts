import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Passing } from '../../selection/select.js';
import { countPicked } from '../../selection/select.js';
import {
  groupOfValue,
  groupStandings,
  inputsWith,
  minimaByGroup,
  nextValues,
  type ValueCount,
} from '../../selection/vary.js';

const fresh = (): ValueCount => ({ launched: 0, ended: 0, passed: 0 });
const ended = (launched: number, passed: number): ValueCount => ({ launched, ended: launched, passed });
const common = { k: 4, minDistance: 0 };
let names = 0;
const pass = (value: number, more: Partial<Passing> = {}): Passing => ({
  candidate: names++,
  quality: 50,
  group: groupOfValue(value),
  ...more,
});

describe('how values stand that lack winners', () => {
  it('those that have their minimum are left out; near-duplicates pass once', () => {
    const values = [ended(6, 2), { launched: 9, ended: 7, passed: 2 }, ended(4, 0)];
    const passing = [pass(0), pass(0), pass(1, { pixelSha256: 'a' }), pass(1, { pixelSha256: 'a' })];
    expect(groupStandings({ ...common, k: 6, values, minima: [2, 2, 0], passing })).toEqual([
      { need: 1, passed: 1, failed: 6, inFlight: 2 },
    ]);
  });

  it('none without minima', () => {
    expect(groupStandings({ ...common, values: [ended(3, 0)], passing: [] })).toEqual([]);
  });
});

describe('which value the next candidate is drawn with', () => {
  it('all alike, without minima', () => {
    expect(nextValues(5, { ...common, values: [fresh(), fresh(), fresh()], passing: [] })).toEqual([0, 1, 2, 0, 1]);
    expect(nextValues(2, { ...common, values: [ended(4, 0), ended(2, 2)], passing: [pass(1), pass(1)] })).toEqual([
      1, 1,
    ]);
  });

  it('one whose minimum is met is drawn no more while another lacks', () => {
    const values = [ended(3, 2), ended(3, 0)];
    expect(nextValues(4, { ...common, values, minima: [2, 2], passing: [pass(0), pass(0)] })).toEqual([1, 1, 1, 1]);
  });

  it('a near-duplicate meets no minimum', () => {
    const values = [ended(2, 2), ended(2, 2)];
    const twins = [pass(0, { pixelSha256: 'a' }), pass(0, { pixelSha256: 'a' }), pass(1), pass(1)];
    expect(nextValues(2, { ...common, values, minima: [2, 2], passing: twins })).toEqual([0, 0]);
  });

  it('the more of one are expected from what is in flight, the sooner it is the turn of another', () => {
    const inFlight = { launched: 8, ended: 4, passed: 2 };
    expect(nextValues(1, { ...common, values: [inFlight, ended(4, 2)], minima: [2, 2], passing: [] })).toEqual([1]);
  });

  it('all alike while there are places that no minimum keeps: a look that hardly passes costs no image of the others', () => {
    const values = [ended(3, 1), ended(3, 0)];
    const limits = { minDistance: 0, values, minima: [1, 2] };
    expect(nextValues(2, { ...limits, k: 4, passing: [pass(0)] })).toEqual([0, 1]);
    expect(nextValues(2, { ...limits, k: 3, passing: [pass(0)] })).toEqual([1, 1]);
  });

  it('reaches every minimum with few candidates too many, whatever the pass rates are, and never draws for a full one', () => {
    const rates = fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(rates, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 16 }), (tenths, least, atOnce) => {
        const minima = tenths.map(() => least);
        const k = least * tenths.length;
        const values = tenths.map(fresh);
        const passing: Passing[] = [];
        const limits = { k, minDistance: 0, minima: new Map(Object.entries(minimaByGroup(minima))) };
        let drawn = 0;
        while (countPicked(passing, limits) < k) {
          const full = values.map(({ passed }) => passed >= least);
          const next = nextValues(atOnce, { k, minDistance: 0, values, minima, passing });
          expect(nextValues(atOnce, { k, minDistance: 0, values, minima, passing: passing.toReversed() })).toEqual(
            next,
          );
          for (const value of next) {
            expect(full[value]).toBe(false);
            const count = values[value]!;
            // as even a spread of passes as there is
            const passes =
              Math.floor(((count.launched + 1) * tenths[value]!) / 10) >
              Math.floor((count.launched * tenths[value]!) / 10);
            count.launched++;
            count.ended++;
            drawn++;
            if (!passes) continue;
            count.passed++;
            passing.push(pass(value));
          }
        }
        const needed = tenths.reduce((sum, rate) => sum + Math.ceil((least * 10) / rate), 0);
        expect(drawn).toBeLessThanOrEqual(needed + tenths.length * (atOnce - 1));
      }),
    );
  });
});

describe('the inputs of one candidate', () => {
  const vary = { input: 'steps', values: [{ value: 20 }, { value: 30 }] };
  it('have its own value, in the type of the input', () => {
    expect(inputsWith({ steps: 20, prompt: 'a' }, vary, '30')).toEqual({ steps: 30, prompt: 'a' });
    expect(inputsWith({ steps: 20 }, vary, undefined)).toEqual({ steps: 20 });
    expect(inputsWith({ steps: 20 }, undefined, '30')).toEqual({ steps: 20 });
  });
});
