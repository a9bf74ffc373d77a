import { v5 } from 'uuid';

/** Fixed for good: the same job must have the same ids in every version. */
const NAMESPACE = '6f3c1d0e-9a44-5b7b-8f58-2d1c0a9e7c35';

/**
 * The id under which a candidate is submitted. A pure function, so that a second process finds what the first one sent.
 *
 * @param job.attempt the caller's attempt, from 1
 * @param job.turn 0, and one more for each prompt of the same attempt that failed, was cancelled or was lost
 */
export function promptIdOf(job: {
  tenant: string;
  request: string;
  candidate: number;
  attempt: number;
  turn: number;
}): string {
  return v5([job.tenant, job.request, job.candidate, job.attempt, job.turn].join('/'), NAMESPACE);
}

type Named = { tenant: string; request: string; candidate: number };

/** Everything that the output nodes save for a candidate begins with it. */
export const candidatePrefixOf = (job: Named): string =>
  `cull/${job.tenant}/${job.request}/${String(job.candidate).padStart(4, '0')}-`;

/** Where the output nodes save: unique per prompt, so that ComfyUI neither skips the save nor hands out a name twice. */
export const filenamePrefixOf = (job: Named & { attempt: number; turn: number }): string =>
  `${candidatePrefixOf(job)}${job.attempt}${job.turn === 0 ? '' : `-${job.turn}`}`;
