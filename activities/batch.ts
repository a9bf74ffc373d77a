/** admitPart, recordPart, closeBatch: what a batch reads and writes. All can be repeated: the same lines give the same requests. */
import { Context } from '@temporalio/activity';
import pLimit from 'p-limit';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { SILENT, type Telemetry } from '../telemetry/telemetry.js';
import type { BatchCounts, BatchDoc, BatchLine, BatchResult, BatchRow } from '../workflows/batch-contract.js';
import {
  argsOf,
  type BestOfNArgs,
  type BestOfNResult,
  type RequestDoc,
  type ResultDoc,
} from '../workflows/contract.js';
import type { WebhookNews } from '../workflows/webhook-contract.js';
import { readJson, requireJson, writeJson } from './documents.js';
import { withFailures } from './failures.js';
import { tellOfBatch } from './news.js';

export interface PartRef {
  tenant: string;
  batch: string;
  part: number;
}

/** A request that is stored and may start. */
export interface AdmittedRequest {
  args: BestOfNArgs;
  /** For people who look at the workflow. */
  summary: string;
  /** It has ended before: the batch runs again. */
  ended?: BestOfNResult;
}

export interface CloseAsk {
  tenant: string;
  batch: string;
  parts: number;
  end: BatchResult['state'];
  counts: BatchCounts;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** `news`: the message that tells of it. Absent: nobody wants to know. */
export type ClosedBatch = BatchResult & { news?: WebhookNews };

export interface BatchActivities {
  /** Stores the requests of a part's lines. Few bytes a line: the answer is kept in the workflow's history. */
  admitPart(ref: PartRef): Promise<{ invalid: number; requests: AdmittedRequest[] }>;
  /** Stores the results of a part of which `started` requests were handed to a workflow, the first ones. */
  recordPart(ask: PartRef & { started: number }): Promise<void>;
  closeBatch(ask: CloseAsk): Promise<ClosedBatch>;
}

const AT_ONCE = 16;

/** Activities of the orchestrating worker that serve batches. */
export function createBatchActivities(deps: { storage: Storage; telemetry?: Telemetry }): BatchActivities {
  const { storage, telemetry = SILENT } = deps;
  const linesOf = async ({ tenant, batch, part }: PartRef): Promise<BatchLine[]> => {
    const { upload } = await requireJson<BatchDoc>(storage, keys.batch(tenant, batch));
    const object = await storage.get(keys.batchLines(tenant, batch, { upload, part }));
    const lines = object?.body.toString('utf8').split('\n') ?? [];
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as BatchLine);
  };
  const forEachLine = async <T>(ref: PartRef, work: (line: BatchLine) => Promise<T>): Promise<T[]> => {
    const limit = pLimit(AT_ONCE);
    const context = Context.current();
    return Promise.all(
      (await linesOf(ref)).map((line) =>
        limit(() => {
          context.heartbeat(line.line);
          return work(line);
        }),
      ),
    );
  };

  const recordPart = async ({ started, ...ref }: PartRef & { started: number }): Promise<void> => {
    let place = 0;
    const rows = await forEachLine(ref, (line) => rowOf(storage, line, 'doc' in line && place++ < started));
    const body = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    await storage.put(keys.batchRows(ref.tenant, ref.batch, ref.part), body, { contentType: 'application/x-ndjson' });
  };

  return withFailures(telemetry, {
    recordPart,

    async admitPart(ref: PartRef) {
      const admitted = await forEachLine(ref, async (line) => ('doc' in line ? [await admit(storage, line.doc)] : []));
      const requests = admitted.flat();
      return { invalid: admitted.length - requests.length, requests };
    },

    async closeBatch({ tenant, batch, parts, end, counts, startedAt }: CloseAsk): Promise<ClosedBatch> {
      const { lines } = await requireJson<BatchDoc>(storage, keys.batch(tenant, batch));
      // What a cancellation kept from being admitted is a line of the results, too.
      for (let part = parts - 1; part >= 0; part--) {
        const ref = { tenant, batch, part };
        if (await storage.head(keys.batchRows(tenant, batch, part))) break;
        await recordPart({ ...ref, started: 0 });
      }
      const result: BatchResult = { batch, state: end, lines, counts, totalMs: Date.now() - startedAt };
      await writeJson(storage, keys.batchResult(tenant, batch), result);
      const news = await tellOfBatch(storage, tenant, result);
      return { ...result, ...(news && { news }) };
    },
  });
}

/** Stores the request as the client would; what is there already stays. */
async function admit(storage: Storage, doc: RequestDoc): Promise<AdmittedRequest> {
  const { tenant, request, deliver, candidates, template, createdAt } = doc;
  const summary = `K = ${deliver} of ${candidates}, ${template}`;
  const args = argsOf(doc);
  const result = await readJson<ResultDoc>(storage, keys.result(tenant, request));
  if (result && result.state !== 'running' && result.state !== 'failed' && result.state !== 'cancelled')
    return {
      args,
      summary,
      ended: { state: result.state, delivered: result.delivered.length, wanted: result.wanted },
    };
  if (result) await storage.delete(keys.result(tenant, request));
  await Promise.all([
    writeJson(storage, keys.request(tenant, request), doc),
    writeJson(storage, keys.index(tenant, createdAt.slice(0, 10), request), { request, createdAt }),
  ]);
  return { args, summary };
}

async function rowOf(storage: Storage, line: BatchLine, isStarted: boolean): Promise<BatchRow> {
  const nothing = { line: line.line, request: null, wanted: null, delivered: [], shortfall: null };
  if ('error' in line) return { ...nothing, state: 'invalid', error: line.error };
  const { tenant, request, deliver, createdAt } = line.doc;
  if (!isStarted) {
    // Nobody shall wait for it: it is as if it had never been admitted.
    await Promise.all([
      storage.delete(keys.request(tenant, request)),
      storage.delete(keys.index(tenant, createdAt.slice(0, 10), request)),
    ]);
    return { ...nothing, wanted: deliver, state: 'not-started', error: null };
  }
  const result = await readJson<ResultDoc>(storage, keys.result(tenant, request));
  if (result && result.state !== 'running')
    return {
      line: line.line,
      request,
      state: result.state,
      wanted: result.wanted,
      delivered: result.delivered.map(({ candidate, seed, rank, quality, key }) => ({
        candidate,
        seed,
        rank,
        quality,
        key,
      })),
      shortfall: result.shortfall,
      error: result.error,
    };
  return {
    ...nothing,
    request,
    wanted: deliver,
    state: 'failed',
    error: { code: 'INTERNAL', message: `request ${request} ended without a result` },
  };
}
