import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { afterEach, expect, it } from 'vitest';
import { ComfyClient } from '../../../providers/comfyui/index.js';

/** Files that should not be held in memory. */

const MEGABYTE = 1024 * 1024;
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0)) await one();
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => unknown): Promise<ComfyClient> {
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(
    () => server.closeAllConnections(),
    () => server.close(),
  );
  return new ComfyClient({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}` });
}
const json = (response: ServerResponse, value: unknown) => response.end(JSON.stringify(value));

const chunk = (i: number): Buffer => Buffer.alloc(64 * 1024, i % 251);
/** `count` chunks; tells how many were asked for, and whether reading was given up. */
function source(count: number): {
  stream: AsyncIterable<Uint8Array>;
  size: number;
  sha256: string;
  seen: { read: number; ended: boolean };
} {
  const seen = { read: 0, ended: false };
  async function* read(): AsyncGenerator<Uint8Array> {
    try {
      while (seen.read < count) yield await Promise.resolve(chunk(seen.read++));
    } finally {
      seen.ended = true;
    }
  }
  const hash = createHash('sha256');
  for (let i = 0; i < count; i++) hash.update(chunk(i));
  return { stream: read(), size: count * 64 * 1024, sha256: hash.digest('hex'), seen };
}

it('sends 100 MB as they are taken, and never holds more than a part of them', async () => {
  const { stream, size, sha256, seen } = source(1600);
  const received = createHash('sha256');
  let bytes = 0;
  let most = 0;
  let length = 0;
  const comfy = await serve(async (request, response) => {
    if (request.url === '/features') return json(response, { max_upload_size: 104857600 });
    length = Number(request.headers['content-length']);
    // The file part, without the form's head and tail, whose lengths are known once the head has come.
    let head: Buffer | undefined = Buffer.alloc(0);
    let left = size;
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      most = Math.max(most, seen.read * 64 * 1024 - bytes);
      let file = part;
      if (head) {
        head = Buffer.concat([head, part]);
        const at = head.indexOf('\r\n\r\n', head.indexOf('filename='));
        if (at < 0) continue;
        file = head.subarray(at + 4);
        head = undefined;
      }
      received.update(file.subarray(0, left));
      left -= Math.min(left, file.length);
      // Slower than the source: what it does not wait for piles up.
      await new Promise(setImmediate);
    }
    return json(response, { name: 'big', subfolder: 'cull/acme', type: 'input' });
  });
  expect(await comfy.uploadImage({ subfolder: 'cull/acme', name: 'big', body: stream, size })).toBe('cull/acme/big');
  expect(received.digest('hex')).toBe(sha256);
  expect(bytes).toBe(length);
  // Most of it is what the kernel keeps between two sockets.
  expect(most).toBeLessThan(size / 3);
});

it('takes Node streams, web streams and the body of a fetch', async () => {
  const bodies: string[] = [];
  const comfy = await serve((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      bodies.push(Buffer.concat(parts).toString());
      json(response, { name: 'a' });
    });
  });
  const bytes = Buffer.from('picture');
  const fetched = new Response(bytes).body ?? Readable.from([]);
  for (const body of [Readable.from([bytes]), new Blob([bytes]).stream(), fetched]) {
    expect(await comfy.uploadImage({ name: 'a', body, size: bytes.length })).toBe('a');
  }
  expect(await comfy.uploadImage({ name: 'a', body: bytes })).toBe('a');
  expect(bodies).toHaveLength(4);
  for (const body of bodies) {
    expect(body).toMatch(/name="type"\r\n\r\ninput\r\n/);
    expect(body).toMatch(/name="image"; filename="a"\r\ncontent-type: application\/octet-stream\r\n\r\npicture\r\n--/);
  }
});

it.each([
  ['more', 3, 2],
  ['less', 2, 3],
])('refuses a stream that holds %s than was said', async (word, chunks, said) => {
  const comfy = await serve((request) => request.resume());
  const { stream, seen } = source(chunks);
  await expect(comfy.uploadImage({ name: 'a', body: stream, size: said * 64 * 1024 })).rejects.toMatchObject({
    code: 'INTERNAL',
    message: expect.stringContaining(`holds ${word} than`) as string,
  });
  expect(seen.ended).toBe(true);
});

it("throws the source's own error, whenever it comes", async () => {
  const comfy = await serve((request) => request.resume());
  const broken = new Error('the disk is gone');
  const early = new Readable({ read: () => undefined });
  early.destroy(broken);
  await expect(comfy.uploadImage({ name: 'a', body: early, size: 100 })).rejects.toBe(broken);
  const late = Readable.from(
    (function* () {
      yield Buffer.from('begin');
      throw broken;
    })(),
  );
  await expect(comfy.uploadImage({ name: 'a', body: late, size: 100 })).rejects.toBe(broken);
});

it('closes the source of an upload that never began', async () => {
  const comfy = new ComfyClient({ url: 'http://127.0.0.1:9' });
  const stream = new Readable({ read: () => undefined });
  let cancelled: unknown;
  const web = new ReadableStream<Uint8Array>({ cancel: (why) => void (cancelled = why ?? 'cancelled') });
  const { stream: generator } = source(5);
  for (const body of [stream, web, generator]) {
    await expect(comfy.uploadImage({ name: 'a', body, size: 100 })).rejects.toMatchObject({
      code: 'COMFY_UNREACHABLE',
    });
  }
  expect([stream.destroyed, cancelled]).toEqual([true, 'cancelled']);
  expect(await generator[Symbol.asyncIterator]().next()).toEqual({ value: undefined, done: true });
});

it('stops reading the source when the upload is given up', async () => {
  const controller = new AbortController();
  const comfy = await serve((request, response) =>
    request.url === '/features' ? response.writeHead(404).end() : controller.abort(new Error('enough')),
  );
  const { stream: body, size, seen } = source(1600);
  await expect(comfy.uploadImage({ name: 'a', body, size }, { signal: controller.signal })).rejects.toThrow('enough');
  expect(seen.read).toBeLessThan(1600);
  while (!seen.ended) await new Promise(setImmediate);
});

it('asks before it sends what is too large, and once only', async () => {
  const asked: string[] = [];
  const comfy = await serve((request, response) => {
    asked.push(request.url ?? '');
    json(response, { max_upload_size: 5e6 });
  });
  for (let i = 0; i < 2; i++) {
    const { stream, size, seen } = source(100);
    await expect(comfy.uploadImage({ name: 'a', body: stream, size })).rejects.toMatchObject({
      code: 'COMFY_REFUSED',
      message: expect.stringContaining('6.6 MB') as string,
    });
    expect(seen.read).toBe(0);
  }
  expect(asked).toEqual(['/features']);
});

it('understands a 413 that comes before the end of the upload', async () => {
  const comfy = await serve((request, response) => {
    if (request.url === '/features') return response.writeHead(404).end();
    request.resume();
    return response.writeHead(413).end('Maximum request body size 1 exceeded.');
  });
  const { stream, size } = source(200);
  await expect(comfy.uploadImage({ name: 'a', body: stream, size })).rejects.toMatchObject({ code: 'COMFY_REFUSED' });
});

it('downloads as fast as it is read, and hangs up on what nobody reads', async () => {
  let closed: Promise<unknown> = Promise.resolve();
  let written = 0;
  const comfy = await serve((_, response) => {
    closed = once(response, 'close');
    response.writeHead(200, { 'content-type': 'video/mp4', 'content-length': 100 * MEGABYTE });
    const more = (): void => {
      while (written < 100) {
        written++;
        if (!response.write(Buffer.alloc(MEGABYTE))) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  const file = { filename: 'a.mp4', subfolder: '', type: 'output' };
  const found = await comfy.viewStream(file);
  expect(found).toMatchObject({ size: 100 * MEGABYTE, contentType: 'video/mp4' });
  await once(found?.stream ?? new Readable(), 'readable');
  found?.stream.destroy();
  await closed;
  expect(written).toBeLessThan(50);
});

it('frees the connection of an answer that is refused', async () => {
  let sockets = 0;
  const comfy = await serve((request, response) => {
    request.socket.once('close', () => sockets--);
    sockets++;
    response.writeHead(404).end(Buffer.alloc(4 * MEGABYTE));
  });
  for (let i = 0; i < 5; i++) {
    expect(await comfy.viewStream({ filename: 'a', subfolder: '', type: 'output' })).toBeUndefined();
  }
  while (sockets > 1) await new Promise(setImmediate);
});
