/** What others may know of batches: arguments and documents. Types and constants only; safe in every bundle. */
import type { RequestDoc, RequestError, RequestState } from './contract.js';

export const batchWorkflowId = (tenant: string, batch: string): string => `cull-batch/${tenant}/${batch}`;
export const BATCH_PROGRESS_QUERY = 'batchProgress';

/** Lines of one part: one activity admits them, and one object in storage holds them. */
export const PART_LINES = 100;
/** Requests of a batch that are open at once. */
export const DEFAULT_BATCH_WINDOW = 16;
export const MAX_BATCH_WINDOW = 64;
/** Characters of a line: as much as one request over HTTP may have. */
export const MAX_LINE = 2 ** 20;

export type BatchState = 'running' | 'done' | 'cancelled';

/** How the lines of a batch stand. */
export interface BatchCounts {
  /** Refused as they were read: never started. */
  invalid: number;
  /** Handed to a workflow so far. */
  started: number;
  delivered: number;
  shortfall: number;
  failed: number;
  cancelled: number;
  /** Images delivered, short ones included. */
  images: number;
}

/** batch.json: what somebody handed in. */
export interface BatchDoc {
  batch: string;
  tenant: string;
  lines: number;
  /** Of `lines`: refused as they were read. */
  invalid: number;
  parts: number;
  upload: string;
  window: number;
  /** ISO 8601. */
  createdAt: string;
  /** The batch whose short lines these are. */
  retryOf?: string;
  /** Of the lines as they were taken: the same key with other lines is refused. */
  bodySha256: string;
}

/** One line of a stored part: the request it became, or why it became none. `line` counts from 1. */
export type BatchLine = { line: number } & ({ doc: RequestDoc } | { error: RequestError });

/** One line of the results. */
export interface BatchRow {
  line: number;
  /** null: it was refused, or not started before the batch was cancelled. */
  request: string | null;
  state: Exclude<RequestState, 'running'> | 'invalid' | 'not-started';
  wanted: number | null;
  delivered: { candidate: number; seed: number; rank: number; quality: number; key: string }[];
  shortfall: { missing: number; reason: string; gates: Record<string, number> } | null;
  error: RequestError | null;
}

/** batches/<id>/result.json. */
export interface BatchResult {
  batch: string;
  state: Exclude<BatchState, 'running'>;
  lines: number;
  counts: BatchCounts;
  /** Milliseconds. */
  totalMs: number;
}

/** Argument of `batchOfRequests`. */
export interface BatchArgs {
  tenant: string;
  batch: string;
  parts: number;
  window: number;
  /** Set by continue-as-new only. */
  carried?: BatchMemory;
}

/** The workflow's own memory. */
export interface BatchMemory {
  /** The next part to admit. */
  part: number;
  counts: BatchCounts;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** Answer of the query `batchProgress`. */
export interface BatchProgress {
  state: BatchState;
  counts: BatchCounts;
  open: number;
}
