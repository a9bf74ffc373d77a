/** A request over HTTP, through a service and a worker in processes of their own, as its spans tell it to a collector. */
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { addWebhook } from '../../client/webhooks.js';
import { allowedOf } from '../../outside/addresses.js';
import { traceSinks } from '../../activities/traces.js';
import { NO_TRACES } from '../../telemetry/traces.js';
import { bestOfNWorkflowId } from '../../workflows/contract.js';
import { startCli, type RunningCli } from '../support/cli.js';
import { openCollector, type CollectedSpan, type Collector } from '../support/otlp.js';
import { INPUTS, openPipeline, type Pipeline } from '../support/pipeline.js';
import { openReceiver, type Receiver } from '../support/receiver.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { workflowBundle } from '../support/workflow-worker.js';
import { temporalAddress } from '../support/temporal-address.js';

const CALLER = { trace: 'ab'.repeat(16), span: 'cd'.repeat(8) };
const UNWANTED = 'ef'.repeat(16);
const CANDIDATES = 3;
let collector: Collector;
let receiver: Receiver;
let sandbox: TestSandbox;
let pipeline: Pipeline;
let service: RunningCli;
let url: string;
beforeAll(async () => {
  [collector, receiver, sandbox] = await Promise.all([openCollector(), openReceiver(() => 204), startSandbox()]);
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
    CULL_OUTSIDE_ALLOW: '127.0.0.1',
  };
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url], env });
  const { storage, tenant } = pipeline.cull;
  await addWebhook({ storage, tenant }, { url: receiver.url, allowed: allowedOf(['127.0.0.1']) });
  service = startCli(['serve', '--open', '--port', '0'], { env: pipeline.env });
  await service.saw('documentation at');
  url = /http:\/\/127\.0\.0\.1:\d+/.exec(service.seen())?.[0] ?? '';
}, 120_000);
afterAll(async () => {
  service.child.kill('SIGTERM');
  await service.ended;
  await pipeline.close();
  await Promise.all([collector.close(), receiver.close(), sandbox.close()]);
});

const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

const ask = (): string =>
  JSON.stringify({
    template: 'product',
    policy: 'generic',
    inputs: INPUTS,
    deliver: 1,
    mode: 'best-of',
    candidates: CANDIDATES,
  });

const named = (name: string, traceId?: string): CollectedSpan[] =>
  collector.spans.filter((span) => span.name === name && (traceId === undefined || span.traceId === traceId));

const ofCaller = (): CollectedSpan[] => collector.spans.filter(({ traceId }) => traceId === CALLER.trace);

/** The names from a span up to a root, or to one that nobody has sent. */
function pathOf(span: CollectedSpan): string[] {
  const parent = collector.spans.find(({ spanId }) => spanId === span.parentId);
  return [span.name, ...(parent ? pathOf(parent) : [span.parentId])];
}

let request: string;

