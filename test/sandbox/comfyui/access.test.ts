import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { makeCertificates } from '../../providers/comfyui/tls.js';
import { startSandbox, startSandboxProcess } from '../../support/sandbox.js';

let identity: { ca: string; key: string; cert: string };
beforeAll(async () => {
  identity = await makeCertificates();
});

/** Status of a request over TLS that trusts one authority. */
async function status(url: string, ca?: string): Promise<number | undefined> {
  const request = get(url.replace('127.0.0.1', 'localhost'), ca === undefined ? {} : { ca });
  const [answer] = (await once(request, 'response')) as [{ statusCode?: number; resume(): void }];
  answer.resume();
  return answer.statusCode;
}

/** Status of a refused websocket, or undefined where it opens. */
async function upgrade(url: string, options: WebSocket.ClientOptions): Promise<number | undefined> {
  const socket = new WebSocket(
    `${url.replace(/^http/, 'ws').replace('127.0.0.1', 'localhost')}/ws?clientId=a`,
    options,
  );
  const refused = await new Promise<number | undefined>((done, failed) => {
    socket.on('open', () => done(undefined));
    socket.on('unexpected-response', (_, answer) => done(answer.statusCode));
    socket.on('error', failed);
  });
  socket.on('error', () => undefined);
  socket.terminate();
  return refused;
}

describe('TLS', () => {
  it('serves requests and websockets to those who trust the certificate', async () => {
    const comfy = await startSandbox({ tls: identity });
    expect(comfy.url).toMatch(/^https:/);
    expect(await status(`${comfy.url}/prompt`, identity.ca)).toBe(200);
    await expect(status(`${comfy.url}/prompt`)).rejects.toThrow(/certificate/);
    expect(await upgrade(comfy.url, { ca: identity.ca })).toBeUndefined();
    expect(await comfy.log()).toEqual([]);
    await comfy.close();
  });

  it('is plain HTTP when a process gets a key without a certificate', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sandbox-test-'));
    const [tlsKey, tlsCert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    await writeFile(tlsKey, identity.key);
    await writeFile(tlsCert, identity.cert);
    const plain = await startSandboxProcess({ tlsKey });
    expect(plain.url).toMatch(/^http:/);
    await plain.close();
    const secure = await startSandboxProcess({ tlsKey, tlsCert, requiredHeaders: { 'X-Key': 'a: b' } });
    expect(await status(`${secure.url}/prompt`, identity.ca)).toBe(401);
    await secure.close();
    await rm(folder, { recursive: true });
  });
});

describe('required headers', () => {
  it('are asked of requests and websockets alike', async () => {
    const comfy = await startSandbox({ requiredHeaders: { Authorization: 'Bearer secret' } });
    for (const [authorization, code] of [
      ['Bearer secret', 200],
      ['Bearer other', 401],
      ['', 401],
    ] as const) {
      expect((await fetch(`${comfy.url}/prompt`, { headers: { authorization } })).status, authorization).toBe(code);
      const refused = await upgrade(comfy.url, { headers: { authorization } });
      expect(refused, authorization).toBe(code === 200 ? undefined : 401);
    }
    await comfy.close();
  });
});
