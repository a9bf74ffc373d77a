import { describe, expect, it } from 'vitest';
import { since } from '../../cli/options.js';
import { isoText, utcTime } from '../../selection/utc-time.js';

describe('utcTime', () => {
  it.each([
    ['2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-11-24 10:00', '2026-11-24T10:00:00.000Z'],
    ['2026-11-24t10:00:30.5z', '2026-11-24T10:00:30.500Z'],
    ['2026-11-24T10:00+0200', '2026-11-24T08:00:00.000Z'],
    ['2026-03-01T00:30+01:00', '2026-02-28T23:30:00.000Z'],
  ])('%s is %s', (text, time) => {
    expect(utcTime(text)).toBe(time);
    expect(since(text)).toBe(time);
  });

  it.each([
    '2026-02-31',
    '2026-02-29T10:00',
    '2026-13-01',
    '2026-11-24T25:00',
    '2026-11-24T10:00+99:00',
    '9999-12-31T23:00-05:00',
    '0000-01-01T00:00+01:00',
    '2026-11',
    '24.11.2026',
    '5',
    '',
  ])('"%s" is no time', (text) => {
    expect(utcTime(text)).toBeUndefined();
    expect(() => since(text)).toThrow('UTC where it names no zone');
  });

  it('isoText holds for years of four digits', () => {
    expect(isoText(0)).toBe('1970-01-01T00:00:00.000Z');
    for (const time of [NaN, Infinity, -1e15, 1e15]) expect(isoText(time)).toBeUndefined();
  });
});
