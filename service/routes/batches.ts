/** Many requests at once: lines in, results out. */
import { Readable } from 'node:stream';
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { batchDoc, batchProgress, batchResult, batchRows, cancelBatch, listBatches } from '../../client/batch-reads.js';
import { retryBatch, startBatch } from '../../client/batch.js';
import type { Cull } from '../../client/cull.js';
import { knowsBatch } from '../../client/store.js';
import { CullError } from '../../errors.js';
import {
  MAX_BATCH_WINDOW,
  MAX_LINE,
  type BatchDoc,
  type BatchProgress,
  type BatchResult,
} from '../../workflows/batch-contract.js';
import { optionsOf } from '../asked.js';
import { FRESH_MS, QUERY_MS } from '../reads.js';
import { createShared } from '../shared.js';
import { json, keyed, paging, problems, type Env, type Service } from '../context.js';
import type { RequestBody } from '../schemas.js';
import { BatchLineBody, BatchRow, BatchState, BatchView, TakenBatch } from '../batch-schemas.js';
import { linesOf } from '../lines.js';
import { Name, pageOf } from '../schemas.js';

const BatchParam = z.object({
  batch: Name.openapi({ param: { name: 'batch', in: 'path' }, example: '2026-11-30-4f1c09aa' }),
});
const ndjson = (description: string, example: string) => ({
  description,
  content: { 'application/x-ndjson': { schema: z.string().openapi({ example }) } },
});

const create = keyed('write', {
  method: 'post',
  path: '/v1/batches',
  tags: ['Batches'],
  summary: 'Hand in many requests',
  description:
    'NDJSON, of any length: one request a line (at most 1 MiB), as for `POST /v1/requests`, with a `key` that names it within the batch. It is the body itself, or the ' +
    'field `file` of a form. It is read as it comes; the answer (202) comes when every line is stored. A line that is wrong is reported, and the rest go on.',
  request: {
    headers: z.object({ 'idempotency-key': Name.optional() }),
    query: z.object({
      template: z.string().max(128).optional().openapi({ description: 'Of lines that name none' }),
      policy: z.string().max(128).optional().openapi({ description: 'Of lines that name none' }),
      window: z.coerce
        .number()
        .int()
        .min(1)
        .max(MAX_BATCH_WINDOW)
        .optional()
        .openapi({ description: 'Requests open at once' }),
    }),
    body: {
      required: true,
      content: {
        'application/x-ndjson': {
          schema: z
            .string()
            .openapi({ example: '{"template":"product","inputs":{"prompt":"a red mug"},"deliver":2}\n' }),
        },
        'multipart/form-data': {
          // plain: a schema of zod's would have the whole form read before a line of it
          schema: {
            type: 'object',
            required: ['file'],
            properties: { file: { type: 'string', format: 'binary', description: 'The NDJSON file' } },
          },
        },
      },
    },
  },
  responses: { 202: json(TakenBatch, 'It is stored and runs'), ...problems(400) },
});
const list = keyed('read', {
  method: 'get',
  path: '/v1/batches',
  tags: ['Batches'],
  summary: "The tenant's batches, the newest first",
  description: 'A page may be short and still have a `next`.',
  request: { query: z.object({ state: BatchState.optional(), ...paging }) },
  responses: { 200: json(pageOf(BatchRow), 'A page'), ...problems() },
});
const read = keyed('read', {
  method: 'get',
  path: '/v1/batches/{batch}',
  tags: ['Batches'],
  summary: 'How a batch stands',
  request: { params: BatchParam },
  responses: { 200: json(BatchView, 'The batch'), ...problems(404) },
});
const results = keyed('read', {
  method: 'get',
  path: '/v1/batches/{batch}/results',
  tags: ['Batches'],
  summary: 'The results, a line for a line',
  description: 'NDJSON, by line. While the batch runs: of the parts (a hundred lines each) that have ended.',
  request: { params: BatchParam },
  responses: { 200: ndjson('The results', '{"line":1,"request":"b.000001","state":"delivered"}\n'), ...problems(404) },
});
const cancel = keyed('write', {
  method: 'delete',
  path: '/v1/batches/{batch}',
  tags: ['Batches'],
  summary: 'Cancel a batch',
  description: 'Its open requests are cancelled, the rest is not started. What was delivered stays.',
  request: { params: BatchParam },
  responses: { 202: json(BatchView, 'It is being cancelled, or had ended before'), ...problems(404) },
});
const retry = keyed('write', {
  method: 'post',
  path: '/v1/batches/{batch}/retry',
  tags: ['Batches'],
  summary: 'Try again what fell short',
  description: 'A new batch of the lines that fell short, failed, were cancelled or never started, with new seeds.',
  request: { params: BatchParam },
  responses: { 202: json(TakenBatch, 'The new batch'), ...problems(404) },
});

