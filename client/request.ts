/** From what somebody asks to the request that is stored. */
import { createHash, randomBytes } from 'node:crypto';
import canonicalize from 'canonicalize';
import { CullError } from '../errors.js';
import { checkSeed } from '../selection/seeds.js';
import type { Policy } from '../selection/types.js';
import { checkName } from '../storage/keys.js';
import { MAX_CANDIDATES, type InputValue, type RequestDoc } from '../workflows/contract.js';

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
  /** K: images to deliver, at least 1. */
  deliver: number;
  /** N: candidates to draw, K to 2,000. @default 24 */
  candidates?: number;
  /** The request's seed, 0 to 2^53-1. @default random */
  seed?: number;
  /** Names the request: the same key with the same body is the same request, with another body it is refused. @default a new name */
  key?: string;
  /** Not supported yet. */
  cap?: number;
  /** Not supported yet. */
  deadline?: string;
  /** Not supported yet. */
  budgetUsd?: number;
}

export const DEFAULT_CANDIDATES = 24;
/**
 * Checks what can be checked without a server.
 *
 * @throws CullError REQUEST_INVALID, SEED_OUT_OF_RANGE, NOT_YET
 * @example
 * checkRequest({ deliver: 4, candidates: 24, seed: 7 });
 */
export function checkRequest(options: Omit<GenerateOptions, 'release' | 'inputs'>): void {
  const { deliver, candidates = DEFAULT_CANDIDATES, seed, key, cap, deadline, budgetUsd } = options;
  for (const [name, value] of Object.entries({ cap, deadline, budget: budgetUsd }))
    if (value !== undefined)
      throw new CullError(
        'NOT_YET',
        `a request with a ${name} is not supported yet: the number of candidates is fixed`,
        {
          hint: `leave ${name} out and set the number of candidates`,
        },
      );
  if (!Number.isInteger(deliver) || deliver < 1)
    throw new CullError('REQUEST_INVALID', `deliver is ${deliver}; it must be a whole number of at least 1`);
  if (!Number.isInteger(candidates) || candidates < 1 || candidates > MAX_CANDIDATES)
    throw new CullError(
      'REQUEST_INVALID',
      `candidates is ${candidates}; it must be a whole number from 1 to ${MAX_CANDIDATES}`,
    );
  if (deliver > candidates)
    throw new CullError('REQUEST_INVALID', `${deliver} images cannot be delivered from ${candidates} candidates`, {
      hint: `ask for at least ${deliver} candidates, or fewer images`,
    });
  if (seed !== undefined) checkSeed(seed);
  if (key !== undefined) checkName('request', key);
}

/** The stored form of a request, named by its key or by a new name. @throws as checkRequest */
export function requestOf(options: GenerateOptions, tenant: string): RequestDoc {
  checkRequest(options);
  const { release, inputs, deliver, candidates = DEFAULT_CANDIDATES } = options;
  const seed = options.seed ?? randomBytes(6).readUIntBE(0, 6);
  const request = options.key ?? newName();
  // Without a seed of its own a repeated request would differ from the first only by chance: the seed counts only if it was given.
  const body = { tenant, release: release.id, template: release.bindings.name, inputs, deliver, candidates };
  const hashed = canonicalize({ ...body, ...(options.seed === undefined ? {} : { seed }) }) ?? '';
  const bodySha256 = createHash('sha256').update(hashed).digest('hex');
  return { request, ...body, seed, createdAt: new Date().toISOString(), bodySha256 };
}

/** Sorts by time and tells two of one second apart: `20261123-154500-3f9a1c`. */
function newName(): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${time}-${randomBytes(3).toString('hex')}`;
}
