import { existsSync } from 'node:fs';
import { classOf, inputsOf, isDict, PythonError, type Dict, type Graph } from './graph.js';
import { Exact, numeric } from './json.js';
import { outputsOf } from './nodes/outputs.js';
import type { InputLimits, InputSpec, NodeClass } from './nodes/types.js';
import { floatText, repr, str, toFloat, toInt } from './python.js';
import type { World } from './world.js';

export interface Reason {
  readonly type: string;
  readonly message: string;
  readonly details: string;
  readonly extra_info: Dict;
}

export interface NodeError {
  readonly errors: readonly Reason[];
  readonly dependent_outputs: string[];
  readonly class_type: string;
}

/** What came of checking one node. */
export interface Checked {
  readonly ok: boolean;
  readonly reasons: readonly Reason[];
}

/** Longest list that an error message quotes in full. */
const QUOTED_OPTIONS = 20;

interface Walk {
  readonly graph: Graph;
  readonly classes: ReadonlyMap<string, NodeClass>;
  readonly world: World;
  readonly checked: Map<string, Checked>;
  readonly path: readonly string[];
}

function exceptionInfo(error: unknown): Dict {
  const exception_type = error instanceof PythonError ? error.pythonType : 'TypeError';
  return { exception_type, traceback: ['  File "sandbox/comfyui/validation.ts", in validate_inputs\n'] };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Checks an output node and all that it needs. */
export function checkOutput(id: string, walk: Walk): Checked {
  try {
    return checkNode(id, walk);
  } catch (error) {
    const result: Checked = {
      ok: false,
      reasons: [
        {
          type: 'exception_during_validation',
          message: 'Exception when validating node',
          details: messageOf(error),
          extra_info: exceptionInfo(error),
        },
      ],
    };
    walk.checked.set(id, result);
    return result;
  }
}

function checkNode(id: string, walk: Walk): Checked {
  const { graph, checked, path } = walk;
  const known = checked.get(id);
  if (known) return known;
  if (path.includes(id)) return cycle([...path.slice(path.indexOf(id)), id], walk);

  const inputs = inputsOf(graph, id);
  const nodeClass = walk.classes.get(classOf(graph[id]));
  if (!nodeClass) throw new PythonError('KeyError', repr(classOf(graph[id])));
  const reasons: Reason[] = [];
  let ancestorsFine = true;
  const required = nodeClass.inputs(walk.world);
  for (const [name, spec] of Object.entries({ ...required, ...nodeClass.optional?.(walk.world) })) {
    const value = inputs[name];
    if (!(name in inputs)) {
      if (!(name in required)) continue;
      reasons.push(reason('required_input_missing', 'Required input is missing', name, { input_name: name }));
    } else if (Array.isArray(value)) {
      const problem = checkLink(value, { id, name, spec, walk });
      if (problem === 'ancestor') ancestorsFine = false;
      else if (problem) reasons.push(problem);
    } else {
      const problem = checkValue(inputs, { name, spec, nodeClass, world: walk.world });
      if (problem) reasons.push(problem);
    }
  }
  const before = checked.get(id); // a cycle found below has put its own reasons here
  const all = [...(before?.reasons ?? []), ...reasons];
  const result = { ok: (before?.ok ?? true) && ancestorsFine && reasons.length === 0, reasons: all };
  checked.set(id, result);
  return result;
}

function reason(type: string, message: string, details: string, extra_info: Dict): Reason {
  return { type, message, details, extra_info };
}

function cycle(path: readonly string[], walk: Walk): Checked {
  const { graph, checked } = walk;
  const nodes = [...new Set(path)];
  if (!walk.world.profile.has('dependencyCycles')) return { ok: false, reasons: [] };
  const details = path.map((id) => `${id} (${classOf(graph[id])})`).join(' -> ');
  for (const id of nodes) {
    const extra_info = { node_id: id, cycle_nodes: nodes };
    checked.set(id, {
      ok: false,
      reasons: [reason('dependency_cycle', 'Dependency cycle detected', details, extra_info)],
    });
  }
  return checked.get(path[0] ?? '') ?? { ok: false, reasons: [] };
}

/** A spec as error messages carry it: always with its options. */
function config(spec: InputSpec): readonly [unknown, InputLimits] {
  return [spec[0], spec[1] ?? {}];
}

/** Whether a type may go into a socket; a type may be a list with commas, and "*" goes with all. */
function fits(received: string, wanted: unknown): boolean {
  if (received === wanted || received === '*' || wanted === '*') return true;
  const taken = typeof wanted === 'string' ? wanted.split(',') : [];
  return received.split(',').every((type) => taken.includes(type));
}

function checkLink(
  link: readonly unknown[],
  { id, name, spec, walk }: { id: string; name: string; spec: InputSpec; walk: Walk },
): Reason | 'ancestor' | undefined {
  const input_config = config(spec);
  if (link.length !== 2) {
    const message = 'Bad linked input, must be a length-2 list of [node_id, slot_index]';
    return reason('bad_linked_input', message, name, { input_name: name, input_config, received_value: link });
  }
  const [from, slot] = link;
  const source = typeof from === 'string' ? walk.graph[from] : undefined;
  if (typeof from !== 'string' || source === undefined) throw new PythonError('KeyError', repr(from));
  const sourceClass = walk.classes.get(classOf(source));
  const types = sourceClass ? outputsOf(sourceClass, walk.world.profile) : [];
  if (typeof slot !== 'number') {
    throw new PythonError('TypeError', 'tuple indices must be integers or slices, not str');
  }
  const received = types.at(slot);
  if (received === undefined) throw new PythonError('IndexError', 'tuple index out of range');
  if (!fits(received, spec[0])) {
    const wanted = str(spec[0]);
    return reason(
      'return_type_mismatch',
      'Return type mismatch between linked nodes',
      `${name}, received_type(${received}) mismatch input_type(${wanted})`,
      { input_name: name, input_config, received_type: received, linked_node: link },
    );
  }
  try {
    return checkNode(from, { ...walk, path: [...walk.path, id] }).ok ? undefined : 'ancestor';
  } catch (error) {
    const details = messageOf(error);
    const { exception_type, traceback } = exceptionInfo(error);
    const extra_info = { input_name: name, input_config, exception_message: details, exception_type, traceback };
    walk.checked.set(from, {
      ok: false,
      reasons: [
        reason('exception_during_inner_validation', 'Exception when validating inner node', details, {
          ...extra_info,
          linked_node: link,
        }),
      ],
    });
    return 'ancestor';
  }
}

function checkValue(
  inputs: Dict,
  { name, spec, nodeClass, world }: { name: string; spec: InputSpec; nodeClass: NodeClass; world: World },
): Reason | undefined {
  const input_config = config(spec);
  const [type, limits] = input_config;
  let value = inputs[name];
  if (isDict(value) && '__value__' in value) value = value.__value__;
  const given = value;
  try {
    if (type === 'INT') value = toInt(value);
    if (type === 'FLOAT') value = toFloat(value);
    if (type === 'STRING') value = str(value);
  } catch (error) {
    const why = messageOf(error);
    const message = `Failed to convert an input value to a ${str(type)} value`;
    const extra_info = { input_name: name, input_config, received_value: given, exception_message: why };
    return reason('invalid_input_type', message, `${name}, ${str(given)}, ${why}`, extra_info);
  }
  inputs[name] = value;
  const check = nodeClass.checks?.[name];
  if (check) {
    const problem = check(value, world);
    if (problem === undefined) return undefined;
    const message = 'Custom validation failed for node';
    return reason('custom_validation_failed', message, `${name} - ${problem}`, { input_name: name });
  }
  const extra_info = { input_name: name, input_config, received_value: value };
  const amount = numeric(value);
  if (amount !== undefined) {
    const [min, max] = [numeric(limits.min), numeric(limits.max)];
    const show = (n: unknown): string => (n instanceof Exact || type !== 'FLOAT' ? repr(n) : floatText(n as number));
    if (min !== undefined && amount < min) {
      const message = `Value ${show(value)} smaller than min of ${show(limits.min)}`;
      return reason('value_smaller_than_min', message, name, extra_info);
    }
    if (max !== undefined && amount > max) {
      const message = `Value ${show(value)} bigger than max of ${show(limits.max)}`;
      return reason('value_bigger_than_max', message, name, extra_info);
    }
  }
  const options = type === 'COMBO' ? limits.options : type;
  if (Array.isArray(options) && !options.includes(value)) {
    const long = options.length > QUOTED_OPTIONS;
    const list = long ? `(list of length ${options.length})` : repr(options);
    return reason('value_not_in_list', 'Value not in list', `${name}: ${repr(value)} not in ${list}`, {
      ...extra_info,
      input_config: long ? null : input_config,
    });
  }
  return undefined;
}

/** LoadImage's own check: the file must be there. */
export function imageExists(value: unknown, world: World): string | undefined {
  const path = world.folders.source(str(value));
  return path !== undefined && existsSync(path) ? undefined : `Invalid image file: ${str(value)}`;
}
