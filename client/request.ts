/** From what somebody asks to the request that is stored. */
import { createHash, randomBytes } from 'node:crypto';
import canonicalize from 'canonicalize';
import { CullError } from '../errors.js';
import { checkSeed } from '../selection/seeds.js';
import type { Policy } from '../selection/types.js';
import { checkName } from '../storage/keys.js';
import type { Mode } from '../selection/stopping.js';
import {
  MAX_BUDGET_USD,
  MAX_CANDIDATES,
  MAX_DEADLINE_MS,
  type ImageAsk,
  type InputValue,
  type RequestDoc,
  type ReviewAsk,
  type StoppingAsk,
  type VaryAsk,
} from '../workflows/contract.js';
import { checkGroups, checkNotGiven, checkValues } from './groups.js';

/** A release as the templates room makes it; the client only stores it. */
export interface ReleaseLike {
  /** `sha256:` + 64 hex digits */
  id: string;
  graph: unknown;
  bindings: { name: string };
  policy: Policy;
}

export interface GenerateOptions {
  release: ReleaseLike;
  inputs: Record<string, InputValue>;
  /**
   * An input of the template that differs between the candidates: a text, number or switch, and its 1 to 64 values. Each value is a group: all are drawn
   * alike, or as the policy's `minPerGroup` needs them. @default none
   */
  vary?: VaryAsk;
  /** K: images to deliver, 1 to 2,000. */
  deliver: number;
  /** Until K pass; all N and the best K of them; or until K pass and one more is not worth its price. @default 'quota', 'best-of' with `candidates` */
  mode?: Mode;
  /** N of mode best-of: candidates to draw, K to 2,000. @default 24 */
  candidates?: number;
  /** Modes quota and value: candidates to draw at most, K to 2,000. @default 16 K, at least 64 */
  cap?: number;
  /** Modes quota and value. 0: no candidate more than needed. 1: as fast as the ComfyUIs allow. @default 0.6 */
  hurry?: number;
  /** Milliseconds from the start of the request, above 0 and at most 365 days; what is not there by then is a shortfall. @default none */
  deadlineMs?: number;
  /**
   * Whether a request that is short while candidates are in the band review ends as a shortfall that lists them, or waits for a person (`Cull.review`):
   * until its deadline, or 7 days from its start. @default 'end'
   */
  review?: 'wait' | 'end';
  /** From a millionth to 1,000,000. Needs a price per hour at the workers (CULL_COMFYUI_USD_PER_HOUR). @default none */
  budgetUsd?: number;
  /**
   * Mode value: what one more candidate costs, in points of quality (0 to 100 each) summed over the K images; at least 0. It goes on for as long as more
   * than that is to be gained. @default 1
   */
  pointsEach?: number;
  /** Format, quality and size of the images. @default as drawn, without what ComfyUI writes into them */
  images?: ImageAsk;
  /** `all`: every candidate runs every scorer. `gates`: a hard failure stops the rest. @default 'gates' */
  explain?: 'all' | 'gates' | undefined;
  /** The request's seed, 0 to 2^53-1. @default random */
  seed?: number;
  /** Names the request: the same key with the same body is the same request, with another body it is refused. @default a new name */
  key?: string;
}

export const DEFAULT_CANDIDATES = 24;
const MODES: readonly string[] = ['quota', 'best-of', 'value'] satisfies Mode[];
/** How long a request without a deadline waits for a person. */
const REVIEW_MS = 7 * 24 * 3_600_000;
const LEAST_CAP = 64;
const CAP_PER_IMAGE = 16;

/** The mode of a request, and how many candidates it draws at most. */
export function modeOf(options: Pick<GenerateOptions, 'mode' | 'candidates' | 'cap' | 'deliver'>): {
  mode: Mode;
  candidates: number;
} {
  const { candidates, cap, deliver } = options;
  const mode = options.mode ?? (candidates === undefined ? 'quota' : 'best-of');
  if (mode === 'best-of') return { mode, candidates: candidates ?? DEFAULT_CANDIDATES };
  return { mode, candidates: cap ?? Math.min(MAX_CANDIDATES, Math.max(LEAST_CAP, CAP_PER_IMAGE * deliver)) };
}

/**
 * Checks what can be checked without a server.
 *
 * @throws CullError REQUEST_INVALID, SEED_OUT_OF_RANGE
 * @example
 * checkRequest({ deliver: 4, cap: 64, deadlineMs: 60_000, seed: 7 });
 */
