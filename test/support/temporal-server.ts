/** vitest global setup: one real Temporal server for all suites that need one. Its address is provided as `temporalAddress`. */
import { resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { freePort, startServer } from '../../stack/temporal-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    temporalAddress: string;
    temporalBinary: string;
  }
}

/** Fails loudly, with what to install, where no server can be had: a suite without one would prove nothing. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = resolve(import.meta.dirname, '../../.cull/test');
  const binary = await resolveTemporalBinary({
    dir,
    cliPath: process.env['TEMPORAL_CLI_PATH'],
    onStep: (step) => process.stderr.write(`${step}\n`),
  });
  const server = await startServer({ binary: binary.path, port: await freePort() });
  // A test run that is killed must not leave a server behind.
  const kill = () => server.process.kill('SIGKILL');
  process.once('exit', kill);
  project.provide('temporalAddress', server.address);
  project.provide('temporalBinary', binary.path);
  return async () => {
    process.off('exit', kill);
    await server.stop();
  };
}
