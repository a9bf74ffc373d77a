/** Dead letters: what of a request failed for good, kept for the operator (docs/dead-letters.md). */
import { wayOf } from '../selection/quarantine.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { Metrics } from '../telemetry/metrics.js';
import type {
  CandidateRecord,
  DeadFailure,
  DeadLetterDoc,
  RequestDoc,
  RequestError,
  ResultDoc,
} from '../workflows/contract.js';
import { countDead } from './counted.js';
import { readJson, writeJson } from './documents.js';

/** Of 2,000 lost candidates the first few tell as much. */
const NAMED = 20;

interface Ended {
  asked: RequestDoc;
  result: ResultDoc;
  manifest: readonly CandidateRecord[];
}

/**
 * Stores the letter of a request that failed, or that lost candidates; one that ended well has none, also where it had one before it was resumed. Can
 * be repeated: it keeps the time at which it was first known.
 */
export async function writeDeadLetter(storage: Storage, metrics: Metrics, ended: Ended): Promise<void> {
  const { tenant, request } = ended.asked;
  const known = await readJson<DeadLetterDoc>(storage, keys.dead(tenant, request));
  const failures = failuresOf(ended);
  const at = known?.at ?? new Date().toISOString();
  const index = keys.deadIndex(tenant, at.slice(0, 10), request);
  if (failures.length === 0) {
    if (known) await Promise.all([keys.dead(tenant, request), index].map((key) => storage.delete(key)));
    return;
  }
  const letter = { ...letterOf(ended, failures), at, ...(known?.retried && { retried: known.retried }) };
  await writeJson(storage, keys.dead(tenant, request), letter);
  // once: lists go by when it was written
  if ((await storage.head(index)) === undefined) await writeJson(storage, index, { request, at });
  if (!known) countDead(metrics, letter);
}

function letterOf({ asked, result, manifest }: Ended, failures: DeadFailure[]): Omit<DeadLetterDoc, 'at'> {
  const { request, tenant, release, template, inputs, vary } = asked;
  return {
    ...{ request, tenant, release, template, inputs },
    ...(vary && { vary }),
    state: result.state as DeadLetterDoc['state'],
    wanted: result.wanted,
    delivered: result.delivered.length,
    candidates: { started: manifest.length, lost: result.counts.lost },
    failures,
  };
}

/** Two errors are of one kind if they have one code, and the same nodes in it. */
const kindOf = (error: RequestError): string => JSON.stringify(wayOf(error) ?? error.code);

/** What failed, by kind: what ended the request first, then what lost most candidates. */
function failuresOf({ result, manifest }: Ended): DeadFailure[] {
  const kinds = new Map<string, DeadFailure>();
  const failureOf = (error: RequestError): DeadFailure => {
    const known = kinds.get(kindOf(error)) ?? { ...error, lost: 0, candidates: [] };
    const hosts = [...new Set([...(known.hosts ?? []), ...(error.hosts ?? [])])];
    const failure = { ...known, ...(hosts.length > 0 && { hosts }) };
    kinds.set(kindOf(error), failure);
    return failure;
  };
  if (result.error) failureOf(result.error);
  for (const { state, candidate, error } of manifest) {
    if (state !== 'lost' || !error) continue;
    const failure = failureOf(error);
    failure.lost++;
    if (failure.candidates.length < NAMED) failure.candidates = [...failure.candidates, candidate];
  }
  const ending = result.error && kindOf(result.error);
  return [...kinds]
    .sort(([a, x], [b, y]) => Number(b === ending) - Number(a === ending) || y.lost - x.lost)
    .map(([, failure]) => failure);
}