export function checkRequest(
  options: Omit<GenerateOptions, 'release' | 'inputs'> & { release?: Pick<ReleaseLike, 'policy'> },
): void {
  const { deliver, seed, key, release, vary } = options;
  if (vary) checkValues(vary);
  // callers without types say anything
  const [explain, review]: string[] = [options.explain ?? 'gates', options.review ?? 'end'];
  if (!Number.isInteger(deliver) || deliver < 1 || deliver > MAX_CANDIDATES)
    throw new CullError(
      'REQUEST_INVALID',
      `deliver is ${deliver}; it must be a whole number from 1 to ${MAX_CANDIDATES}`,
    );
  if (release) checkGroups(release.policy, { deliver, groups: vary?.values.map(String) });
  checkStopping(options);
  const { mode, candidates } = modeOf(options);
  const name = mode === 'best-of' ? 'candidates' : 'cap';
  if (!Number.isInteger(candidates) || candidates < 1 || candidates > MAX_CANDIDATES)
    throw new CullError(
      'REQUEST_INVALID',
      `${name} is ${candidates}; it must be a whole number from 1 to ${MAX_CANDIDATES}`,
    );
  if (deliver > candidates)
    throw new CullError('REQUEST_INVALID', `${deliver} images cannot be delivered from ${candidates} candidates`, {
      hint: `ask for at least ${deliver} candidates, or fewer images`,
    });
  checkImages(options.images);
  if (explain !== 'gates' && explain !== 'all')
    throw new CullError('REQUEST_INVALID', `explain is ${explain}; it must be 'all' or 'gates'`);
  if (review !== 'wait' && review !== 'end')
    throw new CullError('REQUEST_INVALID', `review is ${review}; it must be 'wait' or 'end'`);
  if (seed !== undefined) checkSeed(seed);
  if (key !== undefined) checkName('request', key);
}

function checkStopping(options: Omit<GenerateOptions, 'release' | 'inputs'>): void {
  const { candidates, cap, hurry, deadlineMs, budgetUsd, pointsEach } = options;
  const { mode } = modeOf(options);
  if (!MODES.includes(mode))
    throw new CullError('REQUEST_INVALID', `mode is ${mode as string}; it must be one of ${MODES.join(', ')}`);
  if (mode === 'best-of' ? cap !== undefined : candidates !== undefined)
    throw new CullError(
      'REQUEST_INVALID',
      mode === 'best-of'
        ? `a request that draws a fixed number of candidates has no cap`
        : `a request of mode ${mode} draws until K pass: a number of candidates cannot be set`,
      { hint: 'candidates: draw that many and keep the best; cap: draw until K pass, at most so many' },
    );
  checkHurry(hurry, mode);
  if (deadlineMs !== undefined && !(Number.isFinite(deadlineMs) && deadlineMs > 0 && deadlineMs <= MAX_DEADLINE_MS))
    throw new CullError(
      'REQUEST_INVALID',
      `the deadline is ${deadlineMs} ms; it must be above 0 and at most ${MAX_DEADLINE_MS / 86_400_000} days`,
      { hint: 'for no deadline leave it out' },
    );
  // below a micro-USD it would be stored as 0
  if (budgetUsd !== undefined && !(Number.isFinite(budgetUsd) && budgetUsd >= 1e-6 && budgetUsd <= MAX_BUDGET_USD))
    throw new CullError(
      'REQUEST_INVALID',
      `the budget is ${budgetUsd} USD; it must be above 0, from 0.000001 to ${MAX_BUDGET_USD}`,
      { hint: 'for no bound leave it out' },
    );
  checkPoints(pointsEach, mode);
}

function checkHurry(hurry: number | undefined, mode: Mode): void {
  if (hurry === undefined) return;
  if (!(Number.isFinite(hurry) && hurry >= 0 && hurry <= 1))
    throw new CullError('REQUEST_INVALID', `hurry is ${hurry}; it must be from 0 (cheap) to 1 (fast)`);
  if (mode === 'best-of')
    throw new CullError(
      'REQUEST_INVALID',
      'a request that draws a fixed number of candidates draws all: it has no hurry',
      {
        hint: 'leave the hurry out, or draw until K pass: a cap instead of a number of candidates',
      },
    );
}

