/** The breaker at work: hears how every candidate ends, and gives a ComfyUI that fails fast a rest by taking its slots. */
import { CullError, messageOf, type ErrorCode } from '../errors.js';
import type { Provider } from '../providers/provider.js';
import type { Logger } from '../telemetry/log.js';
import { afterResult, allowedSlots, BREAKER_LIMITS, NEW_BREAKER, type Breaker, type BreakerLimits } from './breaker.js';
import { Permit } from './permit.js';
import type { HostReport } from './report.js';

export class Fuse {
  /** The provider, with an ear for how its candidates end. */
  readonly provider: Provider;
  readonly permit: Permit;
  readonly #slots: number;
  readonly #limits: BreakerLimits;
  readonly #report: Pick<HostReport, 'tell'>;
  readonly #log: Pick<Logger, 'warn'>;
  #breaker: Breaker = NEW_BREAKER;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: {
    provider: Provider;
    slots: number;
    report: Pick<HostReport, 'tell'>;
    log: Pick<Logger, 'warn'>;
    limits?: BreakerLimits;
  }) {
    const { provider, slots, report, log } = options;
    this.#slots = slots;
    this.#limits = options.limits ?? BREAKER_LIMITS;
    this.#report = report;
    this.#log = log;
    this.permit = new Permit(slots);
    this.provider = { ...provider, generate: (job, run) => this.#heard(() => provider.generate(job, run)) };
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #heard<T>(draw: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const ended = (error?: CullError): void => this.#ended(error?.code, error, performance.now() - startedAt);
    try {
      const drawn = await draw();
      ended();
      return drawn;
    } catch (error) {
      if (error instanceof CullError) ended(error);
      throw error;
    }
  }

  #ended(code: ErrorCode | undefined, error: CullError | undefined, tookMs: number): void {
    const now = performance.now();
    const before = this.#breaker;
    this.#breaker = afterResult(before, { code, tookMs }, { now, limits: this.#limits });
    if (this.#breaker === before) return;
    const { failures, restsUntil } = this.#breaker;
    this.permit.limit = allowedSlots(this.#breaker, { now, slots: this.#slots });
    clearTimeout(this.#timer);
    if (restsUntil === undefined) {
      if (before.restsUntil !== undefined) void this.#report.tell({ state: 'serving', reason: null });
      return;
    }
    const reason = `${failures} candidates in a row failed at once, the last with: ${messageOf(error)}`;
    this.#log.warn({ restMs: Math.round(restsUntil - now) }, reason);
    void this.#report.tell({ state: 'paused', reason });
    // Then one candidate tells whether it is well again.
    this.#timer = setTimeout(() => (this.permit.limit = 1), restsUntil - now + 1);
  }
}
