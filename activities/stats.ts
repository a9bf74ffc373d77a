/** What finished requests of a release say about the next: `_registry/stats/<release>/<provider>.json`. */
import { createHash } from 'node:crypto';
import { learnedRate, type PassRate } from '../selection/pass-rate.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import type { CandidateRecord, StatsDoc } from '../workflows/contract.js';
import { readJson } from './documents.js';

/** So many requests are remembered: old ones tell of another checkpoint, or of other inputs. */
export const REMEMBERED = 50;

/** What is expected of a candidate before one has ended. */
export interface Expected {
  prior?: PassRate;
  /**
   * Milliseconds to draw and score it. How long others had waited is left out: that was their hour's load, and nobody gives up for it. A request's own
   * candidates, the first of which replaces this, count with their wait.
   */
  drawMs?: number;
  microUsdEach?: number;
}

/**
 * What the last requests of a release say; nothing where there are none.
 *
 * @param release `sha256:…`
 */
export async function readExpected(storage: Storage, release: string, provider: string): Promise<Expected> {
  const doc = await readJson<StatsDoc>(storage, keys.stats(release.replace('sha256:', ''), provider));
  const requests = doc?.requests ?? [];
  if (requests.length === 0) return {};
  const drawMs = meanOf(requests.flatMap((one) => one.drawMs ?? []));
  const microUsdEach = meanOf(requests.flatMap((one) => one.microUsd ?? []));
  return {
    prior: learnedRate(requests),
    ...(drawMs !== undefined && { drawMs }),
    ...(microUsdEach !== undefined && { microUsdEach }),
  };
}

/** Adds a finished request, once, however often this is repeated. */
export async function rememberRequest(
  storage: Storage,
  of: { tenant: string; request: string; release: string; counted: number },
  records: readonly CandidateRecord[],
): Promise<void> {
  const scored = records.filter(({ verdict }) => verdict !== null);
  if (scored.length === 0) return;
  const provider = scored[0]?.provider ?? 'comfyui';
  const lost = records.filter(({ state }) => state === 'lost').length;
  const row: StatsDoc['requests'][number] = {
    id: rowId(of),
    passed: of.counted,
    ended: scored.length + lost,
    drawMs:
      meanOf(scored.flatMap(({ timing }) => (timing.drawMs === null ? [] : timing.drawMs + (timing.scoreMs ?? 0)))) ??
      null,
    microUsd: meanOf(scored.flatMap(({ cost }) => (cost ? [cost.microUsd] : []))) ?? null,
  };
  await updateJson<StatsDoc>(storage, keys.stats(of.release.replace('sha256:', ''), provider), (doc) => {
    const others = (doc?.requests ?? []).filter(({ id }) => id !== row.id);
    return { requests: [...others, row].slice(-REMEMBERED) };
  });
}

/** Names a request in a document that all tenants share, without the tenant's name. */
export const rowId = ({ tenant, request }: { tenant: string; request: string }): string =>
  createHash('sha256').update(`${tenant}/${request}`).digest('hex').slice(0, 16);

/** Rounded: of milliseconds or micro-USD. */
export const meanOf = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
