import type { GenerationJob } from '../provider.js';

/** `extra_data.cull` of every prompt that is sent from here: who finds it in a queue or a history knows whose it is. */
export interface Mark {
  pool: string;
  host: string;
  tenant: string;
  request: string;
  candidate: number;
}

export const markFor = ({ pool = 'default', tenant, request, candidate }: GenerationJob, host: string): Mark => ({
  pool,
  host,
  tenant,
  request,
  candidate,
});

/** The mark in a prompt's `extra_data`; undefined for anybody else's prompt. */
export function markOf(extraData: Record<string, unknown>): Mark | undefined {
  const { cull } = extraData;
  if (typeof cull !== 'object' || cull === null) return undefined;
  const { pool, host, tenant, request, candidate } = cull as Record<string, unknown>;
  const texts = [pool, host, tenant, request];
  return texts.every((text) => typeof text === 'string') && typeof candidate === 'number' ? (cull as Mark) : undefined;
}
