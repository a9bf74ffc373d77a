import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { CullError } from '../errors.js';
import type { Bindings, Graph } from './types.js';

/**
 * The id of a release: `sha256:` and the SHA-256 of its canonical JSON (RFC 8785), so the same content has the same name
 * whatever the order of its keys.
 *
 * @throws CullError TEMPLATE_INVALID if the content is not JSON (NaN, lone surrogates)
 * @example
 * hashRelease({ graph, bindings, policy }); // 'sha256:5f3c...'
 */
export function hashRelease(content: { graph: Graph; bindings: Bindings; policy: unknown }): string {
  const { graph, bindings, policy } = content;
  return hashJson({ graph, bindings, policy }, 'the release');
}

/**
 * The name of a policy by its content: `sha256:` and the SHA-256 of its canonical JSON (RFC 8785).
 *
 * @param policy in canonical form, as `parsePolicy` returns it
 * @throws CullError TEMPLATE_INVALID if it is not JSON
 * @example
 * hashPolicy(parsePolicy(text, { file, dimensions })); // 'sha256:9c1e...'
 */
export const hashPolicy = (policy: unknown): string => hashJson(policy, 'the policy');

function hashJson(value: unknown, what: string): string {
  try {
    const text = canonicalize(value);
    if (text !== undefined) return `sha256:${createHash('sha256').update(text).digest('hex')}`;
  } catch (error) {
    throw new CullError('TEMPLATE_INVALID', `${what} cannot be written as canonical JSON`, {
      hint: 'look for numbers that are not finite and for broken characters',
      cause: error,
    });
  }
  throw new CullError('INTERNAL', `${what} is without content`);
}
