/** What travels between the pool and its threads. Plain data only: it is cloned. */
import type { ModelOptions } from '../../scorers/models/sessions.js';
import type { Policy, RequestFields, Scores, Verdict } from '../../selection/types.js';

export interface ScoreTask {
  /** The image file. */
  bytes: Uint8Array;
  policy: Policy;
  prompt?: string;
  negativePrompt?: string;
  /** Image files. One that cannot be decoded is left out. */
  references?: Uint8Array[];
  /** Image files that scorers ask for by name (`logo`). */
  named?: Record<string, Uint8Array>;
  /** Region name -> image file of its mask. */
  masks?: Record<string, Uint8Array>;
  /** What the request expects to see, for scorers that compare. */
  expect?: Record<string, unknown>;
  /** What rules know of the request. */
  request?: RequestFields;
  /** `gates`: the first hard failure leaves out the scorers that have not run (`notRun`). */
  explain: 'all' | 'gates';
  /** Scorer ids in the order in which they run; those that it does not name come after. @default that of `cascadeOrder` without statistics */
  order?: readonly string[];
}

export interface ScoredImage {
  /** 0 where the image could not be decoded. */
  width: number;
  /** 0 where the image could not be decoded. */
  height: number;
  /** `png`, `jpeg`, …; `unknown` where the image could not be decoded. */
  format: string;
  /** Length of the file. */
  bytes: number;
  /** Of the file. */
  sha256: string;
  /** Of the upright sRGB pixels; null where the image could not be decoded. */
  pixelSha256: string | null;
}

export interface Undecodable {
  reason: 'undecodable' | 'too-large' | 'timeout';
  /** For people. */
  detail: string;
}

export interface ScoreResult {
  image: ScoredImage;
  /** Why the image could not be decoded; null where it could. Every score is then `unassessable`. */
  undecodable: null | Undecodable;
  /** One score per dimension of every registered scorer. */
  scores: Scores;
  verdict: Verdict;
  /** Whether a hard failure left scorers out. */
  stopped: boolean;
  /** CLIP embedding of the image, unit length; null where there is no CLIP. */
  embedding: Float32Array | null;
  /** Milliseconds of one thread; `scorers` without what it took to load models, `began` since the epoch. */
  timing: {
    decodeMs: number;
    scorers: Record<string, number>;
    began: Record<string, number>;
    totalMs: number;
  };
}

/** What a thread gets besides the task. */
export interface ThreadJob {
  task: ScoreTask;
  /** Scorers that hung or ended a thread on this image before: scorer id -> what to write instead. */
  given: Record<string, Stand>;
  /** [index of the scorer that runs, or STARTING or DECODING]: how the pool knows whom to blame. */
  running: Int32Array;
  /** For scorers that listen to their signal. */
  timeoutMs: number;
}

export type Stand = { status: 'unassessable'; reason: 'timeout' } | { status: 'error'; error: string };

/** Set once per thread. */
export interface ThreadData {
  scorerModules: readonly string[];
  /** Where relative modules are found from. */
  from: string;
  models: ModelOptions;
}

export const STARTING = -2;
export const DECODING = -1;