function checkImages(images: ImageAsk = {}): void {
  const { format, quality, maxSize } = images;
  if (quality !== undefined && !(Number.isInteger(quality) && quality >= 1 && quality <= 100))
    throw new CullError('REQUEST_INVALID', `quality is ${quality}; it must be a whole number from 1 to 100`);
  if (quality !== undefined && (format === undefined || format === 'png'))
    throw new CullError('REQUEST_INVALID', `${format ?? 'an image as it was drawn'} has no quality to set`, {
      hint: 'name a format: jpeg, webp or avif',
    });
  if (maxSize !== undefined && !(Number.isInteger(maxSize) && maxSize >= 16 && maxSize <= 16_384))
    throw new CullError('REQUEST_INVALID', `the longer side is to have ${maxSize} pixels; it must be 16 to 16384`);
}

function checkPoints(pointsEach: number | undefined, mode: Mode): void {
  if (pointsEach === undefined) return;
  if (mode !== 'value')
    throw new CullError(
      'REQUEST_INVALID',
      `a request of mode ${mode} weighs no candidate: points for each cannot be set`,
      { hint: 'mode value: after K pass, go on while one more candidate is worth its points' },
    );
  if (!(Number.isFinite(pointsEach) && pointsEach >= 0))
    throw new CullError('REQUEST_INVALID', `a candidate costs ${pointsEach} points; it must be at least 0`);
}

/** What the workflow is told; undefined for a fixed N without any bound, as requests were before there was anything else. */
function stoppingOf(options: GenerateOptions): StoppingAsk | undefined {
  const { hurry, deadlineMs, budgetUsd, pointsEach } = options;
  const { mode } = modeOf(options);
  if (mode === 'best-of' && deadlineMs === undefined && budgetUsd === undefined) return undefined;
  return {
    mode,
    ...(hurry !== undefined && { hurry }),
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(budgetUsd !== undefined && { budgetMicroUsd: Math.round(budgetUsd * 1e6) }),
    ...(pointsEach !== undefined && { pointsEach }),
  };
}

const reviewOf = ({ review, deadlineMs }: GenerateOptions): ReviewAsk | undefined =>
  review === 'wait' ? { untilMs: deadlineMs ?? REVIEW_MS } : undefined;

/** What was asked, in few words: `best 4 of 24`, `4 that pass, of at most 64`. */
export const askedText = ({
  deliver,
  candidates,
  stopping,
  vary,
}: Pick<RequestDoc, 'deliver' | 'candidates' | 'stopping' | 'vary'>): string =>
  (stopping === undefined || stopping.mode === 'best-of'
    ? `best ${deliver} of ${candidates}`
    : `${deliver} that pass, of at most ${candidates}`) +
  (vary === undefined ? '' : `, ${vary.values.length} values of ${vary.input}`);

/** The stored form of a request, named by its key or by a new name. @throws as checkRequest */
export function requestOf(options: GenerateOptions, tenant: string): RequestDoc {
  checkRequest(options);
  const { release, inputs, deliver, vary, images, explain } = options;
  checkNotGiven(vary, inputs);
  const { candidates } = modeOf(options);
  const stopping = stoppingOf(options);
  const seed = options.seed ?? newSeed();
  const request = options.key ?? newName();
  // Without a seed of its own a repeated request would differ from the first only by chance: the seed counts only if it was given.
  const what = { tenant, release: release.id, template: release.bindings.name, inputs };
  const review = reviewOf(options);
  const body = {
    ...{ ...what, deliver, candidates },
    ...(stopping && { stopping }),
    ...(review && { review }),
    ...(vary && { vary }),
    ...(images && { images }),
    ...(explain === 'all' && { explain }),
  };
  const hashed = canonicalize({ ...body, ...(options.seed === undefined ? {} : { seed }) }) ?? '';
  const bodySha256 = createHash('sha256').update(hashed).digest('hex');
  return { request, ...body, seed, createdAt: new Date().toISOString(), bodySha256 };
}

/** For requests that nobody gave one: 0 to 2^48-1. */
export const newSeed = (): number => randomBytes(6).readUIntBE(0, 6);

/** Sorts by time and tells two of one second apart: `20261123-154500-3f9a1c`. */
function newName(): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${time}-${randomBytes(3).toString('hex')}`;
}
