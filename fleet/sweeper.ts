/** The Temporal Worker that sweeps one ComfyUI: this machine alone may have a path to its folders. */
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createComfySweepActivities } from '../activities/sweep-comfy.js';
import type { TemporalTarget } from '../client/temporal.js';
import type { Config } from '../config.js';
import { messageOf } from '../errors.js';
import type { ComfyClient } from '../providers/comfyui/index.js';
import type { Storage } from '../storage/storage.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { comfyQueue } from '../workflows/sweep-contract.js';
import { foldersOf, type Member } from './members.js';

/** After a connection that failed. */
const AGAIN_MS = 10_000;

interface Sweeper extends Telemetry {
  member: Member;
  client: ComfyClient;
  config: Config;
  target: TemporalTarget;
  storage: Storage;
  stop: AbortSignal;
}

/** Serves the sweeps of a ComfyUI until `stop` aborts. Never throws: a ComfyUI draws also where nobody can sweep it. */
export async function runSweeper(sweeper: Sweeper): Promise<void> {
  const { log, stop } = sweeper;
  while (!stop.aborted)
    try {
      await serve(sweeper);
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'it cannot be swept');
      await wait(AGAIN_MS, undefined, { signal: stop }).catch(() => undefined);
    }
}

async function serve({ member, client, config, target, storage, log, metrics, stop }: Sweeper): Promise<void> {
  const connection = await NativeConnection.connect(target.connectionOptions);
  try {
    const worker = await Worker.create({
      connection,
      namespace: target.namespace,
      taskQueue: comfyQueue(member.id),
      identity: `${hostname()}/${member.id}/sweep`,
      activities: createComfySweepActivities({
        storage,
        client,
        folders: foldersOf(member, config.comfyFolders),
        retention: config.retention,
        telemetry: { log, metrics },
      }),
      maxConcurrentActivityTaskExecutions: 1,
      maxConcurrentActivityTaskPolls: 1,
      // A sweep that is cut off goes on with the next.
      shutdownGraceTime: '1s',
    });
    const shutdown = () => worker.getState() === 'RUNNING' && worker.shutdown();
    stop.addEventListener('abort', shutdown, { once: true });
    const running = worker.run();
    if (stop.aborted) shutdown();
    await running.finally(() => stop.removeEventListener('abort', shutdown));
  } finally {
    await connection.close();
  }
}
