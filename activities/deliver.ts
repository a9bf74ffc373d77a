/** lose and deliver: the last word on a candidate that was given up, and on the whole request. */
import { Context } from '@temporalio/activity';
import pLimit from 'p-limit';
import { auditOf } from '../selection/audit.js';
import { countJudged } from '../selection/judge.js';
import { deriveSeed } from '../selection/seeds.js';
import { comparesEmbeddings, countPicked, passingOf, select, toSelectable } from '../selection/select.js';
import type { StopReason } from '../selection/stopping.js';
import type { Policy, Selection, SelectionCandidate } from '../selection/types.js';
import { groupsOf } from '../selection/vary.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { SILENT, type Telemetry } from '../telemetry/telemetry.js';
import type {
  BestOfNResult,
  CandidateRecord,
  DeliveredImage,
  PlanDoc,
  RequestDoc,
  RequestError,
  ResultDoc,
} from '../workflows/contract.js';
import { countEnded } from './counted.js';
import {
  emptyRecord,
  readJson,
  readRecord,
  requireJson,
  writeJson,
  writeRecord,
  type CandidateRef,
} from './documents.js';
import { convertWinners, isConverted } from './convert.js';
import { writeDeadLetter } from './dead.js';
import { withFailures } from './failures.js';
import { readEmbedding } from './float32.js';
import { tellOfRequest } from './news.js';
import { weighRelease } from './quarantine.js';
import { reviewableOf, withReviews } from './reviews.js';
import { rememberScorers } from './scorer-stats.js';
import { meanOf, rememberRequest } from './stats.js';
import { endWinners } from './winners.js';

export interface DeliverAsk {
  tenant: string;
  request: string;
  end: 'done' | 'failed' | 'cancelled';
  error: RequestError | null;
  /** Candidates started: indices 0 to launched - 1. */
  launched: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
  firstPassAt: number | null;
  /** Why drawing stopped. @default cap */
  stop?: StopReason;
}

export interface LoseAnswer {
  /** What drawing it had cost. Absent: it was not drawn, or no price is set. */
  microUsd?: number;
}

export interface DeliverActivities {
  /** `vary`: the place of the value that it was to be drawn with. */
  lose(ref: CandidateRef & { error: RequestError; vary?: number }): Promise<LoseAnswer>;
  deliver(ask: DeliverAsk): Promise<BestOfNResult>;
}

const READS_AT_ONCE = 16;
const URL_SECONDS = 7 * 24 * 3600;

