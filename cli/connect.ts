/** How a command reaches Temporal: the cluster that TEMPORAL_* names, else the embedded stack. */
import { Cull } from '../client/cull.js';
import { embeddedTarget, temporalTarget } from '../client/temporal.js';
import type { Config } from '../config.js';
import { CullError } from '../errors.js';
import { ensureStack, runningStack, type StackDoc } from '../stack/index.js';
import { openStorage } from '../storage/index.js';
import { createLog } from '../telemetry/log.js';
import { startTraces } from '../telemetry/traces.js';

export interface Connected {
  cull: Cull;
  /** The embedded stack, if it is in use. */
  stack: StackDoc | undefined;
  close: () => Promise<void>;
}

/**
 * @param options.start whether to start the embedded stack if it does not run; without, its absence is an error that says so
 * @param options.embedded true to ignore TEMPORAL_* (the demo brings its own server)
 * @param options.service what it is called in traces
 * @param options.publicUrl where this process serves a folder's files, if CULL_PUBLIC_URL does not say
 */
export async function connect(
  config: Config,
  options: {
    start: boolean;
    embedded?: boolean;
    service?: string;
    publicUrl?: string | undefined;
    onStep?: (step: string) => void;
  },
): Promise<Connected> {
  const { service = 'cull-cli' } = options;
  const traces = await startTraces(process.env, { service, log: createLog({ level: config.logLevel, name: service }) });
  const publicUrl = config.storage.publicUrl ?? options.publicUrl;
  const storage = openStorage({ ...config.storage, ...(publicUrl !== undefined && { publicUrl }) });
  const { tenant } = config;
  const target = options.embedded ? undefined : temporalTarget(process.env);
  if (target) {
    const cull = await Cull.connect({ target, storage, tenant });
    return {
      cull,
      stack: undefined,
      async close() {
        await traces.close();
        await cull.close();
      },
    };
  }
  const attached = options.start ? await ensureStack(config, options) : undefined;
  const stack = attached?.stack ?? (await runningStack(config.dir));
  if (!stack?.temporal)
    throw new CullError(
      'TEMPORAL_UNREACHABLE',
      `no embedded stack runs in ${config.dir}, and TEMPORAL_ADDRESS is not set`,
      {
        hint: 'start a request with `comfy-cull generate`, or set TEMPORAL_ADDRESS',
      },
    );
  const cull = await Cull.connect({ target: embeddedTarget(stack.temporal.address), storage, tenant });
  return {
    cull,
    stack,
    async close() {
      await traces.close();
      await cull.close();
      attached?.detach();
    },
  };
}
