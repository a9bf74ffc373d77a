/** How long what a request left is kept, by what became of it. Pure; ages are days. */

/** What an age can be set for (docs/retention.md). */
export const AGES = ['rejected', 'passed', 'delivered', 'review', 'labelled', 'records', 'inputs', 'comfyui'] as const;
export type Age = (typeof AGES)[number];

/** Days, counted from the end of the request. Absent: kept for good. */
export type Retention = Readonly<Partial<Record<Age, number>>>;
/** What somebody set; null: kept for good, whatever is set elsewhere. */
export type RetentionSaid = Readonly<Partial<Record<Age, number | null>>>;

/** `usual`: what can be drawn again goes soon, what was delivered or what a person said something of stays. */
export const USUAL_RETENTION: Retention = { rejected: 7, passed: 30, review: 90, records: 365, inputs: 90, comfyui: 1 };

const DAY_MS = 86_400_000;
const HOURS = 24;

/**
 * `usual,rejected=3d,delivered=90d,labelled=never`: what is set by it, or which word is wrong.
 *
 * @example
 * parseRetention('rejected=12h'); // { said: { rejected: 0.5 } }
 */
export function parseRetention(text: string): { said: RetentionSaid } | { wrong: string } {
  const said: Partial<Record<Age, number | null>> = {};
  for (const word of text.split(/[\s,]+/).filter((one) => one !== '')) {
    if (word === 'usual') {
      Object.assign(said, USUAL_RETENTION);
      continue;
    }
    const [, name = '', number, unit] = /^(\w+)=(?:(\d+(?:\.\d+)?)([dh])|never)$/.exec(word) ?? [];
    const age = AGES.find((one) => one === name);
    if (age === undefined) return { wrong: word };
    said[age] = number === undefined ? null : Number(number) / (unit === 'h' ? HOURS : 1);
  }
  return { said };
}

/** As `parseRetention` reads it. */
export const retentionText = (said: RetentionSaid): string =>
  AGES.flatMap((age) => {
    const days = said[age];
    return days === undefined ? [] : [`${age}=${days === null ? 'never' : `${days}d`}`];
  }).join(',');

/** What counts for a tenant: its own word where there is one, else the installation's. */
export function retentionOf(installation: RetentionSaid, tenant: RetentionSaid = {}): Retention {
  const all = { ...installation, ...tenant };
  return Object.fromEntries(AGES.flatMap((age) => (typeof all[age] === 'number' ? [[age, all[age]]] : [])));
}

/** What a candidate is to the age of its pictures. */
export interface Aging {
  candidate: number;
  /** As in the manifest. */
  state: string;
  /** Only a person can say more: in the band review and not decided on, or in the audit sample and not labelled. */
  waits: boolean;
  /** A person has said something of the picture. */
  labelled: boolean;
}

/** Days that a candidate's pictures are kept: the longest that anything about it asks for. Undefined: for good. */
export function pictureDays(
  { state, waits, labelled }: Omit<Aging, 'candidate'>,
  retention: Retention,
): number | undefined {
  const own: Age = state === 'delivered' || state === 'passed' ? state : 'rejected';
  const ages = [own, ...(waits ? (['review'] as const) : []), ...(labelled ? (['labelled'] as const) : [])];
  const days = ages.map((age) => retention[age]);
  return days.reduce((longest, one) =>
    longest === undefined || one === undefined ? undefined : Math.max(longest, one),
  );
}

/** Whether what was touched last at `at` is past an age. */
export const isPast = (at: number, { days, now }: { days: number | undefined; now: number }): boolean =>
  days !== undefined && now - at >= days * DAY_MS;

/**
 * What of an ended request is past its age.
 *
 * @param pictures the candidates whose pictures are still there
 * @param when `endedAt`, `now`: milliseconds since the epoch
 * @returns `pictures`: candidates whose pictures go; `records`: nothing is left to keep the records for, and they are past their age too
 * @example
 * expired([{ candidate: 3, state: 'rejected', waits: false, labelled: false }], { endedAt, now: endedAt + 8 * 86_400_000, retention: { rejected: 7 } });
 * // { pictures: [3], records: false }
 */
export function expired(
  pictures: readonly Aging[],
  { endedAt, now, retention }: { endedAt: number; now: number; retention: Retention },
): { pictures: number[]; records: boolean } {
  const gone = pictures.filter((one) => isPast(endedAt, { days: pictureDays(one, retention), now }));
  return {
    pictures: gone.map(({ candidate }) => candidate),
    records: gone.length === pictures.length && isPast(endedAt, { days: retention.records, now }),
  };
}