test('one trace from the call to the scorers and to the webhook', async () => {
  // a caller whose trace is not sampled gets none
  await post('/v1/requests?wait=60s', ask(), { traceparent: `00-${UNWANTED}-${CALLER.span}-00` });
  const answer = await post('/v1/requests?wait=60s', ask(), { traceparent: `00-${CALLER.trace}-${CALLER.span}-01` });
  expect(answer.status).toBe(200);
  ({ request } = (await answer.json()) as { request: string });
  // service and worker send their spans each in its own time
  await vi.waitFor(() => {
    for (const name of ['POST /v1/requests', 'bestOfN', 'sendWebhook'])
      expect(named(name, CALLER.trace)).toHaveLength(1);
    const known = new Set([CALLER.span, ...ofCaller().map(({ spanId }) => spanId)]);
    expect(ofCaller().filter(({ parentId }) => !known.has(parentId))).toEqual([]);
  }, 30_000);

  const trace = ofCaller();
  const workflow = ['bestOfN', 'start bestOfN', 'POST /v1/requests', CALLER.span];
  const paths: [string, string[]][] = [
    ['prepare', workflow],
    ['generate', workflow],
    ['deliver', workflow],
    ['postWebhook', ['sendWebhook', ...workflow]],
  ];
  for (const [name, above] of paths)
    for (const span of named(name, CALLER.trace)) expect(pathOf(span)).toEqual([name, ...above]);

  const records = await pipeline.cull.records(request);
  const drawn = named('generate', CALLER.trace).map(({ attributes }) => attributes);
  expect(drawn).toHaveLength(CANDIDATES);
  for (const { candidate, host, promptId } of records)
    expect(drawn).toContainEqual(
      expect.objectContaining({
        'cull.request': request,
        'cull.candidate': String(candidate),
        'cull.comfyui': host,
        'cull.prompt_id': promptId,
      }),
    );
  expect(named('score', CALLER.trace)).toHaveLength(CANDIDATES);
  const scorers = trace.filter(({ name }) => name.startsWith('scorer '));
  for (const { spanId } of named('score', CALLER.trace))
    expect(scorers.filter(({ parentId }) => parentId === spanId).length).toBeGreaterThan(0);
  for (const span of scorers) {
    expect(pathOf(span)).toEqual([span.name, 'score', ...workflow]);
    expect(span.endMs).toBeGreaterThan(span.startMs);
  }
  expect(named('POST /v1/requests', CALLER.trace)[0]).toMatchObject({
    service: 'cull-service',
    attributes: { 'http.route': '/v1/requests', 'http.response.status_code': '200' },
  });
  expect(named('bestOfN', CALLER.trace)[0]).toMatchObject({ service: 'cull-worker' });
  expect(trace.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(collector.spans.filter(({ traceId }) => traceId === UNWANTED)).toEqual([]);
});

test('log lines name the trace', () => {
  const lines = [...pipeline.worker.lines, ...service.seen().split('\n')].flatMap((line) =>
    line.startsWith('{') ? [JSON.parse(line) as Record<string, unknown>] : [],
  );
  const ofTrace = lines.filter(({ trace_id: id }) => id === CALLER.trace);
  const said = ofTrace.map(({ msg }) => msg);
  expect(said).toEqual(expect.arrayContaining(['answered', 'drawn', 'scored', 'ended']));
  const generating = named('generate', CALLER.trace).map(({ spanId }) => spanId);
  expect(generating).toContain(ofTrace.find(({ msg }) => msg === 'drawn')?.['span_id']);
});

test('a request of a batch is a trace of its own, which names that of the batch', async () => {
  const taken = await post('/v1/batches?template=product', `{"deliver":1,"cap":1}\n{"deliver":1,"cap":1}\n`, {
    'content-type': 'application/x-ndjson',
  });
  expect(taken.status).toBe(202);
  await vi.waitFor(() => expect(named('batchOfRequests')).toHaveLength(1), 60_000);
  const [batch] = named('batchOfRequests');
  if (!batch) throw new Error('the batch has no span');
  expect(pathOf(batch)).toEqual(['batchOfRequests', 'start batchOfRequests', 'POST /v1/batches', '']);
  const requests = named('bestOfN').filter(({ links }) => links.length > 0);
  expect(requests).toHaveLength(2);
  for (const { traceId, parentId, links } of requests) {
    expect({ parentId, links }).toEqual({ parentId: '', links: [{ traceId: batch.traceId, spanId: batch.spanId }] });
    expect(named('deliver', traceId)).toHaveLength(1);
  }
  expect(new Set([batch.traceId, ...requests.map(({ traceId }) => traceId)]).size).toBe(3);
});

test('a history made with traces replays with and without them', async () => {
  const handle = pipeline.cull.temporal.workflow.getHandle(bestOfNWorkflowId(pipeline.cull.tenant, request));
  const history = await handle.fetchHistory();
  const isTraced = history.events?.some(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.header?.fields?.['_tracer-data'],
  );
  expect(isTraced).toBe(true);
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const without = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  for (const bundle of [await workflowBundle(), without])
    await Worker.runReplayHistory({ workflowBundle: bundle, sinks: traceSinks(NO_TRACES) }, history);
});
