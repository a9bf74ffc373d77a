/** What tenants may name: registered templates and policies. Graphs of their own are refused. */
import { CullError } from '../errors.js';
import { didYouMean } from '../selection/closest.js';
import type { Policy } from '../selection/types.js';
import type { Release } from '../templates/types.js';

export interface Catalogue {
  /** By template name, with the template's own policy. */
  templates: ReadonlyMap<string, Release<Policy>>;
  /** By policy name. */
  policies: ReadonlyMap<string, Policy>;
  /** The template with another policy. @throws CullError POLICY_INVALID where the policy's rules read inputs that the template does not have */
  combine(template: Release<Policy>, policy: Policy): Release<Policy>;
}

/** @throws CullError TEMPLATE_NOT_FOUND */
export function templateNamed({ templates }: Catalogue, name: string): Release<Policy> {
  const found = templates.get(name);
  if (found) return found;
  throw new CullError(
    'TEMPLATE_NOT_FOUND',
    `there is no template "${name}"${didYouMean(name, [...templates.keys()])}`,
    {
      hint: 'GET /v1/templates lists all; a graph of your own is not taken',
    },
  );
}

/** @throws CullError POLICY_NOT_FOUND */
export function policyNamed({ policies }: Catalogue, name: string): Policy {
  const found = policies.get(name);
  if (found) return found;
  throw new CullError('POLICY_NOT_FOUND', `there is no policy "${name}"${didYouMean(name, [...policies.keys()])}`, {
    hint: 'GET /v1/policies lists all',
  });
}

/** The release that a request asks for. @throws CullError TEMPLATE_NOT_FOUND, POLICY_NOT_FOUND, POLICY_INVALID */
export function releaseFor(
  catalogue: Catalogue,
  { template, policy }: { template: string; policy?: string },
): Release<Policy> {
  const own = templateNamed(catalogue, template);
  return policy === undefined ? own : catalogue.combine(own, policyNamed(catalogue, policy));
}
