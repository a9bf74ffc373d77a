/** Batches: lines in, requests by the window out. The lines are checked and stored first, however many there are; then a workflow admits them. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { CullError, messageOf } from '../errors.js';
import { checkName, keys } from '../storage/keys.js';
import {
  batchWorkflowId,
  DEFAULT_BATCH_WINDOW,
  MAX_BATCH_WINDOW,
  MAX_LINE,
  PART_LINES,
  type BatchArgs,
  type BatchDoc,
  type BatchLine,
  type BatchRow,
} from '../workflows/batch-contract.js';
import { ORCHESTRATE_QUEUE } from '../workflows/contract.js';
import type { Cull } from './cull.js';
import { batchDoc, batchResult, batchRows } from './batch-reads.js';
import { refuseQuarantined } from './quarantine.js';
import { newSeed, requestOf, type GenerateOptions, type ReleaseLike } from './request.js';
import { knowsBatch, putIfAbsent, storeRelease } from './store.js';
import { priorityOf } from './tenants.js';

export interface BatchOptions {
  /** One JSON object a line; blank lines are left out. */
  lines: AsyncIterable<string> | Iterable<string>;
  /** What a line asks for; what it throws makes the line invalid. `key` of the options names the request within the batch. */
  optionsOf: (line: unknown) => GenerateOptions | Promise<GenerateOptions>;
  /** Names the batch: the same key with the same lines is the same batch. @default a new name */
  key?: string;
  /** Requests open at once, 1 to 64. @default 16 */
  window?: number;
}

/** A batch that was taken: what of it will run. */
export type TakenBatch = Pick<BatchDoc, 'batch' | 'lines' | 'invalid'> & {
  /** The first lines that were refused, at most 20. */
  refused: { line: number; code: string; message: string }[];
};

const SHOWN = 20;

/**
 * Stores the lines and starts the batch. A line that is wrong is reported, and the rest go on. Resolves once all lines are stored.
 *
 * @throws CullError REQUEST_INVALID (no line, a bad key or window), IDEMPOTENCY_CONFLICT
 * @example
 * const { batch, invalid } = await startBatch(cull, { lines: createInterface({ input }), optionsOf: (line) => ({ release, deliver: 4, ...line }) });
 */
export async function startBatch(cull: Cull, options: BatchOptions): Promise<TakenBatch> {
  const { tenant } = cull;
  const { key, window = DEFAULT_BATCH_WINDOW } = options;
  const batch = checkName('batch', key ?? `${new Date().toISOString().slice(0, 10)}-${randomBytes(4).toString('hex')}`);
  if (!Number.isInteger(window) || window < 1 || window > MAX_BATCH_WINDOW)
    throw new CullError(
      'REQUEST_INVALID',
      `the window is ${window}; it must be a whole number from 1 to ${MAX_BATCH_WINDOW}`,
    );
  // Two uploads under one key at once must not mix: each writes its own lines, and one of them becomes the batch.
  const upload = randomUUID();
  // one that is there already is answered all the same
  const isNew = !(await knowsBatch(cull, batch));
  const hash = createHash('sha256');
  const releases = new Map<string, Promise<void>>();
  const refused: TakenBatch['refused'] = [];
  const names = new Set<string>();
  const writer = createPartWriter(cull, { batch, upload });
  let invalid = 0;

  for await (const text of options.lines) {
    if (text.trim() === '') continue;
    const line = writer.lines + 1;
    hash.update(`${text}\n`);
    let taken: BatchLine;
    try {
      const asked = await options.optionsOf(parsed(text));
      const request = `${batch}.${asked.key ?? String(line).padStart(6, '0')}`;
      if (names.has(request)) throw new CullError('REQUEST_INVALID', `another line has the key ${asked.key ?? line}`);
      const doc = requestOf({ ...asked, key: request }, tenant);
      const { id } = asked.release;
      if (!releases.has(id)) releases.set(id, takeRelease(cull, asked.release, isNew));
      await releases.get(id);
      names.add(request);
      taken = { line, doc };
    } catch (error) {
      if (!(error instanceof CullError)) throw error;
      const { code, message } = error;
      invalid++;
      if (refused.length < SHOWN) refused.push({ line, code, message });
      taken = { line, error: { code, message } };
    }
    await writer.add(taken);
  }
  const stored = await writer.end();
  if (stored.lines === 0)
    throw new CullError('REQUEST_INVALID', 'the batch has no line', { hint: 'send one JSON object a line (NDJSON)' });

  const doc: BatchDoc = {
    batch,
    tenant,
    ...stored,
    invalid,
    upload,
    window,
    createdAt: new Date().toISOString(),
    bodySha256: hash.digest('hex'),
  };
  const mine = await claim(cull, doc);
  await start(cull, mine);
  return { batch, lines: mine.lines, invalid: mine.invalid, refused };
}

/** @throws CullError RELEASE_QUARANTINED, for a new batch */
async function takeRelease({ storage, tenant }: Cull, release: ReleaseLike, isNew: boolean): Promise<void> {
  if (isNew) await refuseQuarantined(storage, { tenant, release: release.id });
  await storeRelease(storage, release);
}

