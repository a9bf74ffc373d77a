/** What the commands that look back share (`replay`, `export`, `drift`): which requests, of whom, and what could not be read. */
import { Option, type Command } from 'commander';
import { finishedRequests, requestsSince, type FinishedRequest } from '../client/finished.js';
import type { Config } from '../config.js';
import { openStorage } from '../storage/index.js';
import { checkName } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { releaseName, since } from './options.js';
import type { Output } from './output.js';

export interface LookBackOptions {
  /** ISO 8601. */
  since: string;
  release?: string;
  tenant?: string;
}

export interface LookBack {
  storage: Storage;
  tenant: string;
  /** Names of requests, in the order of their days. */
  requests(): Promise<string[]>;
  /** Those of them that have ended. */
  read(requests: Iterable<string>): AsyncGenerator<FinishedRequest>;
  /** How many lines and documents could not be read so far; each is named on stderr, once. */
  unreadable(): number;
}

/** Adds `--since`, `--release` and `--tenant`. */
export const withLookBack = (command: Command): Command =>
  command
    .addOption(
      new Option('--since <when>', 'requests made since then: 7d, 12h, 2w, or a date (UTC)')
        .argParser(since)
        .default(since('7d'), '7d'),
    )
    .option('--release <id>', 'only requests of this release: sha256:…, or how it starts', releaseName)
    .option('--tenant <name>', 'whose requests (default: CULL_TENANT)');

/**
 * Opens the storage to look back.
 *
 * @throws CullError REQUEST_INVALID where the tenant is no name
 */
export function lookBack(
  { since: from, release, tenant: asked }: LookBackOptions,
  { config, output }: { config: Config; output: Output },
): LookBack {
  const tenant = checkName('tenant', asked ?? config.tenant);
  const storage = openStorage(config.storage);
  const problems = new Set<string>();
  const onProblem = (problem: string): void => {
    if (!problems.has(problem)) output.note(problem);
    problems.add(problem);
  };
  return {
    storage,
    tenant,
    requests: () => requestsSince(storage, { tenant, since: from }),
    read: (requests) => finishedRequests(storage, requests, { tenant, since: from, release, onProblem }),
    unreadable: () => problems.size,
  };
}
