/** vitest global setup: the Temporal server's binary, for all suites that need one (temporal-address.ts). */
import { resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';

declare module 'vitest' {
  interface ProvidedContext {
    temporalBinary: string;
  }
}

/** Fails loudly, with what to install, where no server can be had: a suite without one would prove nothing. */
export async function setup(project: TestProject): Promise<void> {
  const binary = await resolveTemporalBinary({
    dir: resolve(import.meta.dirname, '../../.cull/test'),
    cliPath: process.env['TEMPORAL_CLI_PATH'],
    onStep: (step) => process.stderr.write(`${step}\n`),
  });
  project.provide('temporalBinary', binary.path);
}
