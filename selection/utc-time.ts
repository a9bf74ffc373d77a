/** Times that people write, as the texts that documents hold: ISO 8601 in UTC, years of four digits, so that they sort as texts. */

const [FIRST, END] = [Date.parse('0000-01-01'), Date.UTC(10_000, 0)];

/** A time as documents hold it; undefined for one that cannot be. */
export const isoText = (time: number): string | undefined =>
  time >= FIRST && time < END ? new Date(time).toISOString() : undefined;

/**
 * A day or a time of ISO 8601; without a zone it is UTC, so that it means the same on every machine. Undefined for what is none: `Date.parse` takes `5` for a
 * year and 31 February for 3 March.
 *
 * @example
 * utcTime('2026-11-24 10:00+02:00'); // '2026-11-24T08:00:00.000Z'
 */
export function utcTime(text: string): string | undefined {
  const [, day = '', time = '00:00', zone = 'Z'] =
    /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/i.exec(text) ?? [];
  if (isoText(Date.parse(day))?.startsWith(day) !== true) return undefined;
  return isoText(Date.parse(`${day}T${time}${zone.toUpperCase()}`));
}
