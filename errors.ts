/**
 * The one table of errors. Everybody may import this file; it imports nothing.
 *
 * docs/errors.md lists the same rows; a test keeps both equal.
 */
export interface ErrorRow {
  /** What happened, in one sentence. */
  title: string;
  /** Whether the same call can succeed later without a change by a person. */
  retry: boolean;
  /** Status the service answers with. */
  http: number;
  /** Exit code of the command line. */
  exit: number;
  /** Milliseconds before the next try of a candidate, doubled with each further failure of this kind, at most 30 s. */
  delayMs?: number;
  /**
   * Where a candidate is tried next. `here`: once more at once on the same ComfyUI, under a new prompt id and file name, then
   * anywhere; `elsewhere`: not on a ComfyUI where it failed, as long as another one serves.
   */
  where?: 'here' | 'elsewhere' | 'anywhere' | 'nowhere';
  /** After so many failures of this kind the candidate is lost. */
  tries?: number;
  /** True if the prompt may be well all the same: the next try asks for it before it draws. */
  attach?: boolean;
  /** True if the graph may be the cause, whatever the seed and the ComfyUI: a release that fails so again and again is held back. */
  ofGraph?: boolean;
}

export const ERRORS = {
  USAGE: { title: 'The command was not understood', retry: false, http: 400, exit: 2 },
  CONFIG_INVALID: { title: 'A setting is not valid', retry: false, http: 500, exit: 2 },
  REQUEST_INVALID: { title: 'The request contradicts itself', retry: false, http: 422, exit: 2 },
  REQUEST_NOT_FOUND: { title: 'There is no such request', retry: false, http: 404, exit: 1 },
  DEAD_LETTER_NOT_FOUND: { title: 'There is no such dead letter', retry: false, http: 404, exit: 1 },
  BATCH_NOT_FOUND: { title: 'There is no such batch', retry: false, http: 404, exit: 1 },
  IDEMPOTENCY_CONFLICT: { title: 'The key was used before with another body', retry: false, http: 422, exit: 2 },
  TEMPLATE_UI_FORMAT: { title: 'The file is a canvas, not an API-format graph', retry: false, http: 422, exit: 2 },
  TEMPLATE_INVALID: { title: 'The template is not valid', retry: false, http: 422, exit: 2 },
  TEMPLATE_INPUT_UNKNOWN: { title: 'The template has no such input', retry: false, http: 422, exit: 2 },
  TEMPLATE_INPUT_MISSING: { title: 'The template needs an input that was not given', retry: false, http: 422, exit: 2 },
  TEMPLATE_INPUT_INVALID: { title: 'An input has the wrong type or value', retry: false, http: 422, exit: 2 },
  RELEASE_QUARANTINED: {
    title: 'The release is held back',
    retry: false,
    http: 409,
    exit: 1,
  },
  QUARANTINE_NOT_FOUND: { title: 'No such release is held back', retry: false, http: 404, exit: 2 },
  NODE_NOT_ALLOWED: { title: 'The graph uses a node class that is not allowed', retry: false, http: 422, exit: 2 },
  SEED_OUT_OF_RANGE: { title: 'The seed is outside 0 to 2^53-1', retry: false, http: 422, exit: 2 },
  POLICY_INVALID: { title: 'The policy is not valid', retry: false, http: 422, exit: 2 },
  POLICY_UNKNOWN_DIMENSION: {
    title: 'The policy names a dimension that nothing measures',
    retry: false,
    http: 422,
    exit: 2,
  },
  LABELS_INVALID: { title: 'Labels cannot be read', retry: false, http: 422, exit: 2 },
  LABELS_UNKNOWN_CANDIDATE: {
    title: 'A label names a picture that was not measured',
    retry: false,
    http: 422,
    exit: 2,
  },
  LABELS_CONTRADICT: { title: 'Labels contradict one another', retry: false, http: 422, exit: 2 },
  LABELS_INSUFFICIENT: { title: 'Too few labels to tune with', retry: false, http: 422, exit: 2 },
  REVIEW_REFUSED: { title: 'A candidate is not up for review', retry: false, http: 422, exit: 2 },
  REVIEW_DECIDED: { title: 'Somebody has decided otherwise before', retry: false, http: 409, exit: 1 },
  SCORES_INCOMPARABLE: { title: 'Scores of different versions cannot be compared', retry: false, http: 422, exit: 2 },
  SCORER_INVALID: { title: 'A scorer from outside does not keep the contract', retry: false, http: 500, exit: 2 },
  SCORER_UNREACHABLE: { title: 'A scorer on another machine does not answer', retry: true, http: 503, exit: 1 },
  SCORER_VERSION: {
    title: 'A scorer or model is not the one that is pinned',
    retry: true,
    http: 409,
    exit: 2,
    delayMs: 30_000,
  },
  MODEL_UNAVAILABLE: { title: 'A model cannot be fetched', retry: true, http: 502, exit: 1 },
  MODEL_REFUSED: { title: 'A model is not there or not for this user', retry: false, http: 502, exit: 1 },
  MODEL_CORRUPT: { title: 'A file of a model is not what it must be', retry: false, http: 500, exit: 1 },
  MODEL_INVALID: { title: 'A model cannot be converted', retry: false, http: 500, exit: 1 },
  IMAGE_UNREADABLE: { title: 'The image cannot be read', retry: false, http: 422, exit: 1 },
  HOST_NOT_FOUND: { title: 'There is no such ComfyUI in the fleet', retry: false, http: 404, exit: 2 },
  COMFY_INVALID_GRAPH: {
    title: 'ComfyUI refused the graph',
    retry: false,
    http: 422,
    exit: 1,
    where: 'nowhere',
    ofGraph: true,
  },
  COMFY_REFUSED: { title: 'ComfyUI refused a request', retry: false, http: 422, exit: 1, where: 'nowhere' },
  COMFY_POISON: {
    title: 'The prompt would break ComfyUI for everybody',
    retry: false,
    http: 422,
    exit: 1,
    where: 'nowhere',
    ofGraph: true,
  },
  COMFY_NODE_FAILED: {
    title: 'A node of the graph failed',
    retry: true,
    http: 502,
    exit: 1,
    delayMs: 1_000,
    where: 'elsewhere',
    tries: 2,
    ofGraph: true,
  },
  COMFY_OUT_OF_MEMORY: {
    title: 'ComfyUI ran out of memory',
    retry: true,
    http: 502,
    exit: 1,
    delayMs: 1_000,
    where: 'elsewhere',
    tries: 3,
  },
  COMFY_DISK_FULL: {
    title: 'The disk of ComfyUI is full',
    retry: true,
    http: 502,
    exit: 1,
    delayMs: 2_000,
    where: 'elsewhere',
    tries: 8,
  },
  COMFY_UNREACHABLE: {
    title: 'ComfyUI does not answer',
    retry: true,
    http: 502,
    exit: 1,
    delayMs: 1_000,
    where: 'elsewhere',
    tries: 8,
  },
  COMFY_STALLED: {
    title: 'ComfyUI made no progress in the time allowed',
    retry: true,
    http: 504,
    exit: 1,
    delayMs: 1_000,
    where: 'elsewhere',
    tries: 3,
  },
  COMFY_WORKER_DEAD: {
    title: 'The worker thread of ComfyUI is dead',
    retry: true,
    http: 502,
    exit: 1,
    delayMs: 1_000,
    where: 'elsewhere',
    tries: 3,
  },
  COMFY_INTERRUPTED: {
    title: 'Somebody interrupted the prompt',
    retry: true,
    http: 502,
    exit: 1,
    delayMs: 1_000,
    where: 'anywhere',
    tries: 3,
  },
  COMFY_OUTPUT_MISSING: {
    title: 'ComfyUI reports success but the output is not there',
    retry: true,
    http: 502,
    exit: 1,
    delayMs: 500,
    where: 'here',
    tries: 2,
  },
  COMFY_OUTPUT_NOT_AN_IMAGE: {
    title: 'The downloaded output is truncated or not an image',
    retry: true,
    http: 502,
    exit: 1,
    delayMs: 500,
    where: 'here',
    tries: 2,
  },
  COMFY_CACHED_OUTPUT: {
    title: 'The image repeats another candidate of the request',
    retry: false,
    http: 502,
    exit: 1,
    where: 'nowhere',
  },
  COMFY_PROTOCOL: {
    title: 'ComfyUI answered in a way that is not understood',
    retry: true,
    http: 502,
    exit: 1,
    delayMs: 2_000,
    where: 'anywhere',
    tries: 8,
    attach: true,
  },
  STORAGE_FULL: {
    title: 'The storage is full',
    retry: true,
    http: 507,
    exit: 1,
    delayMs: 1_000,
    where: 'anywhere',
    tries: 4,
    attach: true,
  },
  STORAGE_UNWRITABLE: {
    title: 'The storage cannot be written',
    retry: true,
    http: 500,
    exit: 1,
    delayMs: 1_000,
    where: 'anywhere',
    tries: 4,
    attach: true,
  },
  STORAGE_UNREACHABLE: {
    title: 'The storage does not answer',
    retry: true,
    http: 503,
    exit: 1,
    delayMs: 1_000,
    where: 'anywhere',
    tries: 8,
    attach: true,
  },
  STORAGE_UNCONDITIONAL: { title: 'The storage ignores conditional writes', retry: false, http: 500, exit: 2 },
  STORAGE_CONFLICT: { title: 'Somebody else changed the object first', retry: true, http: 409, exit: 1 },
  STORAGE_KEY_INVALID: { title: 'The storage key is not allowed', retry: false, http: 400, exit: 2 },
  STORAGE_MISSING: { title: 'An object that must be in storage is not there', retry: false, http: 500, exit: 1 },
  TEMPORAL_UNREACHABLE: { title: 'The Temporal server does not answer', retry: true, http: 503, exit: 1 },
  TEMPORAL_BINARY_MISSING: {
    title: 'No Temporal server could be found or installed',
    retry: false,
    http: 500,
    exit: 1,
  },
  STACK_BUSY: { title: 'The embedded stack runs with other settings', retry: true, http: 409, exit: 1 },
  STACK_FAILED: { title: 'The embedded stack did not start', retry: true, http: 500, exit: 1 },
  UNAUTHENTICATED: { title: 'The API key is missing or not valid', retry: false, http: 401, exit: 1 },
  FORBIDDEN: { title: 'The API key may not do this', retry: false, http: 403, exit: 1 },
  KEY_NOT_FOUND: { title: 'There is no such API key', retry: false, http: 404, exit: 2 },
  ROUTE_NOT_FOUND: { title: 'There is no such address', retry: false, http: 404, exit: 1 },
  METHOD_NOT_ALLOWED: { title: 'The address does not take this method', retry: false, http: 405, exit: 1 },
  TEMPLATE_NOT_FOUND: { title: 'There is no template of this name', retry: false, http: 404, exit: 2 },
  POLICY_NOT_FOUND: { title: 'There is no policy of this name', retry: false, http: 404, exit: 2 },
  BODY_INVALID: { title: 'The body or a parameter is not as documented', retry: false, http: 422, exit: 2 },
  BODY_TOO_LARGE: { title: 'The body is too large', retry: false, http: 413, exit: 2 },
  URL_REFUSED: { title: 'The signed URL is not valid, or no longer', retry: false, http: 403, exit: 1 },
  FILE_NOT_FOUND: { title: 'There is no such file', retry: false, http: 404, exit: 1 },
  OUTSIDE_REFUSED: { title: 'An address from outside may not be called', retry: false, http: 422, exit: 2 },
  OUTSIDE_FAILED: { title: 'An address from outside does not answer', retry: true, http: 422, exit: 1 },
  ERASE_OPEN: { title: 'What is to be erased still runs', retry: true, http: 409, exit: 1 },
  WEBHOOK_NOT_FOUND: { title: 'There is no such webhook', retry: false, http: 404, exit: 1 },
  WEBHOOK_FAILED: { title: 'A webhook was not taken', retry: true, http: 502, exit: 1 },
  RATE_LIMITED: { title: 'Too many calls with this API key', retry: true, http: 429, exit: 1 },
  TOO_MANY_REQUESTS: { title: 'Too many requests are open', retry: true, http: 429, exit: 1 },
  INTERNAL: { title: 'A defect in Cull', retry: false, http: 500, exit: 1 },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** The row of a code; for a code of somebody else's (a failure that crossed Temporal), undefined. */
export const rowOf = (code: string): ErrorRow | undefined =>
  Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode] : undefined;

/**
 * An error for people: what happened, to what, what to do now.
 *
 * @example
 * throw new CullError('SEED_OUT_OF_RANGE', 'seed 9007199254740992 is above 2^53-1', { hint: 'choose a seed from 0 to 9007199254740991' });
 */
export class CullError extends Error {
  override readonly name = 'CullError';
  readonly code: ErrorCode;
  /** What to do now, in one sentence. */
  readonly hint: string | undefined;
  /** Structured facts (node errors, line numbers, candidates); JSON-serialisable. */
  readonly details: unknown;

  constructor(code: ErrorCode, message: string, options: { hint?: string; details?: unknown; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }

  /** Whether the same call can succeed later without a change by a person. */
  get retry(): boolean {
    return ERRORS[this.code].retry;
  }
}

/** The message of the deepest cause: fetch and others say `failed` and keep the reason there. */
export const causeOf = (error: unknown): string =>
  error instanceof Error && error.cause instanceof Error ? causeOf(error.cause) : messageOf(error);

/** The message of anything that was thrown, one line, for people. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) {
    const code = (error as NodeJS.ErrnoException).code;
    return error.message || code || error.name;
  }
  return String(error);
}
