import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ComfyClient,
  ComfyEvents,
  createComfyProvider,
  type ComfyClientOptions,
} from '../../../providers/comfyui/index.js';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { address, jobFor, startFake, watch } from './support.js';
import { makeCertificates, startTls } from './tls.js';

/** Addresses, headers, certificates, time-outs: what is the same for every method. */

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

const refusedOptions = (options: ComfyClientOptions) => {
  try {
    new ComfyClient(options);
  } catch (error) {
    return error;
  }
  throw new Error('it was taken');
};

/** A server that keeps the heads of all requests, the websocket's handshake included. */
async function listening(): Promise<{ url: string; heads: { url: string; headers: IncomingHttpHeaders }[] }> {
  const heads: { url: string; headers: IncomingHttpHeaders }[] = [];
  const fake = await startFake({ 'GET (.*)': () => ({ exec_info: { queue_remaining: 3 } }) });
  const front = createServer((request, response) => {
    heads.push({ url: request.url ?? '', headers: request.headers });
    response.end('{"exec_info":{"queue_remaining":3}}');
  });
  front.on('upgrade', (request, socket) => {
    heads.push({ url: request.url ?? '', headers: request.headers });
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
  cleanUp.push(
    () => fake.close(),
    () => new Promise((resolve) => front.close(resolve)),
  );
  const { port } = front.address() as { port: number };
  return { url: `127.0.0.1:${port}`, heads };
}

describe('headers', () => {
  it.each([
    ['a bearer token', '', { Authorization: 'Bearer t' }, 'Bearer t'],
    ['a password in the address', 'me:p%40ss@', {}, `Basic ${Buffer.from('me:p@ss').toString('base64')}`],
    ['a header rather than a password', 'me:pass@', { authorization: 'Bearer t' }, 'Bearer t'],
  ])('carry %s, on the websocket as well, under the path in front', async (_, login, headers, authorization) => {
    const { url, heads } = await listening();
    const comfy = new ComfyClient({ url: `http://${login}${url}/gpu/1/`, headers: { ...headers, 'X-Key': 'k' } });
    expect(await comfy.queueDepth()).toBe(3);
    const events = new ComfyEvents({ address: comfy.address });
    cleanUp.push(() => events.close());
    await events.ready();
    expect(heads.map((head) => head.url.split('?')[0])).toEqual(['/gpu/1/prompt', '/gpu/1/ws']);
    for (const head of heads) {
      expect(head.headers).toMatchObject({ authorization, 'x-key': 'k' });
      expect(head.headers).not.toHaveProperty('origin');
      expect(head.headers).not.toHaveProperty('sec-fetch-site');
    }
  });

  it.each([
    ['Origin', 'http://elsewhere'],
    ['content-length', '3'],
    ['bad name', 'x'],
    ['x-key', 'two\r\nlines: 1'],
  ])('may not be %s: %j', (name, value) => {
    const error = refusedOptions({ url: 'http://gpu', headers: { [name]: value } });
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(`"${name}"`) as string });
  });
});

