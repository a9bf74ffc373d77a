import type { Profile } from '../profile.js';
import type { NodeClass } from './types.js';

/** The types that a class puts out in a version. */
export function outputsOf(node: NodeClass, profile: Profile): readonly string[] {
  return node.isOutput && !profile.has('saveImageOutput') ? [] : node.outputs;
}
