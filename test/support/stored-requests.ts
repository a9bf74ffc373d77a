/** Finished requests in storage, as the pipeline leaves them, without drawing anything. */
import { asStopped, isFull, type Cascade } from '../../selection/cascade.js';
import { judge } from '../../selection/judge.js';
import { select, toSelectable } from '../../selection/select.js';
import type { Policy, Scores } from '../../selection/types.js';
import { groupsOf, inputsWith } from '../../selection/vary.js';
import { keys } from '../../storage/keys.js';
import type { Storage } from '../../storage/storage.js';
import type { CandidateRecord, PlanDoc, RequestDoc, ResultDoc } from '../../workflows/contract.js';

export interface StoredAsk {
  tenant?: string;
  request: string;
  /** ISO 8601. */
  createdAt: string;
  release?: string;
  policy: Policy;
  deliver: number;
  /** The cap. @default as many as there are scores */
  cap?: number;
  state?: 'failed' | 'cancelled';
  stopping?: RequestDoc['stopping'];
  /** Why it stopped, where it is short. @default cap */
  reason?: NonNullable<ResultDoc['shortfall']>['reason'];
  cost?: ResultDoc['cost'];
  /** Candidates are drawn with its values in turn. */
  vary?: NonNullable<PlanDoc['vary']>;
  /** How its scorers ran: scores are then left out as they would have been. @default everything that there is was taken */
  cascade?: Cascade;
  /** One candidate each; null: it was lost. */
  scores: readonly (Scores | null)[];
}

/** Stores request.json, plan.json, manifest.ndjson, result.json and the index, judged and selected as the activities do. */
export async function storeRequest(storage: Storage, ask: StoredAsk): Promise<CandidateRecord[]> {
  const { tenant = 'default', request, createdAt, release = `sha256:${'ab'.repeat(32)}`, policy, deliver } = ask;
  const seed = 7;
  const { cascade } = ask;
  const scored = ask.scores.map((all, candidate): CandidateRecord => {
    const full = cascade !== undefined && isFull({ request, candidate }, cascade.fullShare);
    const scores = all && cascade && !full ? asStopped(all, { policy, order: cascade.order }) : all;
    const value = ask.vary?.values[candidate % ask.vary.values.length]?.value;
    const group = value === undefined ? undefined : String(value);
    const verdict = scores && judge(scores, policy, { deliver, inputs: inputsWith({}, ask.vary, group) });
    return {
      candidate,
      seed: seed + candidate,
      state: verdict === null ? 'lost' : verdict.pass ? 'passed' : 'rejected',
      provider: 'comfyui',
      host: 'comfy-a',
      promptId: `00000000-0000-5000-8000-${String(candidate).padStart(12, '0')}`,
      image: scores && {
        key: keys.image(tenant, request, candidate),
        sha256: String(candidate).padStart(64, 'a'),
        pixelSha256: String(candidate).padStart(64, 'b'),
        width: 1024,
        height: 1024,
      },
      scores: scores ?? {},
      verdict,
      notPicked: null,
      timing: { queuedMs: 10, drawMs: 2000, scoreMs: scores && 300 },
      ...(full && { full }),
      cost: { microUsd: 900 },
      ...(group !== undefined && { group }),
      error: scores ? null : { code: 'COMFY_NODE_FAILED', message: 'a node failed' },
    };
  });
  const { winners, notPicked, missing, gates } = select(scored.flatMap(toSelectable), policy, deliver, {
    groups: groupsOf(ask),
  });
  const ended = ask.state === undefined;
  const records = scored.map((record): CandidateRecord => {
    const won = ended && winners.some(({ candidate }) => candidate === record.candidate);
    return { ...record, ...(won && { state: 'delivered' }), notPicked: notPicked[record.candidate] ?? null };
  });
  const candidates = ask.cap ?? records.length;
  const common = { request, tenant, release, deliver, candidates, seed };
  const doc: RequestDoc = { ...common, template: 'product', inputs: {}, createdAt, bodySha256: 'c'.repeat(64) };
  if (ask.stopping) doc.stopping = ask.stopping;
  const plan: PlanDoc = {
    ...common,
    ...{ policy, graph: {}, seedAt: [], output: ['9'], files: [], queue: 'default' },
    ...(ask.vary && { inputs: {}, vary: ask.vary }),
    ...(cascade && { cascade }),
  };
  const result: ResultDoc = {
    request,
    release,
    state: ask.state ?? (missing > 0 ? 'shortfall' : 'delivered'),
    wanted: deliver,
    delivered: ended
      ? winners.map((winner) => ({ ...winner, seed: seed + winner.candidate, key: '', url: 'file:///' }))
      : [],
    shortfall: ended && missing > 0 ? { missing, gates, reason: ask.reason ?? 'cap' } : null,
    counts: { drawn: records.length, scored: records.length, passed: 0, rejected: 0, lost: 0, cancelled: 0 },
    cost: ask.cost ?? null,
    timing: { firstPassMs: null, totalMs: 1000 },
    error: null,
  };
  const manifest = records.map((record) => `${JSON.stringify(record)}\n`).join('');
  await Promise.all([
    storage.put(keys.request(tenant, request), JSON.stringify(doc)),
    storage.put(keys.plan(tenant, request), JSON.stringify(plan)),
    storage.put(keys.manifest(tenant, request), manifest),
    storage.put(keys.result(tenant, request), JSON.stringify(result)),
    storage.put(keys.index(tenant, createdAt.slice(0, 10), request), JSON.stringify({ request, createdAt })),
  ]);
  return records;
}