describe('TLS', () => {
  let sandbox: TestSandbox;
  let made: Awaited<ReturnType<typeof makeCertificates>>;
  let tls: Awaited<ReturnType<typeof startTls>>;
  beforeAll(async () => {
    sandbox = await startSandbox();
    made = await makeCertificates();
    tls = await startTls(sandbox.url, made);
  });
  afterAll(async () => {
    await tls.close();
    await sandbox.close();
  });

  it('trusts a private authority, given as text, for HTTP and the websocket', async () => {
    const comfy = new ComfyClient({ url: tls.url, ca: made.ca });
    expect(await comfy.queueDepth()).toBe(0);
    const events = new ComfyEvents({ address: comfy.address });
    cleanUp.push(() => events.close());
    await events.ready();
    expect(events.hears(events.clientId)).toBe(true);
  });

  it('is drawn through', async () => {
    await sandbox.config({ secondsPerImage: 0.2 });
    const host = { ...address(tls.url), ca: made.ca };
    const provider = createComfyProvider({ host });
    cleanUp.push(() => provider.close());
    const run = watch(provider, await jobFor('txt2img', { inputs: { prompt: 'a mug', width: 64, height: 64 } }));
    expect(await run.result).toMatchObject({ width: 64, height: 64 });
    // Steps come through the websocket only.
    expect(run.progress).toContainEqual(expect.objectContaining({ of: 20 }));
  });

  it('trusts a private authority, given as a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cull-ca-'));
    cleanUp.push(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'ca.pem'), made.ca);
    expect(await new ComfyClient({ url: tls.url, ca: join(folder, 'ca.pem') }).queueDepth()).toBe(0);
  });

  it('trusts no other, and says what to do', async () => {
    const stranger = await makeCertificates();
    for (const ca of [{}, { ca: stranger.ca }]) {
      await expect(new ComfyClient({ url: tls.url, ...ca }).queueDepth()).rejects.toMatchObject({
        code: 'COMFY_UNREACHABLE',
        hint: expect.stringContaining('CULL_COMFYUI_CA') as string,
        details: { refused: false },
      });
    }
    const byNumber = tls.url.replace('localhost', '127.0.0.1');
    await expect(new ComfyClient({ url: byNumber, ca: made.ca }).queueDepth()).rejects.toMatchObject({
      hint: expect.stringContaining('not valid for this address') as string,
    });
    const plain = sandbox.url.replace('http:', 'https:');
    await expect(new ComfyClient({ url: plain, ca: made.ca }).queueDepth()).rejects.toMatchObject({
      hint: expect.stringContaining('http://') as string,
    });
    await expect(new ComfyClient({ url: tls.url.replace('https:', 'http:') }).queueDepth()).rejects.toMatchObject({
      hint: expect.stringContaining('https://') as string,
    });
  });

  it.each([
    '/no/such/file.pem',
    '-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----',
    import.meta.filename,
  ])('refuses %j as an authority', (ca) => {
    expect(refusedOptions({ url: tls.url, ca })).toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

describe('time-outs', () => {
  const slow = async (): Promise<string> => {
    const server = await startFake({ '(GET|POST) .*': () => 'hang' });
    cleanUp.push(() => server.close());
    return server.url;
  };
  const file = { filename: 'a.png', subfolder: '', type: 'output' };
  const prompt = { graph: {}, promptId: 'abcdefgh-1', clientId: 'me' };

  it('are each for their own', async () => {
    const url = await slow();
    const comfy = new ComfyClient({ url, timeouts: { requestMs: 11, submitMs: 12, downloadMs: 13 } });
    await expect(comfy.queueDepth()).rejects.toThrow('no answer within 0.011 s');
    await expect(comfy.queueDepth({ timeoutMs: 9 })).rejects.toThrow('no answer within 0.009 s');
    await expect(comfy.submit(prompt)).rejects.toThrow('no answer within 0.012 s');
    await expect(comfy.view(file)).rejects.toThrow('no answer within 0.013 s');
    await expect(comfy.objectInfo()).rejects.toThrow('no answer within 0.013 s');
    await expect(comfy.history()).rejects.toThrow('no answer within 0.013 s');
  });

  it('of streams are about silence', async () => {
    const url = await slow();
    const comfy = new ComfyClient({ url, timeouts: { downloadMs: 10, uploadMs: 10 } });
    const body = Buffer.from('x');
    await expect(comfy.viewStream(file)).rejects.toMatchObject({ code: 'COMFY_UNREACHABLE' });
    await expect(comfy.uploadImage({ name: 'a', body })).rejects.toMatchObject({ code: 'COMFY_UNREACHABLE' });
  });

  it('of a connection end a handshake that never comes', async () => {
    const silent = createNetServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    cleanUp.push(() => silent.close());
    const { port } = silent.address() as { port: number };
    const comfy = new ComfyClient({ url: `https://127.0.0.1:${port}`, timeouts: { connectMs: 10 } });
    await expect(comfy.queueDepth()).rejects.toMatchObject({
      code: 'COMFY_UNREACHABLE',
      message: expect.stringMatching(/timeout/i) as string,
    });
  });

  it("give way to the caller's signal, which has its own reason", async () => {
    const comfy = new ComfyClient({ url: await slow() });
    const reason = new Error('enough');
    const calls = [
      (signal: AbortSignal) => comfy.queueDepth({ signal }),
      (signal: AbortSignal) => comfy.viewStream(file, { signal }),
      (signal: AbortSignal) => comfy.uploadImage({ name: 'a', body: Buffer.from('x') }, { signal }),
    ];
    for (const call of calls) {
      const controller = new AbortController();
      const asked = call(controller.signal);
      controller.abort(reason);
      await expect(asked).rejects.toBe(reason);
      await expect(call(AbortSignal.abort(reason))).rejects.toBe(reason);
    }
  });
});

describe('answers that are no answer to the question', () => {
  const asks = async (answer: { status: number; text: string }, headers: Record<string, string> = {}) => {
    const server = createServer((_, response) => response.writeHead(answer.status, headers).end(answer.text));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUp.push(() => server.close());
    const { port } = server.address() as { port: number };
    return await new ComfyClient({ url: `http://127.0.0.1:${port}` }).queueDepth().catch((error: unknown) => error);
  };

  it.each([
    [200, '<html>', 'COMFY_PROTOCOL', true],
    [200, '{}', 'COMFY_PROTOCOL', true],
    [500, '500 Internal Server Error\n\nServer got itself in trouble', 'COMFY_PROTOCOL', true],
    [404, '', 'COMFY_PROTOCOL', true],
    [400, '{"error":"no"}', 'COMFY_REFUSED', false],
    [413, 'Maximum request body size', 'COMFY_REFUSED', false],
    [401, '', 'CONFIG_INVALID', false],
    [403, '', 'CONFIG_INVALID', false],
    [429, '', 'COMFY_UNREACHABLE', true],
    [502, 'Bad Gateway', 'COMFY_UNREACHABLE', true],
    [503, '', 'COMFY_UNREACHABLE', true],
  ])('%i %j is %s', async (status, text, code, retry) => {
    expect(await asks({ status, text })).toMatchObject({ code, retry });
  });

  it('say where a redirect points', async () => {
    expect(await asks({ status: 301, text: '' }, { location: 'https://gpu.example/' })).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('https://gpu.example/') as string,
    });
  });

  it('say where nobody listens', async () => {
    const server = await startFake({});
    await server.close();
    await expect(new ComfyClient({ url: server.url }).job('abcdefgh-1')).rejects.toMatchObject({
      code: 'COMFY_UNREACHABLE',
      details: { refused: true },
    });
  });
});
