/** From a template file and a policy file to a release. */
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CullError, messageOf } from '../errors.js';
import { dimensionsOf, loadScorers, modelNamesOf, versionsOf } from '../scorers/registry.js';
import { didYouMean } from '../selection/closest.js';
import { pinned } from '../selection/pins.js';
import { canonicalPolicy } from '../selection/canonical-policy.js';
import { parsePolicy } from '../selection/policy-file.js';
import { inputsRead } from '../selection/rule-check.js';
import type { Policy } from '../selection/types.js';
import { checkGraph } from '../templates/check.js';
import { loadTemplate } from '../templates/load.js';
import { hashRelease } from '../templates/release.js';
import type { Release, Template } from '../templates/types.js';

/** The folder of the package: examples are found by their path in it from everywhere. */
const PACKAGE = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '..' : '../..', import.meta.url));
export const GENERIC_POLICY = 'examples/policies/generic.yaml';

/** A path as given, else the same path inside the package (`examples/templates/txt2img.json` works from any folder). */
export function findFile(path: string): string {
  const here = resolve(path);
  const shipped = resolve(PACKAGE, path);
  return !existsSync(here) && existsSync(shipped) ? shipped : here;
}

/**
 * Reads and checks a policy file against the scorers that are there.
 *
 * @param options `toMeasure`: images are to be measured by it here, so that pins of other versions are mistakes
 */
export async function readPolicy(
  path: string,
  scorerModules: string[],
  { toMeasure = false }: { toMeasure?: boolean } = {},
): Promise<Policy> {
  const file = findFile(path);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new CullError('POLICY_INVALID', `the policy ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'check the path',
    });
  });
  const open = (named: string): string => readFileSync(resolve(dirname(file), named), 'utf8');
  const scorers = await loadScorers(scorerModules);
  const versions = toMeasure ? { versions: versionsOf(scorers) } : {};
  const [dimensions, models] = [dimensionsOf(scorers), modelNamesOf(scorers)];
  return parsePolicy(text, { file: path, dimensions, models, open, ...versions });
}

/** The policy of a release: it names the version of every scorer that it reads, its own pins or those that are here. @throws CullError POLICY_*, SCORER_VERSION */
export async function readReleasePolicy(path: string, scorerModules: string[]): Promise<Policy> {
  const policy = await readPolicy(path, scorerModules, { toMeasure: true });
  return canonicalPolicy(pinned(policy, versionsOf(await loadScorers(scorerModules))));
}

/** A policy may serve several templates, so only here is it known which inputs there are. */
function checkRuleInputs({ policy, gates }: Policy, inputs: readonly string[]): void {
  for (const gate of gates) {
    const unknown = gate.kind === 'rule' ? inputsRead(gate.rule).find((name) => !inputs.includes(name)) : undefined;
    if (unknown !== undefined)
      throw new CullError(
        'POLICY_INVALID',
        `the rule ${gate.id} of the policy ${policy} reads request.inputs.${unknown}, and the template has no such input${didYouMean(unknown, inputs)}`,
        { hint: `it has ${inputs.join(', ')}; a rule for several templates asks has(request.inputs.${unknown}) first` },
      );
  }
}

/**
 * Loads and checks a template with its policy: `policyPath` if given, else the template's own, else the generic one.
 *
 * @throws CullError TEMPLATE_*, NODE_NOT_ALLOWED, POLICY_*, SCORER_VERSION
 */
export async function readRelease(
  templatePath: string,
  options: { policyPath: string | undefined; scorers: string[]; allowNodes: string[] },
): Promise<Release<Policy>> {
  const file = findFile(templatePath);
  const template = await loadTemplate(file);
  checkGraph(template.graph, { allowNodes: options.allowNodes });
  const own = template.policyPath === undefined ? undefined : resolve(dirname(file), template.policyPath);
  return combine(template, await readReleasePolicy(options.policyPath ?? own ?? GENERIC_POLICY, options.scorers));
}

/** The release of a template and a policy. @throws CullError POLICY_INVALID where a rule reads an input that the template does not have */
export function combine({ graph, bindings }: Pick<Template, 'graph' | 'bindings'>, policy: Policy): Release<Policy> {
  checkRuleInputs(policy, Object.keys(bindings.inputs));
  const content = { graph, bindings, policy };
  return { id: hashRelease(content), ...content };
}
