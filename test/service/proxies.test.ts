/** nginx and Caddy as deploy/ sets them up: in front of the service, and of a ComfyUI. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pino } from 'pino';
import sharp from 'sharp';
import { Agent, fetch, FormData, type RequestInit } from 'undici';
import { ComfyClient, ComfyEvents } from '../../providers/comfyui/index.js';
import { listen, type Listening } from '../../service/server.js';
import { allowedOf } from '../../outside/addresses.js';
import { createMetrics } from '../../telemetry/metrics.js';
import { makeCertificates } from '../providers/comfyui/tls.js';
import { INPUTS, openPipeline, type Pipeline } from '../support/pipeline.js';
import { startCaddy, startNginx, type Proxy } from '../support/proxies.js';
import { INSTALL_MS } from '../support/pypi.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { openService, type TestService } from '../support/service.js';
import { temporalAddress } from '../support/temporal-address.js';

const SECRET = 'a-secret-of-this-test';
const GRAPH = {
  '1': { class_type: 'EmptyImage', inputs: { width: 512, height: 512, batch_size: 1, color: 255 } },
  '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'proxy' } },
};

/** How long each keeps an idle connection to the service, by its documentation (nginx: keepalive_timeout in upstream; Caddy: keepalive of transport http). */
const IDLE_SECONDS = { nginx: 60, Caddy: 120 };

let sandbox: TestSandbox;
let pipeline: Pipeline;
let service: TestService;
let listening: Listening;
let ca: string;
let agent: Agent;
const proxies: Record<string, Proxy> = {};
const logged: { path: string; client: string }[] = [];
beforeAll(async () => {
  sandbox = await startSandbox();
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
  service = await openService(pipeline.cull, {
    trusted: allowedOf(['127.0.0.1']),
    metrics: createMetrics(),
    showMetrics: true,
    log: pino({ level: 'debug' }, { write: (line: string) => logged.push(JSON.parse(line) as never) }),
  });
  listening = await listen({ fetch: service.fetch, host: '127.0.0.1', port: 0 });
  const made = await makeCertificates();
  ca = made.ca;
  agent = new Agent({ connect: { ca } });
  const behind = { service: listening.url, comfyui: sandbox.url, key: made.key, cert: made.cert, secret: SECRET };
  [proxies['nginx'], proxies['Caddy']] = await Promise.all([startNginx(behind), startCaddy(behind)]);
}, INSTALL_MS * 2);
afterAll(async () => {
  await agent.destroy();
  for (const proxy of Object.values(proxies)) await proxy.close();
  service.end();
  await listening.close(1_000);
  await pipeline.close();
  await sandbox.close();
});

describe.each(['nginx', 'Caddy'] as const)('%s', (name) => {
  const proxy = (): Proxy => {
    const found = proxies[name];
    if (!found) throw new Error(`${name} does not run`);
    return found;
  };
  const call = async (method: string, path: string, options: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${await service.key('default')}`, ...(options.headers as object) };
    return fetch(`${proxy().service}${path}`, { ...options, method, headers, dispatcher: agent });
  };
  const json = { 'content-type': 'application/json' };
  const body = { template: 'product', policy: 'generic', inputs: INPUTS, deliver: 1, candidates: 2 };

  test('passes requests on, and their events as they come', async () => {
    await sandbox.config({ secondsPerImage: 2 });
    const made = await call('POST', '/v1/requests', { headers: json, body: JSON.stringify(body) });
    expect(made.status).toBe(202);
    const { request } = (await made.json()) as { request: string };
    const events = await call('GET', `/v1/requests/${request}/events`);
    let text = '';
    for await (const chunk of events.body ?? []) {
      // what comes first comes while it is drawn, and not with the end
      if (text === '') expect(await pipeline.cull.result(request)).toBeUndefined();
      text += Buffer.from(chunk as Uint8Array).toString();
    }
    expect(text).toMatch(/^event: progress/);
    expect(text).toContain('event: end');
    await sandbox.config({ secondsPerImage: 0 });
  });

  test('closes an idle connection before the service does, which could be sending a call on it', async () => {
    const { headers } = await fetch(`${listening.url}/metrics`);
    expect(Number(/timeout=(\d+)/.exec(headers.get('keep-alive') ?? '')?.[1])).toBeGreaterThan(IDLE_SECONDS[name]);
  });

  test('takes an image of some megabytes, and no body that the service would not take; batches have any length', async () => {
    const noise = {
      create: {
        width: 1500,
        height: 1500,
        channels: 3,
        background: 'red',
        noise: { type: 'gaussian', mean: 128, sigma: 40 },
      },
    } as const;
    const image = await sharp(noise).png({ compressionLevel: 0 }).toBuffer();
    expect(image.length).toBeGreaterThan(4 * 2 ** 20);
    const form = new FormData();
    form.set('file', new Blob([new Uint8Array(image)]), 'a.png');
    expect((await call('POST', '/v1/inputs', { body: form })).status).toBe(201);
    const large = Buffer.alloc(35 * 2 ** 20, 'x');
    const refused = await call('POST', '/v1/inputs', {
      body: large,
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
    });
    // Caddy says 502 where the service has refused, and hung up, before Caddy had sent all of it
    expect(name === 'nginx' ? [413] : [413, 502]).toContain(refused.status);
    const line = `${JSON.stringify({ ...body, note: 'x'.repeat(2 ** 20) })}\n`;
    const lines = Buffer.from(line.repeat(35) + JSON.stringify(body));
    const batch = await call('POST', '/v1/batches', {
      body: lines,
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect([batch.status, await batch.json()]).toMatchObject([202, { lines: 36, invalid: 35 }]);
  });

  test('says where a call comes from, whatever the caller says, and keeps the metrics to itself', async () => {
    const asked = logged.length;
    await call('GET', '/v1/templates', { headers: { 'x-forwarded-for': '203.0.113.6' } });
    expect(logged.slice(asked)).toEqual([expect.objectContaining({ path: '/v1/templates', client: '127.0.0.1' })]);
    expect((await call('GET', '/metrics')).status).toBe(404);
    expect((await fetch(`${listening.url}/metrics`)).status).toBe(200);
  });

  test('lets those to the ComfyUI who say the secret: HTTP, the websocket, pictures', async () => {
    const { comfyui, authorization } = proxy();
    const stranger = await fetch(`${comfyui}/system_stats`, { dispatcher: agent });
    expect(stranger.status).toBe(401);
    const comfy = new ComfyClient({ url: comfyui, headers: { authorization }, ca });
    const events = new ComfyEvents({ address: comfy.address });
    try {
      await events.ready();
      const promptId = crypto.randomUUID();
      const news = events.subscribe({ promptId });
      const { status } = await comfy.submit({ graph: GRAPH, promptId, clientId: events.clientId });
      expect(status).toBe(200);
      const types: string[] = [];
      for await (const event of news) {
        types.push(event.type);
        if (event.type === 'disconnected' || (event.type === 'executing' && event.node === null)) break;
      }
      expect(types).toContain('executing');
      expect(types).not.toContain('disconnected');
      const job = await comfy.job(promptId);
      const [file] = job.files;
      if (!file) throw new Error(`there is no picture: ${JSON.stringify(job)}`);
      expect(await sharp(await comfy.view(file)).metadata()).toMatchObject({ width: 512, height: 512 });
    } finally {
      events.close();
    }
  });
});