/** Lines into parts of a hundred, one object each. */
function createPartWriter({ storage, tenant }: Cull, { batch, upload }: { batch: string; upload: string }) {
  let part: string[] = [];
  let parts = 0;
  let lines = 0;
  const flush = async (): Promise<void> => {
    if (part.length === 0) return;
    const body = part.map((line) => `${line}\n`).join('');
    part = [];
    const key = keys.batchLines(tenant, batch, { upload, part: parts++ });
    await storage.put(key, body, { contentType: 'application/x-ndjson' });
  };
  return {
    get lines() {
      return lines;
    },
    async add(line: BatchLine): Promise<void> {
      lines++;
      part.push(JSON.stringify(line));
      if (part.length === PART_LINES) await flush();
    },
    async end(): Promise<{ lines: number; parts: number }> {
      await flush();
      return { lines, parts };
    },
  };
}

/** Makes it the batch of its key, or finds the one that is. */
async function claim(cull: Cull, doc: BatchDoc): Promise<BatchDoc> {
  const { storage, tenant } = cull;
  const mine = (await putIfAbsent(storage, keys.batch(tenant, doc.batch), JSON.stringify(doc)))
    ? doc
    : await known(cull, doc);
  const { batch, createdAt } = mine;
  // also for one that is known: whoever made it may have died before this. Once: lists go by when it was written
  await putIfAbsent(
    storage,
    keys.batchIndex(tenant, createdAt.slice(0, 10), batch),
    JSON.stringify({ batch, createdAt }),
  );
  return mine;
}

/** The batch that has the key already; the lines that came again are removed. @throws CullError IDEMPOTENCY_CONFLICT */
async function known(cull: Cull, doc: BatchDoc): Promise<BatchDoc> {
  const { storage, tenant } = cull;
  for (let part = 0; part < doc.parts; part++)
    await storage.delete(keys.batchLines(tenant, doc.batch, { upload: doc.upload, part }));
  const before = await batchDoc(cull, doc.batch);
  if (before.bodySha256 === doc.bodySha256) return before;
  throw new CullError('IDEMPOTENCY_CONFLICT', `batch ${doc.batch} was made before with other lines`, {
    hint: 'use another key, or send the lines exactly as before',
  });
}

async function start(cull: Cull, { tenant, batch, parts, window, lines }: BatchDoc): Promise<void> {
  if (await batchResult(cull, batch)) return;
  const args: BatchArgs = { tenant, batch, parts, window };
  try {
    await cull.temporal.workflow.start('batchOfRequests', {
      workflowId: batchWorkflowId(tenant, batch),
      taskQueue: ORCHESTRATE_QUEUE,
      args: [args],
      workflowIdConflictPolicy: 'FAIL',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      priority: await priorityOf(cull.storage, tenant, 'batch'),
      staticSummary: `${lines} requests`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

function parsed(text: string): unknown {
  if (text.length > MAX_LINE)
    throw new CullError('BODY_TOO_LARGE', `the line has more than ${MAX_LINE.toLocaleString('en')} characters`);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new CullError('BODY_INVALID', `the line is no JSON: ${messageOf(error)}`);
  }
}

/** States of a line that another try may mend. */
const MENDABLE = new Set<BatchRow['state']>(['shortfall', 'failed', 'cancelled', 'not-started']);

/**
 * A new batch of the lines that fell short, failed or were never started, with other seeds: the same seeds would draw the same images.
 *
 * @throws CullError BATCH_NOT_FOUND; REQUEST_INVALID while it runs, or where there is nothing to try again
 * @example
 * const { batch, lines } = await retryBatch(cull, '2026-11-30-4f1c09aa');
 */
export async function retryBatch(cull: Cull, batch: string): Promise<TakenBatch> {
  const doc = await batchDoc(cull, batch);
  if (!(await batchResult(cull, batch)))
    throw new CullError('REQUEST_INVALID', `batch ${batch} still runs`, { hint: 'wait for its end, or cancel it' });
  const wanted = new Set<number>();
  for await (const { line, state } of batchRows(cull, batch)) if (MENDABLE.has(state)) wanted.add(line);
  if (wanted.size === 0)
    throw new CullError('REQUEST_INVALID', `batch ${batch} has no line to try again`, {
      hint: 'lines that were refused as they were read must be mended first',
    });
  return storeAgain(cull, doc, wanted);
}

async function storeAgain(cull: Cull, doc: BatchDoc, wanted: ReadonlySet<number>): Promise<TakenBatch> {
  const { storage, tenant } = cull;
  const attempt = /^(.*)-again(\d+)$/.exec(doc.batch);
  const batch = `${attempt?.[1] ?? doc.batch}-again${Number(attempt?.[2] ?? 0) + 1}`;
  const upload = randomUUID();
  const hash = createHash('sha256');
  const writer = createPartWriter(cull, { batch, upload });
  for (let from = 0; from < doc.parts; from++) {
    const object = await storage.get(keys.batchLines(tenant, doc.batch, { upload: doc.upload, part: from }));
    for (const text of object?.body.toString('utf8').split('\n') ?? []) {
      const known = text === '' ? undefined : (JSON.parse(text) as BatchLine);
      if (!known || 'error' in known || !wanted.has(known.line)) continue;
      const name = known.doc.request.slice(doc.batch.length + 1);
      const again = { ...known.doc, request: `${batch}.${name}`, seed: newSeed(), createdAt: new Date().toISOString() };
      hash.update(`${again.request}\n`);
      await writer.add({ line: writer.lines + 1, doc: again });
    }
  }
  const next: BatchDoc = {
    batch,
    tenant,
    ...(await writer.end()),
    invalid: 0,
    upload,
    window: doc.window,
    createdAt: new Date().toISOString(),
    retryOf: doc.batch,
    bodySha256: hash.digest('hex'),
  };
  const mine = await claim(cull, next);
  await start(cull, mine);
  return { batch, lines: mine.lines, invalid: 0, refused: [] };
}
