/**
 * "Give me K good images": plan, draw seeded candidates, score each, deliver the best K that pass.
 *
 * Deterministic. The only decision taken here is `nextStep` (how many more to start); everything per candidate lives in storage, the
 * workflow keeps counters. A history stays below 4,000 events: past 3,000 the workflow lets what is in flight end and continues as new.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  isCancellation,
  patched,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { ScoreAnswer } from '../activities/score.js';
import type { Passing } from '../selection/select.js';
import { nextStep } from '../selection/stopping.js';
import { groupOfValue } from '../selection/vary.js';
import {
  PROGRESS_QUERY,
  type BestOfNArgs,
  type BestOfNResult,
  type BestOfNState,
  type FailureFacts,
  type RequestError,
  type RequestProgress,
} from './contract.js';
import { deliver, generateOn, lose, prepare, score } from './proxies.js';
import { sendNews } from './send-webhook.js';
import { reviewProgress, takeReviews, tellOfAccepted, waitForPeople, withAccepted } from './review.js';
import { msLeft, standingOf, stoppingPolicyOf, valuesOf } from './standing.js';

/**
 * Candidates of the first batch: two for each ComfyUI of a usual pool. The server writes and hands out a workflow task's candidates together, so
 * a full window would keep every GPU waiting for the last of them; the rest follows while these draw.
 */
const FIRST_BATCH = 16;
const REST_AFTER_MS = 50;
/** A candidate in flight can still add about 12 events; 64 of them on top of this stay below 4,000. */
const CONTINUE_AT_EVENTS = 3_000;
/** What the next candidate would meet too: the request fails at once instead of losing every candidate one by one. */
const FATAL = new Set([
  'COMFY_INVALID_GRAPH',
  'COMFY_POISON',
  'TEMPLATE_INVALID',
  'STORAGE_MISSING',
  'STORAGE_FULL',
  'STORAGE_UNWRITABLE',
  'STORAGE_UNREACHABLE',
  'STORAGE_UNCONDITIONAL',
  'SCORER_INVALID',
  'SCORER_VERSION',
]);

export const progressQuery = defineQuery<RequestProgress>(PROGRESS_QUERY);

export async function bestOfN(args: BestOfNArgs): Promise<BestOfNResult> {
  const { tenant, request } = args;
  const state: BestOfNState = args.carried ?? newState(workflowInfo().startTime.getTime(), args.vary);
  let phase: RequestProgress['phase'] = args.carried ? 'drawing' : 'preparing';
  setHandler(progressQuery, () => ({
    phase,
    mode: args.stopping?.mode ?? 'best-of',
    wanted: args.deliver,
    candidates: args.candidates,
    state: { ...withAccepted(state), passing: [], inReview: [], decisions: {} },
    ...reviewProgress(args, state),
  }));
  takeReviews(args, state, () => phase === 'delivering' || phase === 'ended');

  let end: 'done' | 'failed' | 'cancelled' | 'continue';
  let error: RequestError | null = null;
  try {
    if (!args.carried) {
      const { decisions, ...prepared } = await prepare({ tenant, request });
      Object.assign(state, prepared);
      if (decisions) state.decisions = { ...decisions, ...state.decisions };
    }
    if (state.stop === undefined) phase = 'drawing';
    end = state.stop === undefined ? await drawAndScore(args, state) : 'done';
    if (end === 'done' && args.review) {
      phase = 'reviewing';
      end = await waitForPeople(args, state, isFull);
    }
  } catch (thrown) {
    end = isCancellation(thrown) ? 'cancelled' : 'failed';
    if (end === 'failed') error = failureOf(thrown);
  }
  if (end === 'continue') return continueAsNew<typeof bestOfN>({ ...args, carried: state });

  phase = 'delivering';
  const { launched, startedAt, firstPassAt, stop } = state;
  const result = await CancellationScope.nonCancellable(() =>
    deliver({ tenant, request, end, error, launched, startedAt, firstPassAt, ...(stop && { stop }) }),
  );
  phase = 'ended';
  const { news, ...answer } = result;
  await sendNews(tenant, news);
  return answer;
}

/**
 * Starts as many as `nextStep` says until it says stop; what is in flight then is cancelled. Resolves when nothing is in flight any more; throws
 * what is fatal for the whole request (an AggregateError), or the cancellation, after the siblings have been cancelled and have ended.
 */
async function drawAndScore(args: BestOfNArgs, state: BestOfNState): Promise<'done' | 'continue'> {
  let inFlight = 0;
  const fatal: unknown[] = [];
  const siblings = new CancellationScope();
  const start = async (index: number, value: number | undefined): Promise<void> => {
    inFlight++;
    try {
      await siblings.run(() => drawAndScoreOne(args, state, { candidate: index, value }));
    } catch (thrown) {
      fatal.push(thrown);
    } finally {
      inFlight--;
    }
  };
  try {
    for (;;) {
      const full = isFull();
      const step = nextStep(standingOf(args, state, inFlight), stoppingPolicyOf(args, state));
      if (fatal.length > 0) break;
      if ('stop' in step) {
        state.stop = step.stop;
        break;
      }
      if (full && inFlight === 0) return 'continue';
      const launch = full ? 0 : inFlight === 0 ? Math.min(step.launch, FIRST_BATCH) : step.launch;
      const values = valuesOf(args, state, launch);
      for (let i = 0; i < launch; i++) void start(state.launched++, values[i]);
      if (!full && launch < step.launch) {
        await sleep(REST_AFTER_MS);
        continue;
      }
      const [before, decisions] = [inFlight, state.decisions];
      // what a person accepts may be the K-th: what is in flight then need not end first
      const heard = (): boolean => state.decisions !== decisions && patched('heed-decisions');
      const moved = (): boolean => inFlight < before || fatal.length > 0 || heard();
      const left = msLeft(args, state);
      await (left === undefined ? condition(moved) : condition(moved, left));
    }
  } finally {
    if (inFlight > 0 && (fatal.length > 0 || state.stop !== undefined)) siblings.cancel();
    await CancellationScope.nonCancellable(() => condition(() => inFlight === 0));
  }
  if (fatal.length > 0) throw new AggregateError(fatal);
  return 'done';
}

