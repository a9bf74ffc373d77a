/** The fleet of one worker: every ComfyUI that belongs to it has its loop; who comes is served, who goes is drained. */
import { setTimeout as wait } from 'node:timers/promises';
import type { TemporalTarget } from '../client/temporal.js';
import type { Config } from '../config.js';
import { messageOf } from '../errors.js';
import type { Storage } from '../storage/storage.js';
import type { Logger } from '../telemetry/log.js';
import type { Metrics } from '../telemetry/metrics.js';
import { Adopted } from './adopted.js';
import { FleetFile } from './file.js';
import { changesOf, mergeMembers, type FleetDoc, type Member, type MemberChanges } from './members.js';
import { readFleet } from './registry.js';
import type { Queues } from './queues.js';
import { HostReport } from './report.js';
import { serveComfy } from './serve.js';

/** How soon a change of the fleet is seen. */
const LOOK_EVERY_MS = 2_000;

export interface FleetOptions {
  config: Config;
  target: TemporalTarget;
  storage: Storage;
  log: Logger;
  metrics: Metrics;
  queues: Queues;
  /** Drains every ComfyUI; what has not finished after `config.graceMs` is left in ComfyUI for another worker. */
  signal: AbortSignal;
}

interface Served {
  member: Member;
  stop: AbortController;
  done: Promise<void>;
}

/**
 * Serves the ComfyUIs that the environment, the file and the API name, as they come and go, until `signal` aborts.
 *
 * @throws CullError CONFIG_INVALID if an address of the environment is not one
 */
export async function serveFleet(options: FleetOptions): Promise<void> {
  const fleet = new Fleet(options);
  const ended = new AbortController();
  const looking = options.queues.run(ended.signal);
  do await fleet.look();
  while (await untilNextLook(options.signal));
  await fleet.end();
  ended.abort();
  await looking;
}

/** False if `signal` aborts meanwhile. */
const untilNextLook = (signal: AbortSignal): Promise<boolean> =>
  wait(LOOK_EVERY_MS, true, { signal }).catch(() => false);

class Fleet {
  readonly #options: FleetOptions;
  readonly #file: FleetFile | undefined;
  readonly #served = new Map<string, Served>();
  readonly #adopted = new Adopted();
  readonly #leave = new AbortController();
  #wanted: ReadonlyMap<string, Member> = new Map();
  #api: FleetDoc = { hosts: {} };
  #problem = '';

  constructor(options: FleetOptions) {
    this.#options = options;
    const { comfyFile } = options.config;
    if (comfyFile !== undefined) this.#file = new FleetFile(comfyFile);
  }

  /** Reads who belongs to the fleet, and starts and stops loops accordingly. */
  async look(): Promise<void> {
    const { config, log, storage } = this.#options;
    const file = await this.#file?.read();
    if (file?.problem !== undefined) log.error({ file: config.comfyFile }, file.problem);
    try {
      this.#api = await readFleet(storage);
      this.#problem = '';
    } catch (error) {
      // The fleet stays as it is while storage is away.
      const problem = messageOf(error);
      if (problem !== this.#problem) log.error(problem);
      this.#problem = problem;
    }
    this.#wanted = mergeMembers({ environment: config.comfyUrls, file: file?.members ?? [], api: this.#api });
    const { start, stop } = changesOf(new Map([...this.#served].map(([id, { member }]) => [id, member])), this.#wanted);
    for (const { id, then } of stop) this.#served.get(id)?.stop.abort(then);
    for (const member of start) this.#start(member);
  }

  /** Drains all within the grace, and leaves what is not done by then to others. */
  async end(): Promise<void> {
    const timer = setTimeout(() => this.#leave.abort(), this.#options.config.graceMs);
    for (const { stop } of this.#served.values()) stop.abort('stopped');
    await Promise.all([...this.#served.values()].map(({ done }) => done));
    clearTimeout(timer);
  }

  #start(member: Member): void {
    const { config, target, storage, queues, metrics } = this.#options;
    const log = this.#options.log.child({ host: member.id });
    const report = new HostReport(storage, member, log, metrics);
    const stop = new AbortController();
    const peers = () => [...this.#wanted.values()];
    const leave = this.#leave.signal;
    const done = serveComfy({
      member,
      peers,
      config,
      target,
      storage,
      log,
      metrics,
      report,
      adopted: this.#adopted,
      queues,
      stop: stop.signal,
      leave,
    })
      .catch((error: unknown) => log.error(messageOf(error)))
      .then(() => this.#ended(report, stop.signal.reason as MemberChanges['stop'][number]['then'] | 'stopped'))
      .finally(() => this.#served.delete(member.id));
    this.#served.set(member.id, { member, stop, done });
  }

  async #ended(report: HostReport, how: MemberChanges['stop'][number]['then'] | 'stopped'): Promise<void> {
    if (how === 'forgotten') return report.forget();
    if (how === 'drained' || how === 'stopped') return report.tell({ state: how, reason: null });
  }
}
