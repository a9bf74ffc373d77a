/** What every ComfyUI of this worker needs to know to choose its queue: which queues there are, what waits in them, who serves them. Asked once for all. */
import { setTimeout as wait } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { backlogOf, type TemporalTarget } from '../client/temporal.js';
import { messageOf } from '../errors.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { Logger } from '../telemetry/log.js';
import { NO_METRICS, type Metrics } from '../telemetry/metrics.js';
import { gpuQueue, type HostDoc, type QueueDoc } from '../workflows/contract.js';
import type { HostFact, QueueFact } from './affinity.js';
import { readHosts } from './registry.js';

/** An idle ComfyUI must not wait longer for a request of other models. */
const IDLE_LOOK_MS = 200;
const BUSY_LOOK_MS = 2_000;
const HOSTS_EVERY_MS = 2_000;
/** A queue that was not announced for so long and had nothing waiting is asked for less often. */
const HOT_MS = 600_000;
const COOL_LOOK_MS = 5_000;
/** From the announcement of a request to its first candidates in the queue, at most. */
const ANNOUNCED_MS = 3_000;
const FORGET_MS = 7 * 24 * 3_600_000;

interface Known {
  doc: QueueDoc;
  etag: string;
  backlog: number;
  askedAt: number;
  /** When this process heard of its last announcement; of its own clock. */
  announcedAt: number;
  /** True once candidates of that announcement were seen. */
  hasBegun: boolean;
  unservedSince: number | undefined;
}

/** A ComfyUI of this worker, as it is now rather than as it was written down. */
export interface OwnHost extends HostFact {
  pool: string;
  /** Whether a new request could start here at once. */
  isIdle: boolean;
}

export interface QueuesOptions {
  storage: Storage;
  target: TemporalTarget;
  log: Logger;
  metrics?: Metrics;
  coldAfterMs: number;
}

export class Queues {
  readonly #options: QueuesOptions;
  readonly #metrics: Metrics;
  readonly #known = new Map<string, Known>();
  readonly #own = new Map<string, OwnHost>();
  readonly #watchers = new Set<() => void>();
  #others: HostDoc[] = [];
  #hostsAt = -Infinity;
  #client: Client | undefined;
  #wake = new AbortController();
  #problem = '';

  constructor(options: QueuesOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? NO_METRICS;
  }

  get coldAfterMs(): number {
    return this.#options.coldAfterMs;
  }

  /** A request of this process is about to use a queue. */
  announce(doc: QueueDoc): void {
    this.#learn(doc, '');
    this.#tell();
  }

  /** A ComfyUI of this worker tells how it stands; undefined once it draws no more. */
  tell(host: string, fact: OwnHost | undefined): void {
    if (!fact) this.#own.delete(host);
    else {
      const wasIdle = this.#own.get(host)?.isIdle ?? false;
      this.#own.set(host, fact);
      if (fact.isIdle && !wasIdle) this.#wake.abort();
    }
  }

  /** A ComfyUI of this worker has begun a candidate of a queue: what was announced is there. */
  began(queue: string): void {
    const known = this.#known.get(queue);
    if (known) known.hasBegun = true;
  }

  /** Calls back whenever something may have changed. @returns a function that ends that */
  watch(look: () => void): () => void {
    this.#watchers.add(look);
    return () => this.#watchers.delete(look);
  }

