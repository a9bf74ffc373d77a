/** The audit sample of finished requests: what nobody has labelled yet. */
import { questionedGates, type Questioned } from '../selection/audit.js';
import { pictureName } from '../selection/tuning/labels.js';
import type { AuditMark } from '../selection/types.js';
import type { Storage } from '../storage/storage.js';
import type { FinishedRequest } from './finished.js';
import { storedLabels } from './labels.js';

/** A candidate of the audit sample. */
export interface AuditPick {
  request: string;
  candidate: number;
  audit: AuditMark;
  /** The gates that a person's word on it is about. */
  gates: Questioned[];
  key: string;
  url: string;
}

const URL_SECONDS = 7 * 24 * 3600;

/**
 * Candidates that are marked for audit, and that have no label as a whole, request by request.
 *
 * @example
 * for await (const { request, candidate, gates } of auditPicks(storage, { tenant, requests })) console.log(request, candidate, gates[0]?.reason);
 */
export async function* auditPicks(
  storage: Storage,
  { tenant, requests }: { tenant: string; requests: AsyncIterable<FinishedRequest> },
): AsyncGenerator<AuditPick> {
  const labels = await storedLabels(storage, tenant);
  const known = new Set(labels.flatMap(({ picture, gate }) => (gate === null ? [picture] : [])));
  for await (const { asked, plan, records } of requests) {
    if (!plan) continue;
    for (const { candidate, audit, scores, verdict, image } of records) {
      if (!audit || !verdict || !image || known.has(pictureName(asked.request, candidate))) continue;
      const url = await storage.signedUrl(image.key, { expiresInSeconds: URL_SECONDS });
      const gates = questionedGates({ scores, verdict }, plan.policy);
      yield { request: asked.request, candidate, audit, gates, key: image.key, url };
    }
  }
}
