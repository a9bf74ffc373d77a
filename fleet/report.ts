/** `_registry/hosts/<host>.json`: what this worker last saw of a ComfyUI, where a waiting request and `doctor` find the reason. */
import { messageOf } from '../errors.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { Logger } from '../telemetry/log.js';
import { NO_METRICS, type Metrics } from '../telemetry/metrics.js';
import type { HostDoc } from '../workflows/contract.js';
import { gaugeState } from './gauges.js';
import { withoutSecrets, type Member } from './members.js';

export class HostReport {
  readonly #storage: Storage;
  readonly #log: Logger;
  readonly #metrics: Metrics;
  #doc: Omit<HostDoc, 'at'>;
  #last = '';
  #writing = Promise.resolve();

  constructor(storage: Storage, member: Member, log: Logger, metrics: Metrics = NO_METRICS) {
    this.#storage = storage;
    this.#log = log;
    this.#metrics = metrics;
    const { id, url, pool, slots } = member;
    this.#doc = { host: id, url: withoutSecrets(url), pool, slots, state: 'starting', reason: null };
  }

  get state(): HostDoc['state'] {
    return this.#doc.state;
  }

  /** Tells a change; what is the same as before is not written again. A storage that cannot be written stops nobody. */
  tell(change: Partial<Omit<HostDoc, 'host' | 'url' | 'pool' | 'at'>>): Promise<void> {
    const before = this.#doc;
    this.#doc = { ...before, ...change };
    const seen = JSON.stringify(this.#doc);
    if (seen === this.#last) return this.#writing;
    this.#last = seen;
    const { host, state, reason } = this.#doc;
    gaugeState(this.#metrics, host, { from: before.state, to: state });
    if (state !== before.state || reason !== before.reason)
      this.#log[state === 'unhealthy' || state === 'paused' ? 'warn' : 'info']({ reason }, state);
    const doc: HostDoc = { ...this.#doc, at: new Date().toISOString() };
    return this.#next(async () => {
      await this.#storage.put(keys.host(doc.host), JSON.stringify(doc));
    });
  }

  /** The ComfyUI is no longer one of ours. */
  forget(): Promise<void> {
    this.#log.info('forgotten');
    gaugeState(this.#metrics, this.#doc.host, { from: this.#doc.state, to: undefined });
    return this.#next(() => this.#storage.delete(keys.host(this.#doc.host)));
  }

  #next(write: () => Promise<void>): Promise<void> {
    this.#writing = this.#writing.then(write).catch((error: unknown) => this.#log.error(messageOf(error)));
    return this.#writing;
  }
}
