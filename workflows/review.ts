/** What people say of candidates in the band review: how the workflow counts it, and how it waits for it. */
import { ApplicationFailure, condition, defineUpdate, patched, setHandler } from '@temporalio/workflow';
import { apartFrom, countPicked, type Passing } from '../selection/select.js';
import { minimaByGroup } from '../selection/vary.js';
import {
  REVIEW_CLOSED,
  REVIEW_UPDATE,
  type BestOfNArgs,
  type BestOfNState,
  type ReviewAnswer,
  type ReviewProgress,
  type ReviewUpdate,
} from './contract.js';
import { announceAccepted } from './proxies.js';

export const reviewUpdate = defineUpdate<ReviewAnswer, [ReviewUpdate]>(REVIEW_UPDATE);

/**
 * Takes decisions at any time before the winners are chosen, also of a request that would not wait for them. A word may come before the score that
 * put its candidate into the band review has reached the workflow.
 */
export function takeReviews(args: BestOfNArgs, state: BestOfNState, isClosed: () => boolean): void {
  setHandler(
    reviewUpdate,
    (decisions) => {
      state.decisions = { ...state.decisions, ...decisions };
      if (Object.values(decisions).includes('accept')) state.firstPassAt ??= Date.now();
      tellOfAccepted(args, state, Object.keys(decisions).map(Number));
      return { counted: countOf(args, state), wanted: args.deliver, waiting: waitingIn(state).length };
    },
    {
      validator(decisions: ReviewUpdate) {
        if (isClosed()) throw refused(REVIEW_CLOSED, 'the winners are being chosen');
        for (const [candidate, decision] of Object.entries(decisions)) {
          const index = Number(candidate);
          if (!(index < args.candidates)) throw refused('REVIEW_REFUSED', `there is no candidate ${candidate}`);
          if ((state.decisions?.[index] ?? decision) !== decision)
            throw refused('REVIEW_DECIDED', `candidate ${candidate} is decided otherwise`);
        }
      },
    },
  );
}

/** Tells watchers of those that wait for a person and were accepted: of `candidates`, the ones of which it is known now. */
export function tellOfAccepted(
  { tenant, request }: BestOfNArgs,
  { inReview = [], decisions = {} }: BestOfNState,
  candidates: readonly number[],
): void {
  for (const { candidate } of inReview) {
    if (!candidates.includes(candidate) || decisions[candidate] !== 'accept') continue;
    if (!patched('tell-of-accepted')) return;
    // nothing waits for it: what is delivered is decided without it
    void announceAccepted({ tenant, request, candidate }).catch(() => undefined);
  }
}

const refused = (type: string, message: string) => ApplicationFailure.create({ type, message, nonRetryable: true });

/** Those that count to K: they pass by themselves, or were accepted. */
export const passingIn = ({ passing = [], inReview = [], decisions = {} }: BestOfNState): Passing[] => [
  ...passing,
  ...inReview.filter(({ candidate }) => decisions[candidate] === 'accept'),
];

/** Those that would count and that nobody has decided on. */
function waitingIn(state: BestOfNState): Passing[] {
  const { inReview = [], decisions = {}, minDistance = 0 } = state;
  const open = inReview.filter(({ candidate }) => decisions[candidate] === undefined);
  return open.length === 0 ? [] : open.filter(apartFrom(passingIn(state), minDistance));
}

const countOf = ({ deliver: k }: BestOfNArgs, state: BestOfNState): number =>
  countPicked(passingIn(state), {
    k,
    minDistance: state.minDistance ?? 0,
    minima: new Map(Object.entries(minimaByGroup(state.minima))),
  });

/** What the query tells of it. */
export function reviewProgress({ request, review }: BestOfNArgs, state: BestOfNState): { review?: ReviewProgress } {
  const waiting = waitingIn(state).length;
  if (waiting === 0) return {};
  return { review: { request, waiting, until: review ? state.startedAt + review.untilMs : null } };
}

/** The counters with what people accepted among those that passed. */
export function withAccepted(state: BestOfNState): BestOfNState {
  const accepted = passingIn(state).length - (state.passing?.length ?? 0);
  return { ...state, passed: state.passed + accepted, rejected: state.rejected - accepted };
}

/**
 * Waits until K count, nobody is left to decide on, or the time is over. `isFull`: the history is, and the wait goes on in a new one.
 */
export async function waitForPeople(
  args: BestOfNArgs,
  state: BestOfNState,
  isFull: () => boolean,
): Promise<'done' | 'continue'> {
  const leftMs = (): number => state.startedAt + (args.review?.untilMs ?? 0) - Date.now();
  const isSettled = (): boolean => waitingIn(state).length === 0 || countOf(args, state) >= args.deliver;
  if (isSettled() || leftMs() <= 0) return 'done';
  await condition(() => isSettled() || isFull(), leftMs());
  if (!isSettled() && leftMs() > 0) return 'continue';
  // only after a wait: where K passed by themselves, the reason why drawing ended stays
  if (countOf(args, state) >= args.deliver) state.stop = 'quota';
  return 'done';
}
