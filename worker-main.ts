/** Entry of the worker process of the embedded stack: every role, until a signal. */
import { readConfig } from './config.js';
import { messageOf } from './errors.js';
import { ROLES, runWorker } from './worker.js';

const stop = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
try {
  await runWorker({ config: readConfig(process.env), env: process.env, roles: ROLES, signal: stop.signal });
  process.exit(0);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(1);
}
