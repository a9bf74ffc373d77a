/** Where a request stands, in the words of `nextStep`: what its counters say of passes, time, money and groups. */
import { patched } from '@temporalio/workflow';
import { countPicked, pickDistinct, type Passing } from '../selection/select.js';
import { windowFor, type StoppingPolicy, type StoppingState } from '../selection/stopping.js';
import { groupStandings, minimaByGroup, nextValues } from '../selection/vary.js';
import type { BestOfNArgs, BestOfNState } from './contract.js';
import { passingIn } from './review.js';

/** What bounds the request. */
export const stoppingPolicyOf = (
  { candidates, deliver: wanted, stopping }: BestOfNArgs,
  { prior, slots }: BestOfNState,
): StoppingPolicy => ({
  ...stopping,
  ...(prior && { prior }),
  candidates,
  deliver: wanted,
  window: windowFor(slots),
});

/** Where the request stands, as `nextStep` wants to know it. */
export function standingOf(args: BestOfNArgs, state: BestOfNState, inFlight: number): StoppingState {
  const { deliver: k, stopping } = args;
  const passing = passingIn(state);
  const { launched, scored, minDistance = 0, minima, busyMs = 0, spentMicroUsd = 0, priced = 0 } = state;
  const drawMs = scored > 0 ? busyMs / scored : state.drawMs;
  const microUsdEach = priced > 0 ? spentMicroUsd / priced : state.microUsdEach;
  const counted = countPicked(passing, { k, minDistance, minima: new Map(Object.entries(minimaByGroup(minima))) });
  // beyond K, what is expected of one more follows from all that passed, not from the K that count
  const distinct =
    stopping?.mode === 'value' && counted >= k && patched('value-of-distinct')
      ? pickDistinct(passing, minDistance)
      : undefined;
  return {
    launched,
    inFlight,
    passed: Math.max(counted, distinct?.length ?? 0),
    elapsedMs: Date.now() - state.startedAt,
    spentMicroUsd,
    ...(drawMs !== undefined && { drawMs }),
    ...(microUsdEach !== undefined && { microUsdEach }),
    qualities: (distinct ?? passing).map(({ quality }) => quality),
    ...groupsOf(state, { k, passing }),
  };
}

/** Where minima are asked for. A request that ran before groups had a pass rate of their own goes on without. */
function groupsOf(
  { varied: values, minima, minDistance = 0 }: BestOfNState,
  { k, passing }: { k: number; passing: readonly Passing[] },
): Pick<StoppingState, 'groups'> {
  if (!values || !minima || !patched('futile-by-group')) return {};
  return { groups: groupStandings({ values, minima, passing, k, minDistance }) };
}

/** Milliseconds until its deadline, at least 1; undefined without one. */
export const msLeft = ({ stopping }: BestOfNArgs, { startedAt }: BestOfNState): number | undefined =>
  stopping?.deadlineMs === undefined ? undefined : Math.max(1, startedAt + stopping.deadlineMs - Date.now());

/** The values that the next candidates are drawn with; none where no input is varied. A fixed N is drawn evenly, whatever passes. */
export function valuesOf({ deliver: k, stopping }: BestOfNArgs, state: BestOfNState, count: number): number[] {
  const { varied: values, minima, minDistance = 0, prior } = state;
  if (!values) return [];
  const passing = passingIn(state);
  const isFixed = stopping === undefined || stopping.mode === 'best-of';
  return nextValues(count, {
    ...{ values, passing, k, minDistance },
    ...(minima && !isFixed && { minima }),
    ...(prior && { prior }),
  });
}
