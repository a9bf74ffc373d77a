/** Values of command line options. */
import { InvalidArgumentError } from 'commander';
import { isoText, utcTime } from '../selection/utc-time.js';

/** For options that may be repeated. */
export const collect = (value: string, all: string[]): string[] => [...all, value];

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `1.5m`, `2h`, `3d`, `500ms` in milliseconds. */
export function duration(value: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(value) ?? [];
  if (amount === undefined || unit === undefined || Number(amount) === 0)
    throw new InvalidArgumentError('it must be a time such as 90s, 5m or 1h');
  return Math.round(Number(amount) * (UNITS[unit] ?? 1));
}

/** NaN for what is none, also for nothing: an empty variable of a shell is no 0. */
export const number = (value: string): number => (value.trim() === '' ? NaN : Number(value));

export function wholeNumber(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('it must be a whole number of at least 1');
  return number;
}

export const wholeNumberOrZero = (value: string): number => (value === '0' ? 0 : wholeNumber(value));

const HOURS = { h: 1, d: 24, w: 168 } as const;

/** `7d`, `12h`, `2w` before now, or a date, in UTC where it names no zone, as ISO 8601. */
export function since(value: string): string {
  const [, count, unit] = /^(\d+)([hdw])$/.exec(value) ?? [];
  const time =
    unit === undefined ? utcTime(value) : isoText(Date.now() - Number(count) * HOURS[unit as 'h'] * 3_600_000);
  if (time === undefined)
    throw new InvalidArgumentError(
      'it must be a number of hours, days or weeks (12h, 7d, 2w), or a date (2026-11-30, 2026-11-30T10:00; UTC where it names no zone)',
    );
  return time;
}

/** `sha256:…` of a release, or how it starts. */
export function releaseName(value: string): string {
  if (!/^(sha256:)?[0-9a-f]{1,64}$/.test(value))
    throw new InvalidArgumentError('it must be sha256:… as result.json names it, or how that starts');
  return value;
}
