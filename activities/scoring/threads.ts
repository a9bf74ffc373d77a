import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Piscina } from 'piscina';
import type { ScoreResult, ThreadData, ThreadJob } from './task.js';

/** Loading modules and models anew costs a second or two; after so many images that is little, and memory that comes back stays small. */
const IMAGES_BETWEEN = 64;

export interface Recycling {
  /** Resident size of the process, in MiB, above which the threads are replaced. */
  aboveMb: number;
  /** Images that are measured between two replacements at least, by all threads together. @default 64 */
  afterImages?: number;
}

export interface Threads {
  /** Runs a job on a thread of its own; an abort ends the thread. */
  run(job: ThreadJob, signal: AbortSignal): Promise<ScoreResult>;
  /** Running jobs are given up. */
  close(): Promise<void>;
}

/**
 * Threads that come when there is work and go when there is none for a while. What onnxruntime, sharp and V8 keep for the next image grows
 * with the shapes they have seen and is given back only when a thread ends: once the process is larger than allowed, new jobs go to
 * new threads, and the old ones end with the job they have.
 *
 * @example
 * const threads = createThreads({ count: 2, workerData, idleTimeout: 30_000, recycling: { aboveMb: 2048 } });
 */
export function createThreads({
  count,
  workerData,
  idleTimeout,
  recycling: { aboveMb, afterImages = IMAGES_BETWEEN },
}: {
  count: number;
  workerData: ThreadData;
  idleTimeout: number;
  recycling: Recycling;
}): Threads {
  const inSource = import.meta.url.endsWith('.ts');
  const start = (): Piscina<ThreadJob, ScoreResult> =>
    new Piscina<ThreadJob, ScoreResult>({
      filename: fileURLToPath(new URL(inSource ? './thread.ts' : './thread.js', import.meta.url)),
      minThreads: 0,
      maxThreads: count,
      idleTimeout,
      name: 'score',
      workerData,
      // waiting for work in Atomics.wait would block the thread's event loop, and with it sharp's callbacks and timers
      atomics: 'disabled',
      ...(inSource && { execArgv: ['--import', typescriptLoader()] }),
    });
  let current = start();
  let images = 0;
  const running = new Map([[current, 0]]);

  /** Ends threads that get no more work, once they have none left. */
  const retire = async (piscina: typeof current): Promise<void> => {
    if (piscina === current || running.get(piscina) !== 0) return;
    running.delete(piscina);
    await piscina.destroy();
  };
  return {
    async run(job, signal) {
      const mine = current;
      running.set(mine, (running.get(mine) ?? 0) + 1);
      try {
        return await mine.run(job, { signal });
      } finally {
        running.set(mine, (running.get(mine) ?? 1) - 1);
        images++;
        if (mine === current && images >= afterImages && process.memoryUsage.rss() > aboveMb * 2 ** 20) {
          current = start();
          running.set(current, 0);
          images = 0;
        }
        await retire(mine);
      }
    },
    async close() {
      await Promise.all([...running.keys()].map((piscina) => piscina.destroy()));
    },
  };
}

/** The URL of tsx, found from here: `--import tsx` alone would be looked up in the working directory. */
function typescriptLoader(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
}
