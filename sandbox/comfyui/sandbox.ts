import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { EventHub, type Message } from './events.js';
import { Executor } from './execution.js';
import { noFaults } from './faults.js';
import { doubled, serve } from './http.js';
import type { Profile } from './profile.js';
import { PromptQueue } from './queue.js';
import { infoRoutes } from './routes/info.js';
import { jobRoutes } from './routes/jobs.js';
import { promptRoutes } from './routes/prompts.js';
import { uploadRoutes } from './routes/uploads.js';
import { viewRoutes } from './routes/view.js';
import { experimentRoutes, internalRoutes, userRoutes } from './routes/web.js';
import { ServerLog } from './log.js';
import type { CacheMode, SandboxOptions } from './options.js';
import type { World } from './world.js';

/** Largest websocket message taken from a client, in bytes. */
const MAX_MESSAGE = 4 * 1024 * 1024;
/** A prompt's history appears a moment after its last message, as on the real server. */
const SETTLE_MS = 1;

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/** The real server's cross-site protection: 403 where a browser page of another origin asks. */
function crossSite({ headers }: IncomingMessage, profile: Profile): number | undefined {
  if (profile.has('fetchMetadata') && headers['sec-fetch-site'] === 'cross-site') return 403;
  const { origin, host = '' } = headers;
  if (origin === undefined || !LOOPBACK.test(host.replace(/:\d+$/, ''))) return undefined;
  return URL.canParse(origin) && new URL(origin).host === host ? undefined : 403;
}

/** Listens and tells the port. */
export function listen(server: Server | TlsServer, { port, host }: { port: number; host: string }): Promise<number> {
  return new Promise((done, failed) => {
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      done((server.address() as AddressInfo).port);
    });
  });
}

/** How a sandbox differs from a plain ComfyUI on the outside. */
type SandboxSettings = Pick<SandboxOptions, 'tls' | 'requiredHeaders'> & { readonly cache: CacheMode };

/** One simulated server: queue, worker, event hub and the public port. */
export class Sandbox {
  readonly hub: EventHub;
  readonly queue: PromptQueue;
  readonly executor: Executor;
  readonly log: ServerLog;
  private readonly server: Server | TlsServer;
  private readonly sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE, perMessageDeflate: true });
  private readonly chores: (() => void)[] = [];
  private address: { port: number; host: string } | undefined;
  private refusing: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    readonly world: World,
    private readonly settings: SandboxSettings,
  ) {
    this.hub = new EventHub(world.faults, world.profile);
    this.queue = new PromptQueue(() => this.hub.send('status', this.status(), null));
    this.executor = new Executor(world, { cache: settings.cache, hub: this.hub, queue: this.queue });
    this.log = new ServerLog((type, data, sid) => this.hub.send(type, data, sid));
    const routes = {
      ...promptRoutes(this),
      ...jobRoutes(this),
      ...uploadRoutes(world.folders),
      ...viewRoutes(world),
      ...infoRoutes(world),
      ...userRoutes(),
      ...experimentRoutes(this),
    };
    this.server = serve(
      { ...doubled(routes), ...internalRoutes(this) },
      {
        guard: (request) => this.refused(request),
        now: world.now,
        tls: settings.tls,
      },
    );
    this.server.on('upgrade', (request, socket, head) => {
      const url = new URL(request.url ?? '/', 'http://sandbox');
      const known = ['/ws', '/api/ws'].includes(url.pathname);
      const status = this.refused(request) ?? (known && !world.faults.noWebsocket ? undefined : 403);
      if (status !== undefined) {
        socket.end(
          `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        );
        return;
      }
      this.sockets.handleUpgrade(request, socket, head, (ws) =>
        this.hub.attach(
          { socket: ws, wire: socket },
          {
            clientId: url.searchParams.get('clientId') ?? '',
            greeting: (sid) => this.greeting(sid),
          },
        ),
      );
    });
  }

  /** Starts to listen and to work; resolves to the port. */
  async open(address: { port: number; host: string }): Promise<number> {
    const port = await listen(this.server, address);
    this.address = { ...address, port };
    void this.work();
    return port;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.refusing);
    this.queue.wipe();
    this.queue.interrupt();
    this.queue.nudge();
    this.hub.drop();
    await this.stopListening();
  }

  /** Takes a pending prompt out; whether there was one. */
  dequeue(promptId: string): boolean {
    const removed = this.queue.remove(promptId);
    if (removed) this.world.ledger.ended(promptId, 'dequeued');
    return removed;
  }

  /** Runs a chore after the running prompt, or at once when none runs. */
  freeWhenIdle(chore: () => void): void {
    this.chores.push(chore);
    if (!this.queue.running) this.runChores();
  }

  dropConnections(): void {
    this.hub.drop();
    this.server.closeAllConnections();
  }

  /** Cuts all connections and takes no new ones for a while. Prompts go on. */
  refuseFor(ms: number): void {
    clearTimeout(this.refusing);
    void this.stopListening();
    this.refusing = setTimeout(() => {
      if (this.address && !this.closed) void listen(this.server, this.address);
    }, ms);
  }

  /** Forgets what ended, the log, the labels, cached results and faults; prompts that wait or run are left alone. */
  reset(): void {
    this.queue.forget();
    this.world.ledger.reset();
    Object.assign(this.world.faults, noFaults());
    this.hub.dropAt(0);
    this.freeWhenIdle(() => this.executor.cache.clear());
  }

  private refused(request: IncomingMessage): number | undefined {
    const { requiredHeaders = {} } = this.settings;
    const missing = Object.entries(requiredHeaders).some(
      ([name, value]) => request.headers[name.toLowerCase()] !== value,
    );
    return missing ? 401 : crossSite(request, this.world.profile);
  }

  private status(): { status: { exec_info: { queue_remaining: number } } } {
    return { status: { exec_info: { queue_remaining: this.queue.remaining } } };
  }

  /** What a client that just connected hears: the queue, and the node at work where its prompt runs. */
  private greeting(sid: string): Message[] {
    const { client, node } = this.executor;
    const status: Message = ['status', { ...this.status(), sid }];
    return client === sid && node !== null ? [status, ['executing', { node }]] : [status];
  }

  private async stopListening(): Promise<void> {
    if (!this.server.listening) return;
    const stopped = new Promise<void>((done) => this.server.close(() => done()));
    this.dropConnections();
    await stopped;
  }

  private runChores(): void {
    for (const chore of this.chores.splice(0)) chore();
  }

  /** The one worker. A prompt that breaks it stops it for good, while the server goes on answering: so does the real one. */
  private async work(): Promise<void> {
    try {
      while (!this.closed) {
        const item = this.queue.take();
        if (!item) {
          await this.queue.waitForWork();
          continue;
        }
        this.world.ledger.started(item.promptId);
        const entry = await this.executor.run(item);
        await delay(SETTLE_MS);
        const interrupted = entry.status.messages.some(([type]) => type === 'execution_interrupted');
        this.world.ledger.ended(item.promptId, interrupted ? 'interrupted' : entry.status.status_str);
        this.queue.done(entry);
        const { client } = this.executor;
        if (client !== null) this.hub.send('executing', { node: null, prompt_id: item.promptId }, client);
        this.runChores();
      }
    } catch {
      // The prompt stays "running" and nothing runs after it.
    }
  }
}
