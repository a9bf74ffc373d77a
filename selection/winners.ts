/** The winners so far of a request that still draws: who joins and who leaves with each pass, as numbered events. */
import type { Passing } from './select.js';

/** What is kept of each that has passed: one that is no winner now may be one later, when what stood in its way has left. */
export interface PassedSoFar extends Passing {
  seed: number;
  /** Of its image in storage. */
  key: string;
}

export interface WinnerSoFar {
  candidate: number;
  /** 1 is best. */
  rank: number;
  seed: number;
  quality: number;
  key: string;
  group?: string;
}

/** What one event changes. Without those that left, each that joined takes its rank, the best first. */
interface Change {
  joined: WinnerSoFar[];
  /** With the reason: `near-duplicate of 7`, `ranked 5 of 9`. */
  left: { candidate: number; why: string }[];
}

/**
 * One change of the set. `passed`: by a candidate that passed. `end`: the request has ended, and this makes the set what it delivered. `resumed`: it
 * goes on after an end.
 */
export type WinnerEvent = {
  /** 1, 2, …, without gaps; a number always means the same event. */
  event: number;
  /** ISO 8601. */
  at: string;
} & Change &
  (
    | { kind: 'passed'; candidate: number }
    | { kind: 'end'; state: 'delivered' | 'shortfall' | 'failed' | 'cancelled' }
    | { kind: 'resumed' }
  );

/** winners.json. */
export interface WinnersDoc {
  request: string;
  /** The set as it stands, best first. */
  winners: number[];
  events: WinnerEvent[];
  passed: PassedSoFar[];
}

/** The choice of `pickWinners`, best first. */
export type Choice = { winners: readonly { candidate: number }[]; notPicked: Readonly<Record<number, string>> };

export const noWinners = (request: string): WinnersDoc => ({ request, winners: [], events: [], passed: [] });

const hasEnded = ({ events }: WinnersDoc): boolean => events.at(-1)?.kind === 'end';

/**
 * Adds a candidate that has passed. The set is then `choose`'s own choice from all that have passed so far, so it does not depend on their order. One that
 * is known already, one that changes nothing and one that comes after the end leave no event.
 *
 * @param choose from all that passed to the winners: `pickWinners`
 * @returns the same document where nothing changes
 * @example
 * const { events } = withPass(noWinners('r1'), one, { at: '2026-11-23T15:45:00Z', choose });
 * events[0]?.joined; // [{ candidate: 7, rank: 1, seed: 123, quality: 87.2, key: '…/0007.png' }]
 */
export function withPass(
  doc: WinnersDoc,
  one: PassedSoFar,
  { at, choose }: { at: string; choose: (passed: readonly PassedSoFar[]) => Choice },
): WinnersDoc {
  if (hasEnded(doc)) return doc;
  const known = doc.passed.find(({ candidate }) => candidate === one.candidate);
  const isKnown = known?.quality === one.quality && known.key === one.key;
  // one that was measured anew, by other scorers, counts as it is now
  const passed = isKnown ? doc.passed : [...doc.passed.filter((other) => other !== known), one];
  const choice = choose(passed);
  const byCandidate = new Map(passed.map((other) => [other.candidate, other]));
  const chosen = choice.winners.flatMap(({ candidate }, place) => {
    const winner = byCandidate.get(candidate);
    return winner ? [winnerOf(winner, place + 1)] : [];
  });
  const change = changeTo(chosen, doc, (candidate) => choice.notPicked[candidate] ?? 'no winner any more');
  if (isEmpty(change)) return isKnown ? doc : { ...doc, passed };
  return withEvent({ ...doc, passed }, { at, kind: 'passed', candidate: one.candidate, ...change });
}

/**
 * Ends the events with what was delivered. Repeated with the same end it changes nothing.
 *
 * @param why of a winner so far that was not delivered
 * @returns the same document where nothing changes
 */
export function withEnd(
  doc: WinnersDoc,
  end: {
    at: string;
    state: Extract<WinnerEvent, { kind: 'end' }>['state'];
    delivered: readonly WinnerSoFar[];
    why: (candidate: number) => string;
  },
): WinnersDoc {
  const change = changeTo(end.delivered, doc, end.why);
  const last = doc.events.at(-1);
  if (last?.kind === 'end' && last.state === end.state && isEmpty(change)) return doc;
  return withEvent(doc, { at: end.at, kind: 'end', state: end.state, ...change });
}

/** Lets the events go on after an end. @returns the same document where there is no end */
export const withResume = (doc: WinnersDoc, { at }: { at: string }): WinnersDoc =>
  hasEnded(doc) ? withEvent(doc, { at, kind: 'resumed', joined: [], left: [] }) : doc;

/**
 * The set after an event.
 *
 * @param winners the set before it, best first
 * @example
 * const winners = doc.events.reduce(afterEvent, []); // as many as doc.winners, in the same order
 */
export function afterEvent(winners: readonly WinnerSoFar[], { joined, left }: WinnerEvent): WinnerSoFar[] {
  const gone = new Set(left.map(({ candidate }) => candidate));
  const set = winners.filter(({ candidate }) => !gone.has(candidate));
  for (const one of joined) set.splice(one.rank - 1, 0, one);
  return set.map((one, place) => (one.rank === place + 1 ? one : { ...one, rank: place + 1 }));
}

function changeTo(
  chosen: readonly WinnerSoFar[],
  { winners }: WinnersDoc,
  why: (candidate: number) => string,
): Change & { winners: number[] } {
  const before = new Set(winners);
  const after = new Set(chosen.map(({ candidate }) => candidate));
  const stay = winners.filter((candidate) => after.has(candidate));
  const places = [...after].filter((candidate) => before.has(candidate));
  // their order changes only where one was measured anew: then all take their places again
  const again = stay.every((candidate, place) => candidate === places[place]) ? [] : stay;
  return {
    joined: chosen.filter(({ candidate }) => !before.has(candidate) || again.includes(candidate)),
    left: winners.flatMap((candidate) => {
      if (again.includes(candidate)) return [{ candidate, why: 'measured anew' }];
      return after.has(candidate) ? [] : [{ candidate, why: why(candidate) }];
    }),
    winners: [...after],
  };
}

const isEmpty = ({ joined, left }: Change): boolean => joined.length === 0 && left.length === 0;

type WithoutNumber<T> = T extends unknown ? Omit<T, 'event'> : never;

function withEvent(doc: WinnersDoc, event: WithoutNumber<WinnerEvent> & { winners?: number[] }): WinnersDoc {
  const { winners = doc.winners, ...rest } = event;
  return { ...doc, winners, events: [...doc.events, { event: doc.events.length + 1, ...rest }] };
}

/** Rounded as in the result. */
const winnerOf = ({ candidate, seed, quality, key, group }: PassedSoFar, rank: number): WinnerSoFar => ({
  candidate,
  rank,
  seed,
  quality: Math.round(quality * 100) / 100,
  key,
  ...(group !== undefined && { group }),
});