/** Activities of the orchestrating worker that end a candidate or a request. All can be repeated: the same records give the same result. */
export function createDeliverActivities(deps: { storage: Storage; telemetry?: Telemetry }): DeliverActivities {
  const { storage, telemetry = SILENT } = deps;
  const urlOf = (key: string) => storage.signedUrl(key, { expiresInSeconds: URL_SECONDS });
  return withFailures(telemetry, {
    async lose({ error, vary, ...ref }: CandidateRef & { error: RequestError; vary?: number }): Promise<LoseAnswer> {
      const request = await requireJson<RequestDoc>(storage, keys.request(ref.tenant, ref.request));
      const known = await readRecord(storage, ref);
      const plan =
        vary === undefined ? undefined : await readJson<PlanDoc>(storage, keys.plan(ref.tenant, ref.request));
      const group = vary === undefined ? undefined : groupsOf(plan)[vary];
      const record = known ?? emptyRecord(ref.candidate, deriveSeed(request.seed, ref.candidate), 'lost', group);
      await writeRecord(storage, ref, { ...record, state: 'lost', error });
      return record.cost ?? {};
    },

    async deliver(ask: DeliverAsk): Promise<BestOfNResult> {
      const { tenant, request, end } = ask;
      const asked = await requireJson<RequestDoc>(storage, keys.request(tenant, request));
      const plan = await readJson<PlanDoc>(storage, keys.plan(tenant, request));
      const records = await withReviews(storage, ask, await readRecords(storage, ask, asked));

      // A failed or cancelled request delivers nothing, but keeps every score: what was paid for stays readable.
      const wanted = asked.deliver;
      const candidates = plan && end === 'done' ? await selectable(storage, ask, { records, policy: plan.policy }) : [];
      const selection = plan ? select(candidates, plan.policy, wanted, { groups: groupsOf(plan) }) : undefined;
      const meanDrawMs = meanOf(records.flatMap(({ image, timing }) => (image && timing.drawMs) ?? []));
      const final = records.map((record) => finalRecord(record, { request, plan, selection, meanDrawMs }));
      const won = final.filter(({ candidate }) => selection?.winners.some((winner) => winner.candidate === candidate));
      const converted = isConverted(asked.images)
        ? await convertWinners(storage, { tenant, request, ask: asked.images }, won)
        : new Map<number, never>();
      const manifest = final.map((record) => ({ ...record, ...madeOf(converted.get(record.candidate)) }));
      const delivered = await deliveredOf(manifest, { selection, urlOf });

      const state =
        end === 'failed'
          ? 'failed'
          : end === 'cancelled'
            ? 'cancelled'
            : delivered.length < wanted
              ? 'shortfall'
              : 'delivered';
      const result: ResultDoc = {
        request,
        release: asked.release,
        state,
        wanted,
        delivered,
        shortfall:
          state === 'shortfall' && plan && selection
            ? {
                missing: wanted - delivered.length,
                gates: selection.gates,
                judged: countJudged(candidates, plan.policy),
                reason: shortBecause(ask.stop),
                reviewable: await reviewableOf(records, { candidates, selection, policy: plan.policy, urlOf }),
                ...(selection.missingPerGroup && { missingPerGroup: selection.missingPerGroup }),
              }
            : null,
        counts: countsOf(manifest),
        cost: costOf(manifest, delivered.length),
        timing: {
          firstPassMs: ask.firstPassAt === null ? null : ask.firstPassAt - ask.startedAt,
          totalMs: Date.now() - ask.startedAt,
        },
        error: ask.error,
      };
      if (plan && end === 'done') {
        const { minDistance } = plan.policy.diversity;
        // what passes by itself is what the next request can expect
        const own = candidates.filter(({ candidate }) => records[candidate]?.review === undefined);
        const counted = countPicked(passingOf(own, plan.policy), { k: Infinity, minDistance });
        await rememberRequest(storage, { tenant, request, release: asked.release, counted }, records);
        const { policy, inputs } = plan;
        const fields = { deliver: plan.deliver, inputs };
        await rememberScorers(storage, { tenant, request, release: asked.release, policy, fields }, records);
      }
      await storage.put(keys.manifest(tenant, request), manifest.map((line) => `${JSON.stringify(line)}\n`).join(''), {
        contentType: 'application/x-ndjson',
      });
      await endWinners(storage, ask, {
        state,
        delivered: delivered.map(({ candidate, rank, seed, quality, key, group }) => ({
          ...{ candidate, rank, seed, quality, key },
          ...(group !== undefined && { group }),
        })),
        why: (candidate) => selection?.notPicked[candidate] ?? `the request was ${state}`,
      });
      await writeDeadLetter(storage, telemetry.metrics, { asked, result, manifest });
      await weighRelease(storage, { asked, result, manifest });
      const isFirst = (await storage.head(keys.result(tenant, request))) === undefined;
      // The result comes last: whoever sees it finds everything that it names.
      await writeJson(storage, keys.result(tenant, request), result);
      if (isFirst) countEnded(telemetry.metrics, { asked, result, manifest });
      telemetry.log.info({ tenant, request, state, wanted, ...result.counts, ...result.timing }, 'ended');
      const news = await tellOfRequest(storage, asked, result);
      return { state, delivered: delivered.length, wanted, ...(news && { news }) };
    },
  });
}

const madeOf = (delivered: DeliveredImage | undefined) => (delivered ? { delivered } : {});

/**
 * Every started candidate's record. One without a record was cancelled before its picture was there, and cost nothing: a worker that has one records
 * what it drew, so nobody had it, or whoever had it ended first.
 */
async function readRecords(storage: Storage, ask: DeliverAsk, asked: RequestDoc): Promise<CandidateRecord[]> {
  const { tenant, request } = ask;
  const limit = pLimit(READS_AT_ONCE);
  const context = Context.current();
  return Promise.all(
    Array.from({ length: ask.launched }, (_, candidate) =>
      limit(async () => {
        context.heartbeat(candidate);
        const record = await readRecord(storage, { tenant, request, candidate });
        if (record) return record;
        const empty = emptyRecord(candidate, deriveSeed(asked.seed, candidate), 'cancelled');
        return { ...empty, timing: { ...empty.timing, drawMs: 0 } };
      }),
    ),
  );
}

