import type { Command } from 'commander';
import pLimit from 'p-limit';
import { readEmbedding } from '../../activities/float32.js';
import type { FinishedRequest } from '../../client/finished.js';
import { checkGroups } from '../../client/groups.js';
import { modelOptionsOf, readConfig } from '../../config.js';
import { CullError } from '../../errors.js';
import { loadScorers } from '../../scorers/registry.js';
import { createComparison, type Difference } from '../../selection/comparable.js';
import { createReplayTally, type ReplayTotals } from '../../selection/replay-totals.js';
import { replay, type RequestReplay } from '../../selection/replay.js';
import { comparesEmbeddings } from '../../selection/select.js';
import type { Policy } from '../../selection/types.js';
import { groupsOf } from '../../selection/vary.js';
import type { Storage } from '../../storage/storage.js';
import type { CandidateRecord, PlanDoc, ResultDoc, StoppingAsk } from '../../workflows/contract.js';
import { lookBack, withLookBack, type LookBackOptions } from '../look-back.js';
import { measuresFor } from '../measures.js';
import { wholeNumber } from '../options.js';
import { createOutput } from '../output.js';
import { readPolicy } from '../release.js';
import { replayReport } from '../views/replay.js';

const READS_AT_ONCE = 16;

/** A line of `replay --json`; `refused` says why the request was not compared, and then the rest is absent. */
export type ReplayLine = {
  request: string;
  createdAt: string;
  release: string;
  wanted: number;
} & ({ refused: Difference[] } | (Omit<RequestReplay, 'flips'> & { refused: null; flips: number }));

/** The last line of `replay --json`, under `summary`. */
export interface ReplaySummary extends ReplayTotals {
  policy: string;
  tenant: string;
  since: string;
  release: string | null;
  /** Policy that requests were judged by when they were drawn -> how many. */
  judgedBy: Record<string, number>;
  /** Requests that failed or were cancelled: they deliver nothing under any policy. */
  leftOut: number;
  /** Requests whose groups are not those that the policy has minima for: they varied nothing, or something else. */
  otherGroups: number;
  /** Lines and documents that could not be read. */
  unreadable: number;
  /** Dimensions whose networks are not on this machine -> those of the scores that were compared. */
  assumed: Record<string, Readonly<Record<string, string>>>;
}

interface ReplayCommand extends LookBackOptions {
  policy: string;
  show: number;
  json?: true;
}

/** `comfy-cull replay`: what another policy would have delivered, from stored scores alone; no server. */
export function addReplay(program: Command): void {
  const command = program
    .command('replay')
    .description('what another policy would have delivered, from stored scores alone')
    .requiredOption('-p, --policy <file>', 'policy file to judge with');
  withLookBack(command)
    .option('--show <n>', 'disagreements to list, nearest to the threshold first', wholeNumber, 10)
    .option('--json', 'NDJSON: one line a request, then { summary }')
    .action(async (options: ReplayCommand) => {
      const output = createOutput({ json: options.json === true });
      const config = readConfig(process.env);
      const back = lookBack(options, { config, output });
      const policy = await readPolicy(options.policy, config.scorers);
      const models = modelOptionsOf(config);
      const scorers = await loadScorers(config.scorers);
      const comparison = createComparison(policy, await measuresFor(policy, { scorers, models }));
      const tally = createReplayTally({ keep: options.show });
      const judgedBy: Record<string, number> = {};
      let leftOut = 0;
      const otherGroups: CullError[] = [];
      const replayOne = async (finished: FinishedRequest): Promise<void> => {
        const { asked, result, plan, records } = finished;
        if (!plan || (result.state !== 'delivered' && result.state !== 'shortfall')) {
          leftOut++;
          return;
        }
        const unfit = groupsUnfit(policy, plan);
        if (unfit) {
          // what is wrong with one that has groups tells more than that another has none
          otherGroups[plan.vary ? 'unshift' : 'push'](unfit);
          return;
        }
        const { request, createdAt, release } = asked;
        const head = { request, createdAt, release, wanted: plan.deliver };
        const refused = comparison.differences(records, plan.policy);
        if (refused.length > 0) {
          tally.refuse(refused, { candidates: records.length });
          output.document({ ...head, refused } satisfies ReplayLine);
          return;
        }
        judgedBy[plan.policy.policy] = (judgedBy[plan.policy.policy] ?? 0) + 1;
        const replayed = replay(records, {
          policy,
          deliver: plan.deliver,
          inputs: plan.inputs,
          vary: plan.vary,
          ...(plan.cascade && { drawn: { policy: plan.policy, cascade: plan.cascade } }),
          ...(comparesEmbeddings(policy) && { embeddings: await embeddingsOf(back.storage, plan, records) }),
        });
        tally.add(replayed, { request, canDrawOn: stoppedWithEnough(finished, plan) });
        const flips = replayed.flips.length;
        output.document({ ...head, refused: null, ...replayed, flips } satisfies ReplayLine);
      };

      // the newest first: it says which models those of others are held against
      for await (const finished of back.read((await back.requests()).reverse())) await replayOne(finished);

      const totals = tally.totals();
      const { tenant } = back;
      const unreadable = back.unreadable();
      if (totals.requests.replayed === 0 && otherGroups[0]) throw otherGroups[0];
      refuseIfNothing(totals, { tenant, since: options.since });
      const summary: ReplaySummary = {
        policy: policy.policy,
        tenant,
        since: options.since,
        release: options.release ?? null,
        ...totals,
        judgedBy,
        leftOut,
        otherGroups: otherGroups.length,
        unreadable,
        assumed: comparison.assumed(),
      };
      output.document({ summary });
      output.text(replayReport(summary));
      process.exitCode = unreadable === 0 ? 0 : 1;
    });
}

