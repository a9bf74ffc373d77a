/** Releases that are held back, and letting them draw again (docs/dead-letters.md). */
import { CullError } from '../errors.js';
import { holdOf, refuseHeld } from '../selection/quarantine.js';
import { shortRelease } from '../selection/words.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import type { QuarantineDoc, RequestDoc } from '../workflows/contract.js';
import { readJson } from './documents.js';
import { knowsRequest } from './store.js';

const readQuarantine = (storage: Storage, release: string): Promise<QuarantineDoc | undefined> =>
  readJson<QuarantineDoc>(storage, keys.quarantine(release.replace('sha256:', '')));

/** @throws CullError RELEASE_QUARANTINED */
export async function refuseQuarantined(
  storage: Storage,
  { tenant, release }: Pick<RequestDoc, 'tenant' | 'release'>,
): Promise<void> {
  refuseHeld(await readQuarantine(storage, release), tenant);
}

/** The same for a request that is asked for: one of its name that is there already is answered all the same. @throws CullError RELEASE_QUARANTINED */
export async function refuseNewQuarantined(
  storage: Storage,
  { tenant, request, release }: Pick<RequestDoc, 'tenant' | 'request' | 'release'>,
): Promise<void> {
  const quarantine = await readQuarantine(storage, release);
  if (!quarantine || !holdOf(quarantine, tenant) || (await knowsRequest({ storage, tenant }, request))) return;
  refuseHeld(quarantine, tenant);
}

/**
 * The releases that are held back, for some tenant or for everybody, the newest first.
 *
 * @example
 * for (const { release, held } of await listQuarantined(storage)) console.log(release, held.map(({ tenant }) => tenant ?? 'everybody'));
 */
export async function listQuarantined(storage: Storage): Promise<QuarantineDoc[]> {
  const found: QuarantineDoc[] = [];
  for await (const { key } of storage.list(keys.quarantines())) {
    const doc = await readJson<QuarantineDoc>(storage, key);
    if (doc && doc.held.length > 0) found.push(doc);
  }
  const newest = ({ held }: QuarantineDoc): string => held.at(-1)?.since ?? '';
  return found.sort((a, b) => (newest(a) < newest(b) ? 1 : -1));
}

/**
 * Lets a release draw again, for everybody; what spoke against it is forgotten.
 *
 * @param name `sha256:…` of the release, or how it starts
 * @throws CullError QUARANTINE_NOT_FOUND where no release of the name is held back, or several are
 * @example
 * await releaseQuarantined(storage, '0f3c5a1b');
 */
export async function releaseQuarantined(storage: Storage, name: string): Promise<QuarantineDoc> {
  const start = `sha256:${name.replace('sha256:', '')}`;
  const [found, ...others] = (await listQuarantined(storage)).filter(({ release }) => release.startsWith(start));
  if (!found || others.length > 0)
    throw new CullError(
      'QUARANTINE_NOT_FOUND',
      `${found ? `${others.length + 1} releases that start` : 'no release that starts'} with ${shortRelease(name)} ${found ? 'are' : 'is'} held back`,
      { hint: '`comfy-cull quarantine list` shows all' },
    );
  await updateJson<QuarantineDoc>(
    storage,
    keys.quarantine(found.release.replace('sha256:', '')),
    (doc) => doc && { ...doc, held: [], evidence: [] },
  );
  return found;
}
