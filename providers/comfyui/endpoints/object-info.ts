/** /object_info: the node classes of a ComfyUI. */
import { fieldsOf, listOf, numberOf, present, textOf, type Fields } from '../fields.js';
import type { Server, With } from './server.js';

export interface NodeInput {
  required: boolean;
  /** `INT`, `FLOAT`, `STRING`, `BOOLEAN`, `COMBO`, or what it is linked to: `IMAGE`, `MODEL`, … */
  type: string;
  /** Of a COMBO: the values it takes, such as the model files that are there. */
  options?: unknown[];
  default?: unknown;
  min?: number;
  max?: number;
  /** Everything else that is said of it: `step`, `multiline`, `tooltip`, … */
  more: Fields;
}

export interface NodeClass {
  name: string;
  displayName: string;
  category: string;
  /** Where it comes from: `nodes`, `comfy_extras.…`, `custom_nodes.…`. */
  pythonModule: string;
  /** Whether a prompt may end in it. */
  outputNode: boolean;
  deprecated: boolean;
  /** Calls a paid service of somebody else. */
  apiNode: boolean;
  inputs: Record<string, NodeInput>;
  outputs: { name: string; type: string; isList: boolean }[];
}

export async function objectInfo(to: Server, options: With): Promise<Record<string, NodeClass>> {
  const body = fieldsOf(await to.json('/object_info', { timeoutMs: to.timeouts.downloadMs, ...options }));
  return Object.fromEntries(Object.entries(body).map(([name, info]) => [name, parseClass(name, info)]));
}

export async function nodeClass(to: Server, name: string, options: With): Promise<NodeClass | undefined> {
  const body = fieldsOf(await to.json(`/object_info/${encodeURIComponent(name)}`, options));
  return Object.hasOwn(body, name) ? parseClass(name, body[name]) : undefined;
}

function parseClass(name: string, info: unknown): NodeClass {
  const fields = fieldsOf(info);
  const { required, optional } = fieldsOf(fields.input);
  const inputs = (group: unknown, isRequired: boolean): [string, NodeInput][] =>
    Object.entries(fieldsOf(group)).map(([input, spec]) => [input, parseInput(spec, isRequired)]);
  const outputNames = listOf(fields.output_name);
  const lists = listOf(fields.output_is_list);
  return {
    name,
    displayName: textOf(fields.display_name) ?? name,
    category: textOf(fields.category) ?? '',
    pythonModule: textOf(fields.python_module) ?? '',
    outputNode: fields.output_node === true,
    deprecated: fields.deprecated === true,
    apiNode: fields.api_node === true,
    inputs: Object.fromEntries([...inputs(required, true), ...inputs(optional, false)]),
    outputs: listOf(fields.output).map((type, i) => ({
      name: textOf(outputNames[i]) ?? typeName(type),
      type: typeName(type),
      isList: lists[i] === true,
    })),
  };
}

/** A list in the place of a type is the older way to write a COMBO. */
const typeName = (type: unknown): string => (Array.isArray(type) ? 'COMBO' : (textOf(type) ?? '*'));

/** `[type, {…}]`; a choice is `[[options…], {…}]` or `["COMBO", {options: […]}]`. */
function parseInput(spec: unknown, required: boolean): NodeInput {
  const [type, about] = listOf(spec);
  const { options, default: preset, min, max, ...more } = fieldsOf(about);
  const choices = Array.isArray(type)
    ? (type as unknown[])
    : Array.isArray(options)
      ? (options as unknown[])
      : undefined;
  return present<NodeInput>({
    required,
    type: typeName(type),
    options: choices,
    default: preset,
    min: numberOf(min),
    max: numberOf(max),
    more,
  });
}
