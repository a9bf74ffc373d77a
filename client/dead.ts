/** Dead letters: what failed for good, to be looked at, tried again and dropped (docs/dead-letters.md). */
import { CullError } from '../errors.js';
import { checkName, keys } from '../storage/keys.js';
import { updateJson } from '../storage/update.js';
import type { DeadLetterDoc, RequestDoc } from '../workflows/contract.js';
import type { Cull } from './cull.js';
import { readJson } from './documents.js';
import { pageOfDays, type Page, type Paging } from './newest.js';
import { refuseQuarantined } from './quarantine.js';
import { newSeed } from './request.js';
import { startRequest, storeRequest } from './start.js';
import type { TenantStore } from './webhooks.js';

/** What is asked of the list of dead letters. */
export interface DeadListing extends Paging {
  /** A code of errors.ts: letters with such a failure. @default all */
  code?: string | undefined;
}

/**
 * The newest letters first, a page of them.
 *
 * @throws CullError BODY_INVALID for a cursor that is none
 * @example
 * const { items, next } = await listDead(cull, { limit: 20 });
 */
export const listDead = ({ storage, tenant }: TenantStore, listing: DeadListing): Promise<Page<DeadLetterDoc>> =>
  pageOfDays(storage, listing, {
    folder: keys.deadIndexes(tenant),
    order: 'time',
    rowOf: async ({ name }) => {
      const letter = await readJson<DeadLetterDoc>(storage, keys.dead(tenant, name));
      const isWanted = listing.code === undefined || letter?.failures.some(({ code }) => code === listing.code);
      return isWanted === true ? letter : undefined;
    },
  });

/**
 * The letter of a request.
 *
 * @throws CullError DEAD_LETTER_NOT_FOUND
 * @example
 * const { failures, inputs } = await readDead(cull, 'order-4711');
 */
export async function readDead({ storage, tenant }: TenantStore, request: string): Promise<DeadLetterDoc> {
  checkName('request', request);
  const letter = await readJson<DeadLetterDoc>(storage, keys.dead(tenant, request));
  if (letter) return letter;
  throw new CullError('DEAD_LETTER_NOT_FOUND', `tenant ${tenant} has no dead letter of request ${request}`, {
    hint: '`comfy-cull dead list` shows all',
  });
}

/**
 * Makes the request of a letter anew, under a name of its own: `order-4711-again1`. One that fell short gets another seed, the same would draw the same
 * images. The letter stays, and names the new request; once more gives the same one.
 *
 * @returns the new request
 * @throws CullError DEAD_LETTER_NOT_FOUND, REQUEST_NOT_FOUND (it was erased), RELEASE_QUARANTINED; REQUEST_INVALID where all was delivered or it runs
 * @example
 * const request = await retryDead(cull, 'order-4711'); // 'order-4711-again1'
 */
export async function retryDead(cull: Cull, request: string): Promise<string> {
  const { storage, tenant } = cull;
  const letter = await readDead(cull, request);
  if (letter.state === 'delivered')
    throw new CullError('REQUEST_INVALID', `request ${request} has delivered all ${letter.wanted} images`, {
      hint: 'the candidates that it lost are not missing: drop the letter',
    });
  const asked = await cull.requestDoc(request);
  if (!(await cull.result(request)))
    throw new CullError('REQUEST_INVALID', `request ${request} runs: it was resumed`, {
      hint: `wait for its end: \`comfy-cull watch ${request}\``,
    });
  if (!letter.retried) await refuseQuarantined(storage, asked);
  const again = await storeAgain(cull, asked, letter.state === 'shortfall' ? newSeed() : asked.seed);
  await startRequest(cull, again);
  await updateJson<DeadLetterDoc>(storage, keys.dead(tenant, request), (doc) =>
    doc && doc.retried?.request !== again.request
      ? { ...doc, retried: { request: again.request, at: new Date().toISOString() } }
      : undefined,
  );
  return again.request;
}

/** Under the first name that is free, or that an earlier call has given it. */
async function storeAgain({ storage }: Cull, asked: RequestDoc, seed: number): Promise<RequestDoc> {
  const [, base = asked.request, number = '0'] = /^(.*)-again(\d+)$/.exec(asked.request) ?? [];
  for (let next = Number(number) + 1; ; next++) {
    const request = checkName('request', `${base}-again${next}`);
    const doc = { ...asked, request, seed, retryOf: asked.request, createdAt: new Date().toISOString() };
    const stored = await storeRequest(storage, doc);
    if (stored.retryOf === asked.request) return stored;
  }
}

/** Removes the letter; the request stays as it is. @throws CullError DEAD_LETTER_NOT_FOUND */
export async function dropDead(store: TenantStore, request: string): Promise<DeadLetterDoc> {
  const { storage, tenant } = store;
  const letter = await readDead(store, request);
  await storage.delete(keys.deadIndex(tenant, letter.at.slice(0, 10), request));
  await storage.delete(keys.dead(tenant, request));
  return letter;
}
