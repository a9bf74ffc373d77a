/** A worker whose scores are answered at once and measure nothing: what is left is drawing and storing. */
import { NativeConnection, Worker } from '@temporalio/worker';
import { readConfig } from '../../config.js';
import { runWorker } from '../../worker.js';
import { SCORE_QUEUE } from '../../workflows/contract.js';

const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const running = runWorker({
  config: readConfig(process.env),
  env: process.env,
  roles: ['orchestrate', 'gpu'],
  signal: stop.signal,
});
const connection = await NativeConnection.connect({ address: process.env['TEMPORAL_ADDRESS'] ?? '' });
const scorer = await Worker.create({
  connection,
  taskQueue: SCORE_QUEUE,
  activities: { score: () => Promise.resolve({ pass: true, failed: [] }) },
});
stop.signal.addEventListener('abort', () => scorer.shutdown());
await Promise.all([running, scorer.run()]);
await connection.close();
process.exit(0);
