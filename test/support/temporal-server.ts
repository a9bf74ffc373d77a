/** vitest global setup: real Temporal servers for all suites that need one, one for each place in the pool (temporal-address.ts). */
import { resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { freePort, startServer } from '../../stack/temporal-server.js';

declare module 'vitest' {
  interface ProvidedContext {
    temporalAddresses: string[];
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
  const servers = await Promise.all(
    Array.from({ length: project.config.maxWorkers }, async () =>
      startServer({ binary: binary.path, port: await freePort() }),
    ),
  );
  // A test run that is killed must not leave a server behind.
  const kill = () => servers.forEach((server) => server.process.kill('SIGKILL'));
  process.once('exit', kill);
  project.provide(
    'temporalAddresses',
    servers.map(({ address }) => address),
  );
  project.provide('temporalBinary', binary.path);
  return async () => {
    process.off('exit', kill);
    await Promise.all(servers.map((server) => server.stop()));
  };
}
