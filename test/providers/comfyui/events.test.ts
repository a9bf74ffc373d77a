import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { ComfyEvents, type ComfyEvent, type EventsOptions } from '../../../providers/comfyui/index.js';
import { plainPreview, preview, textFrame } from './frame-bytes.js';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

interface Server {
  url: string;
  /** Client ids in the order of connecting. */
  clientIds: string[];
  /** Every text a client sent, by connection. */
  said: string[][];
  pings: number;
  /** The newest connection, once there are `count`. */
  connection(count: number): Promise<WebSocket>;
}

/** A ComfyUI of which only the websocket is there. */
async function serve(options: { autoPong?: boolean; refuse?: () => boolean } = {}): Promise<Server> {
  const http = createServer((_, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({
    server: http,
    path: '/ws',
    autoPong: options.autoPong ?? true,
    verifyClient: () => !(options.refuse?.() ?? false),
  });
  const open: WebSocket[] = [];
  const server: Server = {
    url: '',
    clientIds: [],
    said: [],
    pings: 0,
    connection: async (count) => {
      while (open.length < count) await once(sockets, 'connection');
      return open[count - 1]!;
    },
  };
  sockets.on('connection', (socket, request) => {
    const sid = new URL(request.url ?? '', 'http://x').searchParams.get('clientId') ?? '';
    const said: string[] = [];
    server.clientIds.push(sid);
    server.said.push(said);
    socket.on('message', (data) => said.push((data as Buffer).toString()));
    socket.on('ping', () => server.pings++);
    socket.send(JSON.stringify({ type: 'status', data: { status: { exec_info: { queue_remaining: 0 } }, sid } }));
    open.push(socket);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  server.url = `http://127.0.0.1:${(http.address() as { port: number }).port}`;
  cleanUp.push(async () => {
    for (const socket of open) socket.terminate();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  return server;
}

function listenTo(server: Server, options: Partial<EventsOptions> = {}): ComfyEvents {
  const events = new ComfyEvents({ address: { base: server.url, headers: {} }, reconnectMs: 1, ...options });
  cleanUp.push(() => events.close());
  return events;
}

async function connected(server: Server, options: Partial<EventsOptions> = {}) {
  const events = listenTo(server, options);
  await events.ready();
  return { events, socket: await server.connection(1) };
}

const message = (type: string, data: unknown): string => JSON.stringify({ type, data });
const ended = (promptId: string): string => message('executing', { node: null, prompt_id: promptId });

/** All that a subscription yields up to and including the first event that fits. */
async function readUntil(news: AsyncIterable<ComfyEvent>, fits: (event: ComfyEvent) => boolean): Promise<ComfyEvent[]> {
  const seen: ComfyEvent[] = [];
  for await (const event of news) {
    seen.push(event);
    if (fits(event)) return seen;
  }
  throw new Error(`it ended after ${seen.map(({ type }) => type).join(', ')}`);
}
const isEnd = (event: ComfyEvent): boolean => event.type === 'executing' && event.node === null;

describe('a listener', () => {
  it('hears its own prompt and survives anything', async () => {
    const { events, socket } = await connected(await serve());
    const id = randomUUID();
    events.listen(id, () => {
      throw new Error('a listener with a defect');
    });
    const seen: unknown[] = [];
    const heard = new Promise<void>((resolve) => {
      events.listen(id, (event) => {
        seen.push(event);
        if (event.type === 'ended') resolve();
      });
    });
    for (const text of ['not json', '[]', '{"type":"progress"}', '{"type":"progress","data":null}']) socket.send(text);
    socket.send(Buffer.from([0, 0, 0, 9, 1, 2]));
    socket.send(Buffer.alloc(0));
    socket.send(message('custom.node', { prompt_id: id }));
    socket.send(message('executing', { node: '1' }));
    socket.send(message('progress', { prompt_id: randomUUID(), value: 5, max: 9 }));
    socket.send(
      `{"type":"progress","data":{"prompt_id":"${id}","node":"3","value":2,"max":8,"x":NaN,"y":-Infinity,"z":"NaN"}}`,
    );
    socket.send(message('executing', { prompt_id: id, node: '7.0.2', display_node: '7' }));
    socket.send(message('execution_error', { prompt_id: id, exception_type: 'ExecutionBlocked' }));
    socket.send(ended(id));
    await heard;
    expect(seen).toEqual([
      { type: 'progress', node: '3', step: 2, of: 8 },
      { type: 'progress', node: '7' },
      { type: 'ended' },
    ]);
  });

  it('that comes late is told where its prompt is', async () => {
    const { events, socket } = await connected(await serve());
    const id = randomUUID();
    const news = events.subscribe({ promptId: id });
    const heard = (): unknown[] => {
      const seen: unknown[] = [];
      events.listen(id, (event) => seen.push(event))();
      return seen;
    };
    expect(heard()).toEqual([]);
    socket.send(message('execution_start', { prompt_id: id }));
    await readUntil(news, ({ type }) => type === 'execution_start');
    expect(heard()).toEqual([{ type: 'started' }]);
    const more = events.subscribe({ promptId: id });
    socket.send(message('executing', { prompt_id: id, node: '4' }));
    await readUntil(more, ({ type }) => type === 'executing');
    expect(heard()).toEqual([{ type: 'progress', node: '4' }]);
    const end = events.subscribe({ promptId: id });
    socket.send(ended(id));
    await readUntil(end, isEnd);
    expect(heard()).toEqual([{ type: 'ended' }]);
  });

  it('hears nothing after it stopped', async () => {
    const { events, socket } = await connected(await serve());
    const id = randomUUID();
    const first = vi.fn();
    const stop = events.listen(id, first);
    stop();
    stop();
    const second = new Promise((resolve) => events.listen(id, resolve));
    stop();
    socket.send(ended(id));
    expect(await second).toEqual({ type: 'ended' });
    expect(first).not.toHaveBeenCalled();
  });
});

describe('the connection', () => {
  it('asks for previews with names, first of all and on every connection; each has a client id of its own', async () => {
    const server = await serve();
    const { events, socket } = await connected(server);
    const before = events.clientId;
    expect(events.hears(before)).toBe(true);
    socket.close();
    await server.connection(2);
    await vi.waitFor(() => expect(server.said.map((said) => said.length)).toEqual([1, 1]));
    for (const [first] of server.said) {
      expect(JSON.parse(first!)).toEqual({ type: 'feature_flags', data: { supports_preview_metadata: true } });
    }
    await vi.waitFor(() => expect(events.hears(events.clientId)).toBe(true));
    expect(new Set(server.clientIds).size).toBe(2);
    expect(server.clientIds).toEqual([before, events.clientId]);
    expect(events.hears(before)).toBe(false);
    expect(events.hears(events.clientId)).toBe(true);
  });

  it('tells subscribers that it was lost and is back', async () => {
    const server = await serve();
    const { events, socket } = await connected(server);
    const news = events.subscribe({ promptId: randomUUID() });
    socket.terminate();
    let connections = 0;
    const seen = await readUntil(news, ({ type }) => type === 'connected' && ++connections === 2);
    expect(seen).toEqual([
      { type: 'connected', clientId: server.clientIds[0] },
      { type: 'disconnected' },
      { type: 'connected', clientId: server.clientIds[1] },
    ]);
  });

  it('that does not answer pings is given up', async () => {
    const server = await serve({ autoPong: false });
    const { socket } = await connected(server, { pingMs: 20 });
    await Promise.all([once(socket, 'close'), server.connection(2)]);
    expect(server.pings).toBeGreaterThanOrEqual(1);
  });

  it('that answers pings is kept, however silent it is', async () => {
    const server = await serve();
    const { events, socket } = await connected(server, { pingMs: 200 });
    await vi.waitFor(() => expect(server.pings).toBeGreaterThan(2), { timeout: 20_000 });
    expect(socket.readyState).toBe(socket.OPEN);
    expect(events.hears(server.clientIds[0]!)).toBe(true);
  });

  it('is tried again after a refusal, and nobody waits for it', async () => {
    let refusals = 0;
    const server = await serve({ refuse: () => ++refusals <= 3 });
    const events = listenTo(server);
    await events.ready(60_000);
    expect(events.hears(events.clientId)).toBe(false);
    await server.connection(1);
    await vi.waitFor(() => expect(events.hears(events.clientId)).toBe(true));
    expect(refusals).toBe(4);
  });

  it('has the client id ready before it is back', async () => {
    const server = await serve();
    const { events, socket } = await connected(server, { reconnectMs: 50 });
    const lost = readUntil(events.subscribe(), ({ type }) => type === 'disconnected');
    socket.terminate();
    await lost;
    const early = events.clientId;
    await server.connection(2);
    expect(server.clientIds[1]).toBe(early);
  });
});

describe('a subscription', () => {
  const id = randomUUID();
  const other = randomUUID();
  const image = Buffer.from([1, 2, 3]);
  const about = { prompt_id: id, node_id: '3', display_node_id: '3', image_type: 'image/jpeg' };

  it('yields messages and pictures of one prompt, and nothing of others', async () => {
    const { events, socket } = await connected(await serve());
    const news = events.subscribe({ promptId: id });
    socket.send(plainPreview(1, image));
    socket.send(textFrame('8', 'of somebody else'));
    socket.send(message('progress', { prompt_id: other, node: '1', value: 1, max: 2 }));
    socket.send(message('execution_start', { prompt_id: id, timestamp: 1 }));
    socket.send(message('executing', { prompt_id: id, node: '3', display_node: '3' }));
    socket.send(preview(about, image));
    socket.send(plainPreview(2, image));
    socket.send(textFrame('8', '64'));
    socket.send(message('status', { status: { exec_info: { queue_remaining: 0 } } }));
    socket.send(ended(id));
    socket.send(plainPreview(1, image));
    const seen = await readUntil(news, isEnd);
    expect(seen).toEqual([
      { type: 'connected', clientId: events.clientId },
      { type: 'execution_start', promptId: id, timestamp: 1 },
      { type: 'executing', promptId: id, node: '3', displayNode: '3' },
      { type: 'preview', promptId: id, node: '3', displayNode: '3', format: 'jpeg', image },
      { type: 'preview', promptId: id, node: '3', format: 'png', image },
      { type: 'text', promptId: id, node: '8', text: '64' },
      { type: 'executing', promptId: id, node: null },
    ]);
  });

  it('without a prompt yields everything', async () => {
    const { events, socket } = await connected(await serve());
    const news = events.subscribe();
    socket.send(plainPreview(1, image));
    socket.send('not json');
    socket.send(ended(other));
    expect(await readUntil(news, isEnd)).toEqual([
      { type: 'connected', clientId: events.clientId },
      { type: 'preview', format: 'jpeg', image },
      { type: 'unknown', data: 'not json' },
      { type: 'executing', promptId: other, node: null },
    ]);
  });

  it('whose consumer stands still holds up neither the socket nor the truth', async () => {
    const { events, socket } = await connected(await serve());
    const news = events.subscribe({ maxPreviews: 4 });
    const large = Buffer.alloc(100_000, 7);
    const rounds = 300;
    const last = new Promise<void>((resolve) => {
      events.listen(id, (event) => {
        if (event.type === 'ended') resolve();
      });
    });
    for (let i = 0; i < rounds; i++) {
      socket.send(preview({ ...about, node_id: `n${i}` }, large));
      socket.send(message('progress', { prompt_id: id, node: '3', value: i, max: rounds }));
      socket.send(message('executed', { prompt_id: id, node: String(i), output: null }));
      socket.send(message('monitor.of.a.custom.node', { i }));
    }
    socket.send(ended(id));
    await last;
    const seen = await readUntil(news, isEnd);
    const pictures = seen.flatMap((event) => (event.type === 'preview' ? [event.node] : []));
    expect(pictures).toEqual([`n${rounds - 4}`, `n${rounds - 3}`, `n${rounds - 2}`, `n${rounds - 1}`]);
    expect(seen.flatMap((event) => (event.type === 'progress' ? [event.value] : []))).toEqual([rounds - 1]);
    const truths = seen.flatMap((event) => (event.type === 'executed' ? [Number(event.node)] : []));
    expect(truths).toEqual(Array.from({ length: rounds }, (_, i) => i));
  });

  it('keeps the newest thousand of what no prompt depends on', async () => {
    const { events, socket } = await connected(await serve());
    const news = events.subscribe();
    const last = new Promise((resolve) => events.listen(id, resolve));
    for (let i = 0; i < 1_500; i++) socket.send(message('monitor', { i }));
    socket.send(ended(id));
    await last;
    const seen = await readUntil(news, isEnd);
    const asides = seen.flatMap((event) => (event.type === 'unknown' ? [event.data] : []));
    expect(asides).toEqual(Array.from({ length: 1_000 }, (_, i) => ({ i: i + 500 })));
  });

  it('ends with the signal, with the events, and when its loop is left', async () => {
    const { events, socket } = await connected(await serve());
    const stop = new AbortController();
    const signalled = events.subscribe({ promptId: id, signal: stop.signal });
    const left = events.subscribe({ promptId: id });
    const closed = events.subscribe({ promptId: id });
    socket.send(ended(id));
    for (const news of [signalled, left, closed]) expect((await readUntil(news, isEnd)).length).toBe(2);
    expect(await left.next()).toEqual({ value: undefined, done: true });
    const more = events.subscribe({ promptId: id, signal: stop.signal });
    await more.next();
    const waiting = more.next();
    stop.abort();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(await events.subscribe({ signal: stop.signal }).next()).toEqual({ value: undefined, done: true });
    const late = events.subscribe();
    events.close();
    expect(await late.next()).toMatchObject({ value: { type: 'connected' } });
    expect(await late.next()).toEqual({ value: undefined, done: true });
    expect(await events.subscribe().next()).toEqual({ value: undefined, done: true });
  });

  it('opens the connection by itself', async () => {
    const server = await serve();
    const first = await listenTo(server).subscribe().next();
    expect(first.value).toEqual({ type: 'connected', clientId: server.clientIds[0] });
  });
});