/**
 * Whether it stopped because enough passed, and not at its cap: where fewer pass it would have drawn on. One that deadline, budget or a small chance
 * stopped would not. A cancelled candidate was being drawn when the others were enough: it is one more to be had.
 */
function stoppedWithEnough({ asked, result, records }: FinishedRequest, { candidates }: PlanDoc): boolean {
  const { mode = 'best-of', ...bounds } = asked.stopping ?? {};
  const reason = result.shortfall?.reason ?? 'quota';
  // mode value draws on after the K-th, and then a bound may stop it though nothing is missing
  if (mode === 'best-of' || reason !== 'quota' || (mode === 'value' && reachedBound(bounds, result))) return false;
  return ended(records) < candidates;
}

/** Whether no time was left, or no money for one more candidate at the price of those drawn. */
function reachedBound(
  { deadlineMs = Infinity, budgetMicroUsd = Infinity }: Pick<StoppingAsk, 'deadlineMs' | 'budgetMicroUsd'>,
  { timing, cost, counts }: ResultDoc,
): boolean {
  const spent = cost?.microUsd ?? 0;
  return timing.totalMs >= deadlineMs || spent + spent / Math.max(1, counts.scored) > budgetMicroUsd;
}

const ended = (records: readonly CandidateRecord[]): number =>
  records.filter(({ state }) => state !== 'cancelled').length;

/** Why the minima of a policy say nothing about a request. */
function groupsUnfit(policy: Policy, plan: PlanDoc): CullError | undefined {
  try {
    checkGroups(policy, { deliver: plan.deliver, groups: plan.vary && groupsOf(plan) });
    return undefined;
  } catch (error) {
    if (error instanceof CullError) return error;
    throw error;
  }
}

async function embeddingsOf(
  storage: Storage,
  { tenant, request }: Pick<PlanDoc, 'tenant' | 'request'>,
  records: readonly CandidateRecord[],
): Promise<Map<number, Float32Array>> {
  const limit = pLimit(READS_AT_ONCE);
  const embeddings = new Map<number, Float32Array>();
  await Promise.all(
    records.map(({ candidate }) =>
      limit(async () => {
        const embedding = await readEmbedding(storage, { tenant, request, candidate });
        if (embedding) embeddings.set(candidate, embedding);
      }),
    ),
  );
  return embeddings;
}

function refuseIfNothing(
  { requests, refused }: ReplayTotals,
  { tenant, since: from }: { tenant: string; since: string },
): void {
  if (requests.replayed > 0) return;
  if (requests.refused === 0)
    throw new CullError(
      'REQUEST_NOT_FOUND',
      `no request of tenant ${tenant} since ${from} has delivered or run short`,
      {
        hint: 'reach further back with --since, or check --release and --tenant; `comfy-cull list` shows the newest',
      },
    );
  const lines = refused.map(({ dimension, was, is }) => `${dimension}: stored by ${was}, wanted ${is}`);
  throw new CullError(
    'SCORES_INCOMPARABLE',
    `none of ${requests.refused} requests can be compared: ${lines.join('; ')}`,
    { hint: 'scores of another version, model or question say nothing about this policy: draw anew', details: refused },
  );
}
