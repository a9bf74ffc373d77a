/** What is stored of failures that are for good: dead letters, and releases that are held back. Types only; others import them from contract.ts. */
import type { RequestDoc, RequestError, RequestState } from './documents.js';

/** `_registry/quarantine/<release>.json`. */
export type { Quarantine as QuarantineDoc } from '../selection/quarantine.js';

/** `dead.json` of a request: what of it failed for good. */
export interface DeadLetterDoc extends Pick<
  RequestDoc,
  'request' | 'tenant' | 'release' | 'template' | 'inputs' | 'vary'
> {
  state: Exclude<RequestState, 'running'>;
  /** When it was first known; ISO 8601. */
  at: string;
  wanted: number;
  delivered: number;
  /** Candidates that were started, and those of them that were lost. */
  candidates: { started: number; lost: number };
  /** What failed, by its kind: what ended the request first, then what lost most candidates. */
  failures: DeadFailure[];
  /** The request that it was tried again as. Absent: it was not. */
  retried?: { request: string; at: string };
}

/** Failures of one kind; of the first of them, message and details. */
export interface DeadFailure extends RequestError {
  /** How many candidates it lost; 0: it ended the request. */
  lost: number;
  /** The first of them. */
  candidates: number[];
}
