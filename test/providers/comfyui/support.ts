import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { WebSocketServer, type WebSocket } from 'ws';
import { hostId } from '../../../providers/comfyui/index.js';
import type { Generation, GenerationJob, Handle, Progress, Provider } from '../../../providers/provider.js';
import { bind, bindSeed, checkInputs, loadTemplate } from '../../../templates/index.js';

export const address = (url: string) => ({ id: hostId(url), url });

let candidates = 0;

/** A job for one of the example graphs; each is a candidate with a seed of its own. */
export async function jobFor(
  name: 'noise' | 'txt2img' | 'product',
  options: { seed?: number; inputs?: Record<string, unknown>; request?: string } = {},
): Promise<GenerationJob> {
  const path = fileURLToPath(new URL(`../../../examples/templates/${name}.json`, import.meta.url));
  const template = await loadTemplate(path, { allowNodes: [] });
  const candidate = candidates++;
  const seed = options.seed ?? candidate + 1;
  const bound = bind(template, checkInputs(template, options.inputs ?? {}));
  return {
    tenant: 'acme',
    request: options.request ?? 'r1',
    candidate,
    attempt: 1,
    seed,
    graph: bindSeed(bound, template.bindings.seed, seed),
    output: template.bindings.output,
    files: [],
  };
}

export interface Watched {
  handles: Handle[];
  progress: Progress[];
  result: Promise<Generation>;
  /** Resolves with the first progress that fits. */
  until(fits: (progress: Progress) => boolean): Promise<Progress>;
  submitted: Promise<Handle>;
}

/** Starts a generation and keeps what it tells. */
export function watch(
  provider: Provider,
  job: GenerationJob,
  options: { signal?: AbortSignal; resume?: Handle } = {},
): Watched {
  const handles: Handle[] = [];
  const progress: Progress[] = [];
  const waiting: { fits: (progress: Progress) => boolean; resolve: (progress: Progress) => void }[] = [];
  let told: (handle: Handle) => void;
  const submitted = new Promise<Handle>((resolve) => (told = resolve));
  const result = provider.generate(job, {
    signal: options.signal ?? new AbortController().signal,
    ...(options.resume ? { resume: options.resume } : {}),
    onSubmitted: (handle) => {
      handles.push(handle);
      told(handle);
      return Promise.resolve();
    },
    onProgress: (news) => {
      progress.push(news);
      for (const one of waiting) if (one.fits(news)) one.resolve(news);
    },
  });
  result.catch(() => undefined);
  const until = (fits: (progress: Progress) => boolean): Promise<Progress> =>
    new Promise((resolve, reject) => {
      waiting.push({ fits, resolve });
      result.then(() => reject(new Error('it ended before')), reject);
    });
  return { handles, progress, result, until, submitted };
}

type Route = (ask: { body: string; params: string[]; request: IncomingMessage; response: ServerResponse }) => unknown;

export interface Fake {
  url: string;
  /** `METHOD /path` of every request. */
  asked: string[];
  sockets: Set<WebSocket>;
  /** Resolves when a request fits. */
  until(fits: RegExp): Promise<void>;
  /** From now on the websocket's handshake is refused. */
  refuseSockets(): void;
  close(): Promise<void>;
}

/** An HTTP server that answers as it is told: an object is JSON with 200, `{status, text}` that, `'hang'` never, `'cut'` closes. */
export async function startFake(routes: Record<string, Route>): Promise<Fake> {
  const asked: string[] = [];
  const sockets = new Set<WebSocket>();
  const waiting: { fits: RegExp; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const line = `${request.method ?? ''} ${path}`;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      asked.push(line);
      for (const one of waiting) if (one.fits.test(line)) one.resolve();
      const found = Object.keys(routes).find((route) => new RegExp(`^${route}$`).test(line));
      const params = found === undefined ? [] : (new RegExp(`^${found}$`).exec(line)?.slice(1) ?? []);
      const route = found === undefined ? undefined : routes[found];
      const answer = route?.({ body: Buffer.concat(chunks).toString(), params, request, response });
      if (answer === 'hang') return;
      if (answer === 'cut') return void request.socket.destroy();
      if (Buffer.isBuffer(answer)) return void response.end(answer);
      const special = answer as { status?: number; text?: string } | undefined;
      if (special?.text !== undefined) return void response.writeHead(special.status ?? 200).end(special.text);
      if (answer === undefined) return void response.writeHead(404).end();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  let refusing = false;
  const events = new WebSocketServer({ server, path: '/ws', verifyClient: () => !refusing });
  events.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.send(JSON.stringify({ type: 'status', data: { status: { exec_info: { queue_remaining: 0 } }, sid: 'x' } }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    sockets,
    until: (fits) =>
      new Promise((resolve) => {
        if (asked.some((line) => fits.test(line))) resolve();
        else waiting.push({ fits, resolve });
      }),
    refuseSockets: () => {
      refusing = true;
    },
    close: async () => {
      for (const socket of sockets) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
