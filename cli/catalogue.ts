/** The templates and policies of two folders, as the service offers them. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.js';
import { CullError, messageOf } from '../errors.js';
import type { Policy } from '../selection/types.js';
import type { Catalogue } from '../service/catalogue.js';
import type { Release } from '../templates/types.js';
import { combine, findFile, readRelease, readReleasePolicy } from './release.js';

/**
 * Reads every `*.template.yaml` with its graph, and every policy. All are checked as `generate` checks them; the first that is wrong stops the start.
 *
 * @throws CullError TEMPLATE_*, NODE_NOT_ALLOWED, POLICY_*, SCORER_VERSION; CONFIG_INVALID for a folder that is not there, a name that is there twice
 * @example
 * const { templates } = await readCatalogue(config, { templates: 'examples/templates', policies: 'examples/policies' });
 */
export async function readCatalogue(
  config: Pick<Config, 'scorers' | 'allowNodes'>,
  folders: { templates: string; policies: string },
): Promise<Catalogue> {
  const { scorers, allowNodes } = config;
  const templates = new Map<string, Release<Policy>>();
  for (const file of await filesOf(folders.templates, /\.template\.ya?ml$/)) {
    const graph = file.replace(/\.template\.ya?ml$/, '.json');
    const release = await readRelease(graph, { policyPath: undefined, scorers, allowNodes });
    addOnce(templates, release.bindings.name, { value: release, file });
  }
  const policies = new Map<string, Policy>();
  for (const file of await filesOf(folders.policies, /\.ya?ml$/)) {
    const policy = await readReleasePolicy(file, scorers);
    addOnce(policies, policy.policy, { value: policy, file });
  }
  return { templates, policies, combine };
}

function addOnce<T>(all: Map<string, T>, name: string, { value, file }: { value: T; file: string }): void {
  if (all.has(name))
    throw new CullError('CONFIG_INVALID', `${file}: the name ${name} is taken by another file of its folder`, {
      hint: 'give one of them another name',
    });
  all.set(name, value);
}

async function filesOf(folder: string, name: RegExp): Promise<string[]> {
  const path = findFile(folder);
  const files = await readdir(path).catch((error: unknown) => {
    throw new CullError('CONFIG_INVALID', `the folder ${folder} cannot be read: ${messageOf(error)}`, {
      hint: 'name another with --templates or --policies',
    });
  });
  return files
    .filter((file) => name.test(file))
    .sort()
    .map((file) => join(path, file));
}
