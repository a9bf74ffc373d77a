import type { Dict } from '../graph.js';
import type { World } from '../world.js';
import { files } from './files.js';
import { images } from './images.js';
import { loaders } from './loaders.js';
import { sampling } from './sampling.js';
import type { NodeClass } from './types.js';

/** Every node class of the sandbox, by name. */
export const CLASSES: ReadonlyMap<string, NodeClass> = new Map(
  [...loaders, ...sampling, ...files, ...images].map((nodeClass) => [nodeClass.name, nodeClass]),
);

/** What /object_info says about a class. */
export function objectInfo(node: NodeClass, world: World): Dict {
  const required = node.inputs(world);
  const hidden = node.hidden ? { hidden: node.hidden } : {};
  const hiddenOrder = node.hidden ? { hidden: Object.keys(node.hidden) } : {};
  const about = {
    input: { required, ...hidden },
    input_order: { required: Object.keys(required), ...hiddenOrder },
    is_input_list: false,
    output: node.outputs,
    output_is_list: node.outputs.map(() => false),
    output_name: node.outputNames ?? node.outputs,
  };
  const naming = {
    name: node.name,
    display_name: node.displayName,
    description: node.description ?? '',
    python_module: node.module,
    category: node.category,
    output_node: node.isOutput ?? false,
  };
  if (node.modern) {
    return {
      ...about,
      output_tooltips: node.outputs.map(() => null),
      output_matchtypes: null,
      ...naming,
      deprecated: false,
      experimental: false,
      dev_only: false,
      api_node: false,
      price_badge: null,
      search_aliases: node.searchAliases ?? null,
      essentials_category: node.essentials ?? null,
      has_intermediate_output: false,
    };
  }
  return {
    ...about,
    ...naming,
    has_intermediate_output: false,
    ...(node.outputTooltips ? { output_tooltips: node.outputTooltips } : {}),
    search_aliases: node.searchAliases ?? [],
    ...(node.essentials ? { essentials_category: node.essentials } : {}),
  };
}