/** What `select` needs of each; the embeddings of those that pass only where the policy compares them. */
async function selectable(
  storage: Storage,
  { tenant, request }: DeliverAsk,
  { records, policy }: { records: CandidateRecord[]; policy: Policy },
): Promise<SelectionCandidate[]> {
  const candidates: SelectionCandidate[] = records.flatMap(toSelectable);
  if (!comparesEmbeddings(policy)) return candidates;
  const limit = pLimit(READS_AT_ONCE);
  return Promise.all(
    candidates.map((one) =>
      limit(async () => {
        if (!one.verdict.pass) return one;
        const embedding = await readEmbedding(storage, { tenant, request, candidate: one.candidate });
        return embedding ? { ...one, embedding } : one;
      }),
    ),
  );
}

/** K had passed for the workflow, and yet some are missing: records of a time before this request say otherwise. The cap is what is left to say. */
const shortBecause = (stop: StopReason | undefined): StopReason =>
  stop === undefined || stop === 'quota' ? 'cap' : stop;

function finalRecord(
  drawn: CandidateRecord,
  of: {
    request: string;
    plan: PlanDoc | undefined;
    selection: Selection | undefined;
    meanDrawMs: number | undefined;
  },
): CandidateRecord {
  const { selection, meanDrawMs } = of;
  const record = audited(drawn, of);
  const { drawMs } = record.timing;
  if (record.state === 'cancelled' && drawMs === 0) return { ...record, share: 0 };
  if (record.state === 'cancelled' && drawMs !== null && meanDrawMs !== undefined && meanDrawMs > 0)
    return { ...record, share: Math.round(Math.min(1, drawMs / meanDrawMs) * 100) / 100 };
  if (selection?.winners.some((winner) => winner.candidate === record.candidate))
    return { ...record, state: 'delivered' };
  // Drawn but never scored: the request ended first, and it cost a whole generation.
  if (record.state === 'drawn') return { ...record, state: 'cancelled', share: 1 };
  return { ...record, notPicked: selection?.notPicked[record.candidate] ?? null };
}

/** The record, marked if it is in the audit sample. */
function audited(
  record: CandidateRecord,
  { request, plan }: { request: string; plan: PlanDoc | undefined },
): CandidateRecord {
  const { candidate, scores, verdict } = record;
  const audit = plan && verdict ? auditOf(request, { candidate, scores, verdict }, plan.policy) : undefined;
  return audit === undefined ? record : { ...record, audit };
}

async function deliveredOf(
  manifest: CandidateRecord[],
  { selection, urlOf }: { selection: Selection | undefined; urlOf: (key: string) => Promise<string> },
) {
  const winners = selection?.winners ?? [];
  return Promise.all(
    winners.map(async ({ candidate, rank, quality }) => {
      const record = manifest[candidate];
      const key = record?.delivered?.key ?? record?.image?.key ?? '';
      const files = await Promise.all(
        (record?.files ?? []).map(async (file) => ({ ...file, url: await urlOf(file.key) })),
      );
      const group = record?.group;
      const picture = {
        ...{ candidate, seed: record?.seed ?? 0, rank, quality, key, url: await urlOf(key) },
        ...(group !== undefined && { group }),
      };
      return files.length === 0 ? picture : { ...picture, files };
    }),
  );
}

/** drawn = scored + lost + cancelled; scored = passed + rejected. */
function countsOf(manifest: CandidateRecord[]): ResultDoc['counts'] {
  const count = (...states: CandidateRecord['state'][]) =>
    manifest.filter((record) => states.includes(record.state)).length;
  const passed = count('passed', 'delivered');
  const rejected = count('rejected');
  const [lost, cancelled] = [count('lost'), count('cancelled')];
  return { drawn: manifest.length, scored: passed + rejected, passed, rejected, lost, cancelled };
}

function costOf(manifest: CandidateRecord[], delivered: number): ResultDoc['cost'] {
  const costs = manifest.flatMap((record) => (record.cost ? [record.cost.microUsd] : []));
  if (costs.length === 0) return null;
  const microUsd = costs.reduce((sum, cost) => sum + cost, 0);
  return { microUsd, perDeliveredMicroUsd: delivered === 0 ? null : Math.round(microUsd / delivered) };
}