const isFull = (): boolean => workflowInfo().historyLength > CONTINUE_AT_EVENTS;

/** One candidate: draw, score, count. A lost one is a line in the manifest; only what would lose all of them is thrown. */
async function drawAndScoreOne(
  args: BestOfNArgs,
  state: BestOfNState,
  { candidate, value }: { candidate: number; value: number | undefined },
): Promise<void> {
  const { tenant, request } = args;
  const startedAt = Date.now();
  const vary = value === undefined ? {} : { vary: value };
  let counted = countOf(state, value);
  if (counted) counted.launched++;
  try {
    const drawn = await generateOn(state.queue).generate({ tenant, request, candidate, again: state.again, ...vary });
    state.drawn++;
    if (drawn.slots !== undefined) state.slots = drawn.slots;
    if (counted && drawn.vary !== undefined && drawn.vary !== value) {
      // an earlier run of this request had chosen otherwise, and that stands
      counted.launched--;
      counted = countOf(state, drawn.vary);
      if (counted) counted.launched++;
    }
    const answer = await score({ tenant, request, candidate, image: drawn.image });
    const { pass, band, failed } = answer;
    const isCounted = args.stopping !== undefined || args.review !== undefined;
    state.scored++;
    state.busyMs = (state.busyMs ?? 0) + Date.now() - startedAt;
    countPrice(state, answer);
    if (pass) {
      state.passed++;
      state.firstPassAt ??= Date.now();
      if (counted) counted.passed++;
      if (isCounted) (state.passing ??= []).push(passingOf(candidate, answer, drawn.vary));
    } else {
      state.rejected++;
      for (const gate of failed) state.gates[gate] = (state.gates[gate] ?? 0) + 1;
      if (band === 'review' && isCounted) {
        (state.inReview ??= []).push(passingOf(candidate, answer, drawn.vary));
        tellOfAccepted(args, state, [candidate]);
      }
    }
  } catch (thrown) {
    if (isCancellation(thrown)) {
      state.cancelled++;
      return;
    }
    const error = failureOf(thrown);
    if (FATAL.has(error.code)) throw thrown;
    state.lost++;
    const cost = await CancellationScope.nonCancellable(() => lose({ tenant, request, candidate, error, ...vary }));
    countPrice(state, cost);
  } finally {
    if (counted) counted.ended++;
  }
}

/** @param cost of one candidate; undefined where it was told by a worker of before */
function countPrice(state: BestOfNState, cost: { microUsd?: number } | undefined): void {
  if (cost?.microUsd === undefined) return;
  state.spentMicroUsd = (state.spentMicroUsd ?? 0) + cost.microUsd;
  state.priced = (state.priced ?? 0) + 1;
}

const countOf = ({ varied }: BestOfNState, value: number | undefined) =>
  value === undefined ? undefined : varied?.[value];

const passingOf = (
  candidate: number,
  { quality = 0, fingerprint, pixelSha256 }: ScoreAnswer,
  value: number | undefined,
): Passing => ({
  candidate,
  quality,
  ...(value !== undefined && { group: groupOfValue(value) }),
  ...(fingerprint !== undefined && { fingerprint }),
  ...(pixelSha256 !== undefined && { pixelSha256 }),
});

const newState = (startedAt: number, values: number | undefined): BestOfNState => ({
  launched: 0,
  drawn: 0,
  scored: 0,
  passed: 0,
  rejected: 0,
  lost: 0,
  cancelled: 0,
  gates: {},
  startedAt,
  firstPassAt: null,
  queue: '',
  again: false,
  ...(values !== undefined && {
    varied: Array.from({ length: values }, () => ({ launched: 0, ended: 0, passed: 0 })),
  }),
});

/** What an activity's failure says: our error code travels as the failure's type, the words as its message. Of several: the first, on all their hosts. */
function failureOf(thrown: unknown): RequestError {
  if (thrown instanceof AggregateError) {
    const all = thrown.errors.map(failureOf);
    const [first = failureOf(undefined)] = all;
    const hosts = new Set(all.flatMap(({ code, hosts: at = [] }) => (code === first.code ? at : [])));
    return hosts.size === 0 ? first : { ...first, hosts: [...hosts] };
  }
  const cause = thrown instanceof ActivityFailure ? (thrown.cause ?? thrown) : thrown;
  if (cause instanceof ApplicationFailure) {
    const [details, at] = (cause.details ?? []) as Partial<FailureFacts>;
    return {
      code: cause.type ?? 'INTERNAL',
      message: cause.message,
      ...(details !== undefined && details !== null && { details }),
      ...(at && { hosts: at.hosts }),
    };
  }
  return { code: 'INTERNAL', message: cause instanceof Error ? cause.message : String(thrown) };
}
