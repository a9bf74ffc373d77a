/** How long the event loop of the pool's owner waits while its threads score. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createScorePool } from '../../../activities/scoring/pool.js';
import type { ModelOptions } from '../../../scorers/models/sessions.js';
import type { BenchImage } from './images.js';
import { policyOf } from '../../selection/samples.js';

const policy = policyOf([]);

export interface EventLoopTiming {
  threads: number;
  images: number;
  imagesPerSecond: number;
  /** Milliseconds beyond the timer's own step. */
  p999Ms: number;
  maxMs: number;
}

export async function timeEventLoop(
  images: readonly BenchImage[],
  { threads, repeats, models }: { threads: number; repeats: number; models: ModelOptions },
): Promise<EventLoopTiming> {
  const pool = await createScorePool({ threads, models });
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  try {
    const all = async (times: number): Promise<void> => {
      const work = Array.from({ length: times }, () => images).flat();
      await Promise.all(work.map(({ png }) => pool.score({ bytes: png, policy, explain: 'all' })));
    };
    // threads and models are loaded once
    await all(1);
    histogram.enable();
    const start = performance.now();
    await all(repeats);
    const seconds = (performance.now() - start) / 1000;
    histogram.disable();
    const count = repeats * images.length;
    return {
      threads,
      images: count,
      imagesPerSecond: count / seconds,
      p999Ms: histogram.percentile(99.9) / 1e6 - 1,
      maxMs: histogram.max / 1e6 - 1,
    };
  } finally {
    await pool.close();
  }
}
