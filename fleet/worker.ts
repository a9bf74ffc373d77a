/** The Temporal Worker of one ComfyUI and one task queue. */
import { hostname } from 'node:os';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createGenerateActivities, FASTEST_HEARTBEAT_MS } from '../activities/generate.js';
import { activityInSpan } from '../activities/traces.js';
import type { TemporalTarget } from '../client/temporal.js';
import type { Config } from '../config.js';
import type { Provider } from '../providers/provider.js';
import type { Storage } from '../storage/storage.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import type { Member } from './members.js';
import { slotsOf, type Permit } from './permit.js';

/** Longer than any candidate may take: who drains waits, and who cannot wait aborts `leave`. */
const DRAIN = '1h';

const ONE = { type: 'fixed-size', numSlots: 1 } as const;
const NO_OTHER_TASKS = {
  workflowTaskSlotSupplier: ONE,
  localActivityTaskSlotSupplier: ONE,
  nexusTaskSlotSupplier: ONE,
} as const;

export interface GpuWorkerOptions extends Telemetry {
  member: Member;
  provider: Provider;
  /** The ComfyUI's slots. */
  permit: Permit;
  queue: string;
  /** Candidates that the ComfyUIs of the pool take at once now. */
  poolSlots: () => number;
  /** Told when a candidate begins or ends. */
  onChange?: () => void;
  config: Config;
  target: TemporalTarget;
  storage: Storage;
  /** Stops polling; resolves once what runs has finished. */
  stop: AbortSignal;
  /** Ends what runs at once and leaves it in ComfyUI. */
  leave: AbortSignal;
}

/** Draws the candidates of one queue on one ComfyUI until `stop` aborts. */
export async function runGpuWorker(options: GpuWorkerOptions): Promise<void> {
  const { member, provider, permit, queue, poolSlots, config, target, storage, log, metrics, stop, leave } = options;
  // Workers of one queue in one process each need a connection of their own.
  const slots = slotsOf(permit, options.onChange);
  const connection = await NativeConnection.connect(target.connectionOptions);
  try {
    const worker = await Worker.create({
      connection,
      namespace: target.namespace,
      taskQueue: queue,
      identity: `${hostname()}/${member.id}`,
      activities: createGenerateActivities({
        storage,
        provider,
        pool: member.pool,
        usdPerHour: config.comfyUsdPerHour,
        leave,
        poolSlots,
        telemetry: { log, metrics },
      }),
      interceptors: { activity: [activityInSpan] },
      tuner: { ...NO_OTHER_TASKS, activityTaskSlotSupplier: slots.supplier },
      // generate says how often a candidate is heard of: a cancellation arrives with the answer.
      maxHeartbeatThrottleInterval: FASTEST_HEARTBEAT_MS,
      defaultHeartbeatThrottleInterval: FASTEST_HEARTBEAT_MS,
      shutdownGraceTime: DRAIN,
    });
    const ended = new AbortController();
    const running = worker.run().finally(() => ended.abort());
    const shutdown = () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      slots.close();
    };
    stop.addEventListener('abort', shutdown, { once: true, signal: ended.signal });
    if (stop.aborted) shutdown();
    await running;
  } finally {
    slots.close();
    await connection.close();
  }
}