export function batchRoutes(service: Service): OpenAPIHono<Env> {
  const { cullOf } = service;
  const views = createShared<BatchView>(FRESH_MS);
  const seen = (cull: Cull, batch: string): Promise<BatchView> =>
    views.get(`${cull.tenant}/${batch}`, () => viewOf(cull, batch));
  return new OpenAPIHono<Env>()
    .openapi(create, async (c) => {
      const cull = cullOf(c.get('caller').tenant);
      const { template, policy, window } = c.req.valid('query');
      const key = c.req.valid('header')['idempotency-key'];
      if (!(await knowsBatch(cull, key))) await service.door(cull, 0);
      const taken = await startBatch(cull, {
        lines: linesOf(c.req.raw, MAX_LINE),
        optionsOf: (line) => optionsOf(service, cull, lineOf(line, { template, policy })),
        ...(key !== undefined && { key }),
        ...(window !== undefined && { window }),
      });
      c.header('location', `/v1/batches/${taken.batch}`);
      return c.json(taken, 202);
    })
    .openapi(list, async (c) => {
      const { items, next } = await listBatches(cullOf(c.get('caller').tenant), c.req.valid('query'));
      return c.json({ items: items.map(({ doc, result }) => rowOf(doc, result)), next }, 200);
    })
    .openapi(read, async (c) => c.json(await seen(cullOf(c.get('caller').tenant), c.req.valid('param').batch), 200))
    .openapi(results, async (c) => {
      const cull = cullOf(c.get('caller').tenant);
      const { batch } = c.req.valid('param');
      await batchDoc(cull, batch);
      const rows = (async function* () {
        for await (const row of batchRows(cull, batch)) yield `${JSON.stringify(row)}\n`;
      })();
      const body = Readable.toWeb(Readable.from(rows).map((text: string) => Buffer.from(text))) as ReadableStream;
      return c.body(body, 200, { 'content-type': 'application/x-ndjson' }) as never;
    })
    .openapi(cancel, async (c) => {
      const cull = cullOf(c.get('caller').tenant);
      const { batch } = c.req.valid('param');
      await cancelBatch(cull, batch);
      return c.json(await viewOf(cull, batch), 202);
    })
    .openapi(retry, async (c) => {
      const cull = cullOf(c.get('caller').tenant);
      await service.door(cull, 0);
      return c.json(await retryBatch(cull, c.req.valid('param').batch), 202);
    });
}

/** A line as a request's body. @throws CullError BODY_INVALID */
function lineOf(
  line: unknown,
  defaults: { template: string | undefined; policy: string | undefined },
): z.infer<typeof RequestBody> & { key?: string } {
  const checked = BatchLineBody.safeParse(line);
  const template = checked.data?.template ?? defaults.template;
  if (checked.success && template !== undefined) {
    const policy = checked.data.policy ?? (checked.data.template === undefined ? defaults.policy : undefined);
    return { ...checked.data, template, ...(policy !== undefined && { policy }) };
  }
  const what = checked.error?.issues.map(({ path, message }) => `${path.join('.') || 'line'}: ${message}`).join('; ');
  throw new CullError('BODY_INVALID', what ?? 'the line names no template, and the batch has none');
}

async function viewOf(cull: Cull, batch: string): Promise<BatchView> {
  const doc = await batchDoc(cull, batch);
  const result = await batchResult(cull, batch);
  const progress = result ? undefined : await batchProgress(cull, batch, { withinMs: QUERY_MS });
  return { ...rowOf(doc, result, progress), open: progress?.open ?? null };
}

function rowOf(doc: BatchDoc, result: BatchResult | undefined, progress?: BatchProgress): BatchRow {
  const { batch, lines, invalid, createdAt, retryOf } = doc;
  const counts = result?.counts ?? progress?.counts;
  return {
    batch,
    state: result?.state ?? 'running',
    createdAt,
    retryOf: retryOf ?? null,
    lines,
    invalid,
    counts: counts
      ? {
          started: counts.started,
          delivered: counts.delivered,
          shortfall: counts.shortfall,
          failed: counts.failed,
          cancelled: counts.cancelled,
          images: counts.images,
        }
      : null,
    totalMs: result?.totalMs ?? null,
  };
}
