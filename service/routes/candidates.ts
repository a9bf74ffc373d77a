/** The candidates of a request: every score, verdict and reason, page by page. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import { LRUCache } from 'lru-cache';
import { readJson, readRecords } from '../../client/documents.js';
import { keys } from '../../storage/keys.js';
import type { CandidateRecord, SweptDoc } from '../../workflows/contract.js';
import { json, keyed, problems, RequestParam, type Env, type Service } from '../context.js';
import { expiredAt } from '../reads.js';
import { CandidateView, pageOf } from '../schemas.js';

const list = keyed('read', {
  method: 'get',
  path: '/v1/requests/{request}/candidates',
  tags: ['Requests'],
  summary: 'The candidates of a request',
  description: 'By candidate index. While the request runs, those that are drawn so far.',
  request: {
    params: RequestParam,
    query: z.object({
      verdict: z
        .enum(['accept', 'review', 'reject', 'none'])
        .optional()
        .openapi({ description: 'The band; none: not judged' }),
      state: CandidateView.shape.state.optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
      after: z.coerce
        .number()
        .int()
        .min(-1)
        .default(-1)
        .openapi({ description: 'Candidate index: `next` of the page before' }),
    }),
  },
  responses: { 200: json(pageOf(CandidateView), 'A page'), ...problems(404) },
});

/** Manifests of ended requests, by version: one that is resumed, or delivered again after a review, gets another. */
const KEPT_MS = 60_000;
const KEPT_BYTES = 64 * 2 ** 20;
const BYTES_PER_RECORD = 16_384;

export function candidateRoutes({ cullOf, reads }: Service): OpenAPIHono<Env> {
  const manifests = new LRUCache<string, CandidateRecord[]>({
    maxSize: KEPT_BYTES,
    ttl: KEPT_MS,
    sizeCalculation: (records) => 1 + records.length * BYTES_PER_RECORD,
  });
  return new OpenAPIHono<Env>().openapi(list, async (c) => {
    const { tenant } = c.get('caller');
    const { request } = c.req.valid('param');
    const { verdict, state, limit, after } = c.req.valid('query');
    const { view } = await reads.request(tenant, request);
    const cull = cullOf(tenant);
    const isRunning = view.state === 'running';
    const name = isRunning
      ? ''
      : `${(await cull.storage.head(keys.manifest(tenant, request)))?.etag} ${tenant}/${request}`;
    let records = isRunning ? undefined : manifests.get(name);
    if (!records) {
      records = isRunning ? await readRecords(cull.storage, { tenant, request }) : await cull.records(request);
      if (!isRunning) manifests.set(name, records);
    }
    const wanted = records.filter(
      (record) =>
        record.candidate > after &&
        (state === undefined || record.state === state) &&
        (verdict === undefined || (record.verdict?.band ?? 'none') === verdict),
    );
    const swept = isRunning ? undefined : await readJson<SweptDoc>(cull.storage, keys.swept(tenant, request));
    const items = wanted.slice(0, limit).map((record) => ({ ...record, ...expiredAt(swept, record.candidate) }));
    const last = items.at(-1);
    const next = wanted.length > limit && last ? String(last.candidate) : null;
    return c.json({ items: items as unknown as z.infer<typeof CandidateView>[], next }, 200);
  });
}
