import { CullError } from '../errors.js';
import { typeOf } from './bindings.js';
import { isLink } from './check.js';
import { NOT_KEPT } from './compared.js';
import type { Bindings, Graph, InputBinding } from './types.js';

type Place = InputBinding['at'][number];

const WRITE_BINDINGS =
  'write a bindings file beside the graph (name.template.yaml, see templates/README.md) that names it';

/**
 * Bindings for a graph that has no bindings file.
 *
 * Seed: every numeric field named `seed` or `noise_seed`, also where it is linked from a node that holds the number.
 * Output: every SaveImage node. Inputs: every literal field as `<node>.<field>`, and `prompt` where all samplers are fed
 * by one text.
 *
 * @throws CullError TEMPLATE_INVALID if there is no seed or no output
 */
export function inferBindings(graph: Graph, name: string): Bindings {
  const seed = findSeeds(graph);
  if (seed.length === 0) {
    throw new CullError(
      'TEMPLATE_INVALID',
      `${name}: no field named seed or noise_seed, so every candidate would be the same`,
      {
        hint: WRITE_BINDINGS,
      },
    );
  }
  const output = Object.keys(graph).filter((id) => graph[id]?.class_type === 'SaveImage');
  if (output.length === 0) {
    const preview = Object.values(graph).find((node) => NOT_KEPT.has(node.class_type));
    throw new CullError('TEMPLATE_INVALID', `${name}: no SaveImage node, so there is no output`, {
      hint: preview ? `replace ${preview.class_type} by SaveImage` : `add a SaveImage node, or ${WRITE_BINDINGS}`,
    });
  }
  const taken = new Set([...seed, ...output.map((node) => ({ node, field: 'filename_prefix' }))].map(keyOf));
  const inputs: Bindings['inputs'] = {};
  for (const [node, { inputs: fields }] of Object.entries(graph)) {
    for (const [field, value] of Object.entries(fields)) {
      const place = { node, field };
      if (!isLiteral(value) || taken.has(keyOf(place))) continue;
      inputs[keyOf(place)] = { at: [place], type: typeOf(place, value, graph), required: false, default: value };
    }
  }
  const prompt = findPrompt(graph);
  const text = prompt && graph[prompt.node]?.inputs[prompt.field];
  if (prompt && typeof text === 'string') {
    inputs.prompt = {
      at: [prompt],
      type: 'string',
      required: false,
      default: text,
      description: 'what the picture shows',
    };
  }
  return { name, inputs, seed, output };
}

function findSeeds(graph: Graph): Place[] {
  const found = new Map<string, Place>();
  for (const [node, { inputs }] of Object.entries(graph)) {
    for (const field of ['seed', 'noise_seed']) {
      const place = holderOf(graph, { node, field }, inputs[field], 'number');
      if (place) found.set(keyOf(place), place);
    }
  }
  return [...found.values()];
}

/** The one text that feeds the positive side of every sampler. */
function findPrompt(graph: Graph): Place | undefined {
  const texts = new Map<string, Place>();
  for (const { class_type, inputs } of Object.values(graph)) {
    const samples =
      'positive' in inputs && ('latent_image' in inputs || 'negative' in inputs) && !('control_net' in inputs);
    const start = samples ? inputs.positive : class_type === 'BasicGuider' ? inputs.conditioning : undefined;
    for (const place of textsBehind(graph, start)) texts.set(keyOf(place), place);
  }
  const [only, second] = texts.values();
  return second ? undefined : only;
}

/** Texts of CLIPTextEncode nodes upstream of a conditioning link. */
function textsBehind(graph: Graph, start: unknown): Place[] {
  const found: Place[] = [];
  const seen = new Set<string>();
  const open = [start];
  while (open.length > 0) {
    const link = open.pop();
    if (!isLink(link) || seen.has(link[0])) continue;
    const id = link[0];
    seen.add(id);
    const node = graph[id];
    if (!node) continue;
    if (node.class_type === 'CLIPTextEncode') {
      const place = holderOf(graph, { node: id, field: 'text' }, node.inputs.text, 'string');
      if (place) found.push(place);
      continue;
    }
    for (const [field, value] of Object.entries(node.inputs)) {
      if (field === 'positive' || field.startsWith('conditioning')) open.push(value);
    }
  }
  return found;
}

/** The place itself if it holds a value of the type, or the one field of the node it is linked from that does. */
function holderOf(graph: Graph, place: Place, value: unknown, type: 'number' | 'string'): Place | undefined {
  if (typeof value === type) return place;
  if (!isLink(value)) return undefined;
  const fields = Object.entries(graph[value[0]]?.inputs ?? {}).filter(([, one]) => typeof one === type);
  return fields.length === 1 && fields[0] ? { node: value[0], field: fields[0][0] } : undefined;
}

const isLiteral = (value: unknown): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';

const keyOf = (place: Place): string => `${place.node}.${place.field}`;