  /** The facts of a pool, for `chooseQueue`. */
  facts(pool: string): { hosts: HostFact[]; queues: QueueFact[]; coldAfterMs: number } {
    const now = performance.now();
    const own = [...this.#own.values()].filter((host) => host.pool === pool);
    const others = this.#others
      .filter((host) => host.pool === pool && host.state === 'serving' && !this.#own.has(host.host))
      .map(({ host, queue = null, loaded = null, slots = 1 }) => ({ host, queue, loaded, slots }));
    const queues = [...this.#known.values()]
      .filter(({ doc }) => doc.pool === pool)
      .map(({ doc, backlog, announcedAt, hasBegun, unservedSince }) => ({
        queue: doc.queue,
        backlog,
        announced: !hasBegun && now - announcedAt < ANNOUNCED_MS ? doc.candidates : 0,
        unservedMs: unservedSince === undefined ? 0 : now - unservedSince,
      }));
    return { hosts: [...own, ...others], queues, coldAfterMs: this.#options.coldAfterMs };
  }

  /** Candidates that the ComfyUIs of a pool which serve take at once. */
  slots(pool: string): number {
    return this.facts(pool).hosts.reduce((sum, { slots }) => sum + slots, 0);
  }

  /** The document of a queue; undefined for a pool's own. */
  doc(queue: string): QueueDoc | undefined {
    return this.#known.get(queue)?.doc;
  }

  /** Looks again and again until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#look();
        this.#problem = '';
      } catch (error) {
        // Storage or Temporal is away: the ComfyUIs stay where they are.
        const problem = messageOf(error);
        if (problem !== this.#problem) this.#options.log.warn({ error: problem }, 'the queues cannot be looked at');
        this.#problem = problem;
      }
      this.#tell();
      const isIdle = [...this.#own.values()].some((host) => host.isIdle);
      this.#wake = new AbortController();
      const either = AbortSignal.any([signal, this.#wake.signal]);
      await wait(isIdle ? IDLE_LOOK_MS : BUSY_LOOK_MS, undefined, { signal: either }).catch(() => undefined);
    }
    await this.#client?.connection.close();
  }

  #tell(): void {
    for (const look of this.#watchers) look();
  }

  async #look(): Promise<void> {
    const { storage } = this.#options;
    const now = performance.now();
    if (now - this.#hostsAt >= HOSTS_EVERY_MS) {
      this.#hostsAt = now;
      this.#others = await readHosts(storage);
    }
    for (const { pool } of this.#own.values()) this.#learnOwnQueue(pool);
    for await (const { key, etag } of storage.list(keys.queues())) {
      if ([...this.#known.values()].some((known) => known.etag === etag)) continue;
      const object = await storage.get(key);
      if (object) this.#learn(JSON.parse(object.body.toString('utf8')) as QueueDoc, object.etag);
    }
    await Promise.all([...this.#known.values()].map((known) => this.#ask(known)));
  }

  #learn(doc: QueueDoc, etag: string): void {
    const age = Date.now() - Date.parse(doc.at);
    if (age > FORGET_MS) return;
    const known = this.#known.get(doc.queue);
    if (known && known.doc.at === doc.at) Object.assign(known, { doc, etag });
    else {
      const announcedAt = performance.now() - Math.min(HOT_MS, Math.max(0, age));
      const news = { doc, etag, announcedAt, hasBegun: false };
      if (known) Object.assign(known, news);
      else this.#known.set(doc.queue, { backlog: 0, askedAt: -Infinity, unservedSince: undefined, ...news });
    }
  }

  /** The queue of graphs without models, which nobody has to announce. */
  #learnOwnQueue(pool: string): void {
    const queue = gpuQueue(pool);
    if (this.#known.has(queue)) return;
    const doc: QueueDoc = { queue, pool, models: [], warmUp: null, candidates: 0, at: new Date().toISOString() };
    this.#known.set(queue, {
      doc,
      etag: '',
      backlog: 0,
      askedAt: -Infinity,
      announcedAt: performance.now(),
      hasBegun: true,
      unservedSince: undefined,
    });
  }

  /** Asks Temporal what waits there. */
  async #ask(known: Known): Promise<void> {
    const now = performance.now();
    const isHot = known.backlog > 0 || now - known.announcedAt < HOT_MS;
    if (!isHot && now - known.askedAt < COOL_LOOK_MS) return;
    const isNew = known.askedAt === -Infinity;
    known.askedAt = now;
    this.#client ??= await this.#connect();
    const { queue, pool } = known.doc;
    const { namespace } = this.#options.target;
    const { count, ageSeconds } = await backlogOf(this.#client.workflowService, { namespace, queue, type: 'activity' });
    this.#metrics.set('cull_queue_depth', { queue, type: 'activity' }, count);
    this.#metrics.set('cull_queue_age_seconds', { queue, type: 'activity' }, ageSeconds);
    known.backlog = count;
    if (known.backlog > 0) known.hasBegun = true;
    const isServed = this.facts(pool).hosts.some((host) => host.queue === queue);
    if (isServed || known.backlog === 0) known.unservedSince = undefined;
    else if (known.unservedSince === undefined) {
      // What waited before this worker came has waited, too.
      const age = isNew ? ageSeconds * 1_000 : 0;
      known.unservedSince = now - age;
    }
  }

  async #connect(): Promise<Client> {
    const { target } = this.#options;
    const connection = await Connection.connect(target.connectionOptions);
    return new Client({ connection, namespace: target.namespace });
  }
}
