/** What finished requests say against their release: `_registry/quarantine/<release>.json`. */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { afterFailure, refuseHeld, wayOf, wayOfRequest } from '../selection/quarantine.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import type { Release } from '../templates/types.js';
import type { CandidateRecord, QuarantineDoc, RequestDoc, RequestError, ResultDoc } from '../workflows/contract.js';
import { readJson } from './documents.js';

const keyOf = (release: string): string => keys.quarantine(release.replace('sha256:', ''));

/** @throws CullError RELEASE_QUARANTINED */
export async function refuseQuarantined(storage: Storage, { tenant, release }: RequestDoc): Promise<void> {
  refuseHeld(await readJson<QuarantineDoc>(storage, keyOf(release)), tenant);
}

/**
 * Counts a request that ended for or against its release. One with an image shows that the release draws, and what spoke against it is forgotten.
 * One that somebody cancelled says nothing. Can be repeated.
 */
export async function weighRelease(
  storage: Storage,
  { asked, result, manifest }: { asked: RequestDoc; result: ResultDoc; manifest: readonly CandidateRecord[] },
): Promise<void> {
  const { tenant, request, release, template, inputs, vary } = asked;
  if (manifest.some(({ image }) => image !== null)) {
    const known = await readJson<QuarantineDoc>(storage, keyOf(release));
    if (known && known.evidence.length > 0)
      await updateJson<QuarantineDoc>(storage, keyOf(release), (doc) => doc && { ...doc, evidence: [] });
    return;
  }
  const errors: RequestError[] = [
    ...(result.error ? [result.error] : []),
    ...manifest.flatMap(({ error }) => error ?? []),
  ];
  if (result.state === 'cancelled' || !errors.some(wayOf)) return;
  const stored = await readJson<Release>(storage, keys.release(release.replace('sha256:', '')));
  const names = [...Object.keys(inputs), ...(vary ? [vary.input] : [])];
  const way = wayOfRequest(
    errors,
    names.flatMap((name) => stored?.bindings.inputs[name]?.at ?? []),
  );
  if (!way) return;
  const one = {
    ...{ tenant, request, way },
    inputs: createHash('sha256')
      .update(canonicalize({ inputs, ...(vary && { vary }) }) ?? '')
      .digest('hex'),
    hosts: [...new Set(errors.flatMap(({ hosts = [] }) => hosts))],
    at: new Date().toISOString(),
  };
  await updateJson<QuarantineDoc>(storage, keyOf(release), (doc = { release, template, held: [], evidence: [] }) => {
    const next = afterFailure(doc, one);
    return next === doc ? undefined : next;
  });
}
