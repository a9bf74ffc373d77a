import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../errors.js';
import { afterResult, allowedSlots, NEW_BREAKER, type Breaker } from '../../fleet/breaker.js';

const limits = { failures: 3, fastMs: 1_000, firstRestMs: 100, longestRestMs: 350 };
const slots = 2;
const after = (breaker: Breaker, code: ErrorCode | undefined, { now = 0, tookMs = 10 } = {}) =>
  afterResult(breaker, { code, tookMs }, { now, limits });
const failed = (times: number, now = 0) =>
  Array.from({ length: times }).reduce<Breaker>((breaker) => after(breaker, 'COMFY_NODE_FAILED', { now }), NEW_BREAKER);

describe('breaker', () => {
  test('rests after so many fast failures in a row, then lets one through, and draws again once that is drawn', () => {
    expect(allowedSlots(failed(2), { now: 0, slots })).toBe(2);
    const resting = failed(3);
    expect(allowedSlots(resting, { now: 99, slots })).toBe(0);
    expect(allowedSlots(resting, { now: 100, slots })).toBe(1);
    expect(after(resting, undefined, { now: 100 })).toEqual(NEW_BREAKER);
  });

  test('each rest is twice as long as the one before, up to the longest', () => {
    let breaker = failed(3);
    const rests = [breaker.restsUntil];
    for (let i = 0; i < 3; i++) {
      const now = breaker.restsUntil!;
      breaker = after(breaker, 'COMFY_OUT_OF_MEMORY', { now });
      rests.push(breaker.restsUntil! - now);
    }
    expect(rests).toEqual([100, 200, 350, 350]);
  });

  test('a candidate that began before the rest and fails in it makes it no longer', () => {
    const resting = failed(3);
    expect(after(resting, 'COMFY_NODE_FAILED', { now: 50 })).toBe(resting);
  });

  test('a success in between starts the count anew', () => {
    expect(allowedSlots(after(after(failed(2), undefined), 'COMFY_NODE_FAILED'), { now: 0, slots })).toBe(2);
  });

  test.each(['COMFY_INVALID_GRAPH', 'STORAGE_FULL', 'COMFY_UNREACHABLE', 'COMFY_INTERRUPTED'] as const)(
    '%s is no fault of the ComfyUI, or somebody else finds it',
    (code) => {
      const breaker = failed(2);
      expect(after(breaker, code)).toBe(breaker);
    },
  );

  test('a slow failure eats no queue', () => {
    const slow = after(failed(2), 'COMFY_NODE_FAILED', { tookMs: 1_001 });
    expect(allowedSlots(after(slow, 'COMFY_NODE_FAILED'), { now: 0, slots })).toBe(2);
  });
});
