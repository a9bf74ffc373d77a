/** winners.json: the winners so far, for those who want the first image at once. */
import { LRUCache } from 'lru-cache';
import { fingerprintOf } from '../selection/fingerprint.js';
import { rankQuality } from '../selection/rank.js';
import { waitsForReview } from '../selection/review.js';
import { comparesEmbeddings, pickWinners } from '../selection/select.js';
import type { Policy } from '../selection/types.js';
import { groupsOf } from '../selection/vary.js';
import {
  noWinners,
  withEnd,
  withPass,
  type PassedSoFar,
  type WinnerEvent,
  type WinnersDoc,
  type WinnerSoFar,
} from '../selection/winners.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import type { CandidateRecord, PlanDoc } from '../workflows/contract.js';
import { readEmbedding } from './float32.js';

/** Embeddings kept per process: each pass compares all before it. */
const KEPT_EMBEDDINGS = 2_000;

const PIXEL_DIGITS = 16;

/** What one is ranked by and told from others by; undefined for one that was rejected, and that no person can let pass. */
export function standingOf(record: CandidateRecord, policy: Policy): PassedSoFar | undefined {
  const { candidate, seed, image, group, scores, verdict } = record;
  if (!verdict || !image || !(verdict.pass || waitsForReview(verdict))) return undefined;
  const fingerprint = fingerprintOf(scores);
  return {
    candidate,
    seed,
    quality: rankQuality(scores, policy),
    key: image.key,
    ...(group !== undefined && { group }),
    ...(fingerprint !== undefined && { fingerprint }),
    ...(image.pixelSha256 !== null && { pixelSha256: image.pixelSha256.slice(0, PIXEL_DIGITS) }),
  };
}

export type AnnouncePass = (plan: PlanDoc, one: PassedSoFar) => Promise<void>;

interface Batch {
  plan: PlanDoc;
  all: PassedSoFar[];
  written: Promise<void>;
}

/**
 * Announces candidates that have passed. Repeating it changes nothing, and neither does the order. Those of one process that pass while a write is under
 * way go together into the next: they never contend with one another.
 *
 * @example
 * const announce = createAnnouncer(storage);
 * await announce(plan, { candidate: 7, seed: 123, quality: 87.2, key });
 */
export function createAnnouncer(storage: Storage): AnnouncePass {
  const open = new Map<string, Batch>();
  const writing = new Map<string, Promise<void>>();
  const embeddings = new LRUCache<string, Float32Array>({ max: KEPT_EMBEDDINGS });

  const embeddingOf = async (plan: PlanDoc, candidate: number): Promise<Float32Array | undefined> => {
    const key = keys.embedding(plan.tenant, plan.request, candidate);
    const known = embeddings.get(key) ?? (await readEmbedding(storage, { ...plan, candidate }));
    if (known) embeddings.set(key, known);
    return known;
  };
  const write = (key: string, { plan, all }: Batch): Promise<void> =>
    updateJson<WinnersDoc>(storage, key, async (current) => {
      const doc = current ?? noWinners(plan.request);
      const looks = new Map<number, Float32Array>();
      if (comparesEmbeddings(plan.policy))
        for (const { candidate } of [...doc.passed, ...all]) {
          const embedding = await embeddingOf(plan, candidate);
          if (embedding) looks.set(candidate, embedding);
        }
      const choose = (passed: readonly PassedSoFar[]) =>
        pickWinners(
          passed.map((one) => {
            const embedding = looks.get(one.candidate);
            return embedding ? { ...one, embedding } : one;
          }),
          plan.policy,
          { k: plan.deliver, groups: groupsOf(plan) },
        );
      const at = new Date().toISOString();
      const changed = all.reduce((so, one) => withPass(so, one, { at, choose }), doc);
      return changed === doc ? undefined : changed;
    });

  return (plan, one) => {
    const key = keys.winners(plan.tenant, plan.request);
    const waiting = open.get(key);
    if (waiting) {
      waiting.all.push(one);
      return waiting.written;
    }
    const before = writing.get(key) ?? Promise.resolve();
    const batch: Batch = { plan, all: [one], written: Promise.resolve() };
    batch.written = before
      .catch(() => undefined) // told to those whose passes it carried
      .then(() => {
        open.delete(key);
        return write(key, batch);
      })
      .finally(() => {
        if (writing.get(key) === batch.written) writing.delete(key);
      });
    open.set(key, batch);
    writing.set(key, batch.written);
    return batch.written;
  };
}

/** The last event of a request: what it delivered, and why the other winners so far were not. */
export const endWinners = (
  storage: Storage,
  { tenant, request }: { tenant: string; request: string },
  end: {
    state: Extract<WinnerEvent, { kind: 'end' }>['state'];
    delivered: readonly WinnerSoFar[];
    why: (candidate: number) => string;
  },
): Promise<void> =>
  updateJson<WinnersDoc>(storage, keys.winners(tenant, request), (current) => {
    const changed = withEnd(current ?? noWinners(request), { at: new Date().toISOString(), ...end });
    return changed === current ? undefined : changed;
  });
