import type { Dict } from '../graph.js';
import type { Profile } from '../profile.js';
import type { World } from '../world.js';
import { files } from './files.js';
import { images } from './images.js';
import { loaders } from './loaders.js';
import { outputsOf } from './outputs.js';
import { sampling } from './sampling.js';
import { texts } from './texts.js';
import type { NodeClass } from './types.js';

/** Every node class of the sandbox, by name. */
export const CLASSES: ReadonlyMap<string, NodeClass> = new Map(
  [...loaders, ...sampling, ...files, ...images, ...texts].map((nodeClass) => [nodeClass.name, nodeClass]),
);

/** The classes that a version has. */
export function classesOf(profile: Profile): ReadonlyMap<string, NodeClass> {
  return new Map([...CLASSES].filter(([, { since }]) => since === undefined || profile.has(since)));
}

/** Before 0.27 models were "loaders", "conditioning", ...; now they are "model/loaders", and so on. */
function categoryOf({ category }: NodeClass, profile: Profile): string {
  return profile.has('newCategories') ? category : category.replace(/^model\//, '');
}

/** What /object_info says about a class. */
export function objectInfo(node: NodeClass, world: World): Dict {
  const { profile } = world;
  const required = node.inputs(world);
  const optional = node.optional?.(world);
  const outputs = outputsOf(node, profile);
  const hidden = node.hidden ? { hidden: node.hidden } : {};
  const hiddenOrder = node.hidden ? { hidden: Object.keys(node.hidden) } : {};
  const about = {
    input: { required, ...(optional ? { optional } : {}), ...hidden },
    input_order: {
      required: Object.keys(required),
      ...(optional ? { optional: Object.keys(optional) } : {}),
      ...hiddenOrder,
    },
    is_input_list: false,
    output: outputs,
    output_is_list: outputs.map(() => false),
    output_name: outputs.length > 0 ? (node.outputNames ?? outputs) : [],
  };
  const naming = {
    name: node.name,
    display_name: node.displayName,
    description: node.description ?? '',
    python_module: node.module,
    category: categoryOf(node, profile),
    output_node: node.isOutput ?? false,
  };
  const intermediate = profile.has('newCategories') ? { has_intermediate_output: false } : {};
  if (node.modern) {
    return {
      ...about,
      output_tooltips: outputs.map(() => null),
      output_matchtypes: null,
      ...naming,
      deprecated: false,
      experimental: false,
      dev_only: false,
      api_node: false,
      price_badge: null,
      search_aliases: node.searchAliases ?? null,
      essentials_category: node.essentials ?? null,
      ...intermediate,
    };
  }
  return {
    ...about,
    ...naming,
    ...intermediate,
    ...(node.outputTooltips ? { output_tooltips: node.outputTooltips } : {}),
    search_aliases: node.searchAliases ?? [],
    ...(node.essentials ? { essentials_category: node.essentials } : {}),
  };
}
