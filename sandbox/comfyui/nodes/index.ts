import type { Dict } from '../graph.js';
import type { Profile } from '../profile.js';
import type { World } from '../world.js';
import { files } from './files.js';
import { images } from './images.js';
import { latents } from './latents.js';
import { masks } from './masks.js';
import { loaders } from './loaders.js';
import { moving } from './moving.js';
import { outputsOf } from './outputs.js';
import { sampling } from './sampling.js';
import { solids } from './solids.js';
import { sound } from './sound.js';
import { texts } from './texts.js';
import type { NodeClass } from './types.js';

/** Every node class of the sandbox, by name. */
export const CLASSES: ReadonlyMap<string, NodeClass> = new Map(
  [...loaders, ...latents, ...sampling, ...files, ...masks, ...images, ...moving, ...sound, ...solids, ...texts].map(
    (nodeClass) => [nodeClass.name, nodeClass],
  ),
);

/** The classes that a version has. */
export function classesOf(profile: Profile): ReadonlyMap<string, NodeClass> {
  return new Map([...CLASSES].filter(([, { since }]) => since === undefined || profile.has(since)));
}

/** Name and place of a class in the menu. Before 0.27 "model/loaders" was "loaders", and so on. */
function menu(node: NodeClass, profile: Profile): Dict {
  const { displayName, category } = node;
  if (profile.has('newCategories')) return { display_name: displayName, category };
  const then = node.before ?? {};
  return {
    display_name: then.displayName === undefined ? displayName : then.displayName,
    category: then.category ?? category.replace(/^model\//, ''),
  };
}

/** What /object_info says about a class. */
export function objectInfo(node: NodeClass, world: World): Dict {
  const { profile } = world;
  const required = node.inputs(world);
  const optional = node.optional?.(world);
  const outputs = outputsOf(node, profile);
  const asked = Object.entries(node.hidden ?? {}).map(([name, type]) => [name, node.modern ? [type] : type]);
  const hidden = node.hidden ? { hidden: Object.fromEntries(asked) as Dict } : {};
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
    description: node.description ?? '',
    python_module: node.module,
    ...menu(node, profile),
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
