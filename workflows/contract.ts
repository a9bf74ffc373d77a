/** What others may know of the workflows: names, arguments, documents. Types and constants only; safe in every bundle. */
import type { PassRate } from '../selection/pass-rate.js';
import type { Decision } from '../selection/review.js';
import type { Passing } from '../selection/select.js';
import type { Mode, StopReason } from '../selection/stopping.js';
import type { ValueCount } from '../selection/vary.js';
import type { RequestDoc, RequestState, ReviewAsk, StoppingAsk } from './documents.js';
import type { WebhookNews } from './webhook-contract.js';

export type * from './dead-documents.js';
export type * from './documents.js';
export type * from './registry-documents.js';

export const ORCHESTRATE_QUEUE = 'cull-orchestrate';
export const SCORE_QUEUE = 'cull-score';
/**
 * One queue per pool of ComfyUIs and set of models, so that a ComfyUI draws what it has loaded; without models the pool's own.
 *
 * @param set of templates/models.ts
 */
export const gpuQueue = (pool: string, set?: string): string => `cull-gpu-${pool}${set === undefined ? '' : `.${set}`}`;
export const DEFAULT_POOL = 'default';
export const MAX_CANDIDATES = 2000;
/** A request stands open until its deadline where it waits for a person: a year, in milliseconds. */
export const MAX_DEADLINE_MS = 365 * 86_400_000;
export const MAX_BUDGET_USD = 1_000_000;

export const bestOfNWorkflowId = (tenant: string, request: string): string => `cull/${tenant}/${request}`;

/** Argument of `bestOfN`. */
export interface BestOfNArgs {
  tenant: string;
  request: string;
  deliver: number;
  candidates: number;
  stopping?: StoppingAsk;
  review?: ReviewAsk;
  /** How many values an input is varied over. Absent: none is. */
  vary?: number;
  /** Set by continue-as-new, and where an ended request is delivered again: with `stop` set, nothing is drawn. */
  carried?: BestOfNState;
}

/** What can be listed of a request without asking its workflow. */
export const memoOf = ({ candidates }: Pick<BestOfNArgs, 'candidates'>) => ({ candidates });
export type RequestMemo = ReturnType<typeof memoOf>;

/** What the workflow is told of a stored request. */
export const argsOf = ({ tenant, request, deliver, candidates, stopping, review, vary }: RequestDoc): BestOfNArgs => ({
  tenant,
  request,
  deliver,
  candidates,
  ...(stopping && { stopping }),
  ...(review && { review }),
  ...(vary && { vary: vary.values.length }),
});

/** The workflow's own memory: counters only; everything per candidate is in storage. */
export interface BestOfNState {
  /** Candidates started so far; also the index of the next one. */
  launched: number;
  drawn: number;
  scored: number;
  passed: number;
  rejected: number;
  lost: number;
  cancelled: number;
  /** Gate id -> rejected by it. */
  gates: Record<string, number>;
  /** Milliseconds since the epoch. */
  startedAt: number;
  firstPassAt: number | null;
  queue: string;
  /** True if the request ran before (`resume`): candidates may be drawn already. */
  again: boolean;
  /** What earlier requests of the release say: of its pass rate, and of a candidate's time and price. */
  prior?: PassRate;
  drawMs?: number;
  microUsdEach?: number;
  /** Share of differing fingerprint bits below which two candidates are near-duplicates. */
  minDistance?: number;
  /** Candidates that the pool's ComfyUIs take at once, as last heard. Absent: not known. */
  slots?: number;
  /** Those that pass, to count near-duplicates once. Not kept where all N are drawn. */
  passing?: Passing[];
  /** Those in the band review, decided on or not. */
  inReview?: Passing[];
  /** What people said of candidates; also of ones whose score is not here yet. */
  decisions?: Record<number, Decision>;
  /** Milliseconds from start to verdict, summed over the scored ones. */
  busyMs?: number;
  /** Of `priced` candidates. */
  spentMicroUsd?: number;
  priced?: number;
  /** Why it stopped drawing. */
  stop?: StopReason;
  /** Of each value that an input is varied over. */
  varied?: ValueCount[];
  /** Winners that each value must have at least. */
  minima?: number[];
}

/** What a heartbeat of `generate` carries: enough for the next try to find the job again, and for a person to see where it is. */
export interface GenerateHeartbeat {
  candidate: number;
  /** Where the job was submitted; `failed`: it is not asked for again. */
  handle?: { host: string; promptId: string; failed?: boolean } | undefined;
  /** Node that runs, and the step of its steps. */
  progress?: { node?: string; step?: number; of?: number } | undefined;
  /** Failures so far by their code. */
  failures?: Record<string, number>;
  /** Hosts where it failed in a way in which it may not fail elsewhere. */
  avoid?: string[];
  /** How often a worker of such a host has handed it back since. */
  handBacks?: number;
  /** Attempts that ended with a word: failed, handed back or left behind. All others were cut off. */
  told?: number;
}

/** What a failure that crosses Temporal carries besides code and message: the error's details (null: none), and the ComfyUIs where it failed. */
export type FailureFacts = [details: unknown, at?: { hosts: string[] }];

/** Answer of the query `progress`. */
export interface RequestProgress {
  phase: 'preparing' | 'drawing' | 'reviewing' | 'delivering' | 'ended';
  mode: Mode;
  wanted: number;
  candidates: number;
  state: BestOfNState;
  /** Candidates in the band review that would count and that nobody has decided on. Absent: none. */
  review?: ReviewProgress;
}
export const PROGRESS_QUERY = 'progress';

export interface ReviewProgress {
  request: string;
  waiting: number;
  /** Milliseconds since the epoch; null: the request does not wait for a person. */
  until: number | null;
}

/** Answer of the update `review`: how the request stands after it. */
export interface ReviewAnswer {
  /** Candidates that count to K: they pass by themselves, or were accepted. */
  counted: number;
  wanted: number;
  /** Candidates in the band review that would count and that nobody has decided on. */
  waiting: number;
}

/** The update `review`: what a person said of candidates, candidate -> decision. Decisions are stored before (reviews.json). */
export type ReviewUpdate = Record<number, Decision>;
export const REVIEW_UPDATE = 'review';
/** Failure type of a `review` update that comes when the winners are being chosen already. */
export const REVIEW_CLOSED = 'REVIEW_CLOSED';

/** What `bestOfN` returns; the full record is result.json in storage. */
export interface BestOfNResult {
  state: Exclude<RequestState, 'running'>;
  delivered: number;
  wanted: number;
  /** The message that tells of it. Absent: nobody wants to know. */
  news?: WebhookNews;
}

/** Under this name, Temporal's other SDKs carry traces too. */
export const TRACE_HEADER = '_tracer-data';

/** What the header holds, in the words of the W3C's Trace Context. */
export interface TraceCarrier {
  /** Of whoever started it: it goes on with that trace. */
  traceparent?: string;
  tracestate?: string;
  /** The trace that led to it, where it begins one of its own. */
  link?: string;
}

/** A run of a workflow, as a span. */
export interface TracedRun {
  workflow: string;
  /** Its own ids. */
  traceparent: string;
  tracestate?: string;
  parent?: string;
  link?: string;
  /** Milliseconds since the epoch. */
  startMs: number;
}

/** What workflows tell the Worker of traces. */
export type TraceSinks = { traces: { ended(run: TracedRun & { endMs: number; error?: string }): void } };
