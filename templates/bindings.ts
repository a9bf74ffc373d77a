import { isMap, isPair, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { CullError } from '../errors.js';
import { isLink, nodeName } from './check.js';
import { checkCompared, comparedFields, NOT_KEPT } from './compared.js';
import { checkValue, type InputValue } from './inputs.js';
import { meant } from './suggest.js';
import type { Bindings, Graph, InputBinding, InputType, Template } from './types.js';

const nodeId = z.union([z.string().min(1), z.number().int()]).transform(String);
const place = z.strictObject({ node: nodeId, field: z.string().min(1) });
const types = ['string', 'number', 'integer', 'boolean', 'image'] as const;
const literal = z.union([z.string(), z.number(), z.boolean()]);
const input = z
  .strictObject({
    node: nodeId.optional(),
    field: z.string().min(1).optional(),
    at: z.array(place).min(1).optional(),
    type: z.enum(types).optional(),
    required: z.boolean().optional(),
    default: literal.optional(),
    min: z.number().optional(),
    max: z.number().optional(),
    description: z.string().optional(),
  })
  .refine((one) => (one.at === undefined) === (one.node !== undefined && one.field !== undefined), {
    message: 'needs either "node" and "field", or "at" with a list of them',
  })
  .refine((one) => one.required !== true || one.default === undefined, {
    message: 'is required and has a default: choose one',
  })
  .refine((one) => one.min === undefined || one.max === undefined || one.min <= one.max, {
    message: 'has a min above its max',
  });

/** The bindings file. docs of each field: templates/README.md. */
const file = z.strictObject({
  name: z.string().min(1),
  policy: z.string().min(1).optional(),
  inputs: z.record(z.string().min(1), input).default({}),
  seed: z.union([place.transform((one) => [one]), z.array(place).min(1)]),
  output: z.union([nodeId.transform((one) => [one]), z.array(nodeId).min(1)]),
  ...comparedFields,
});

/** Field names per level, for "did you mean". */
const KNOWN = {
  top: ['name', 'policy', 'inputs', 'seed', 'output', ...Object.keys(comparedFields)],
  input: ['node', 'field', 'at', 'type', 'required', 'default', 'min', 'max', 'description'],
  place: ['node', 'field'],
  expect: ['input'],
};

type Path = (string | number)[];

/**
 * A bindings file (YAML), checked against its graph.
 *
 * @throws CullError TEMPLATE_INVALID with file and line, and the closest name where one is unknown
 */
export function parseBindings(text: string, of: { graph: Graph; source: string }): Template {
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fail = (message: string, at: { path?: Path; offset?: number; hint?: string }): never => {
    const offset = at.offset ?? offsetOf(doc, at.path ?? []);
    const line = lines.linePos(offset).line;
    throw new CullError('TEMPLATE_INVALID', `${of.source}, line ${line}: ${message}`, {
      hint: at.hint ?? 'see templates/README.md for the fields of a bindings file',
      details: { file: of.source, line },
    });
  };

  const broken = doc.errors[0];
  if (broken) fail(broken.message, { offset: broken.pos[0], hint: 'correct the YAML' });
  const parsed = file.safeParse(doc.toJS());
  if (!parsed.success) {
    return refuse(worst(parsed.error.issues), fail);
  }

  const { name, policy, inputs, seed, output, ...compared } = parsed.data;
  const check = (one: { node: string; field: string }, path: Path): unknown => {
    const node = Object.hasOwn(of.graph, one.node) ? of.graph[one.node] : undefined;
    if (!node) {
      return fail(`node ${one.node} is not in the graph`, {
        path: [...path, 'node'],
        hint: meant(one.node, Object.keys(of.graph)),
      });
    }
    if (!Object.hasOwn(node.inputs, one.field)) {
      const hint = meant(one.field, Object.keys(node.inputs));
      return fail(`${nodeName(one.node, of.graph)} has no field "${one.field}"`, { path: [...path, 'field'], hint });
    }
    const value = node.inputs[one.field];
    if (isLink(value)) {
      const hint = `bind the input at node ${value[0]}, where the value comes from`;
      return fail(`"${one.field}" of ${nodeName(one.node, of.graph)} is a link, not a value`, {
        path: [...path, 'field'],
        hint,
      });
    }
    return value;
  };

  const bindings: Bindings = { name, inputs: {}, seed, output };
  const seeds = new Set(seed.map(keyOf));
  seed.forEach((one, i) => {
    const path = Array.isArray((doc.toJS() as { seed: unknown }).seed) ? ['seed', i] : ['seed'];
    if (typeof check(one, path) !== 'number') fail(`"${one.field}" of node ${one.node} is not a number`, { path });
  });
  output.forEach((id, i) => {
    const path: Path = isScalar(doc.getIn(['output'], true)) ? ['output'] : ['output', i];
    const node = Object.hasOwn(of.graph, id) ? of.graph[id] : undefined;
    if (!node) return fail(`output node ${id} is not in the graph`, { path, hint: meant(id, Object.keys(of.graph)) });
    if (NOT_KEPT.has(node.class_type)) {
      fail(`output ${nodeName(id, of.graph)} keeps no file`, { path, hint: 'use a SaveImage node as output' });
    }
  });
  for (const [key, one] of Object.entries(inputs)) {
    const path: Path = ['inputs', key];
    const at = one.at ?? [{ node: one.node ?? '', field: one.field ?? '' }];
    const values = at.map((where, i) => check(where, one.at ? [...path, 'at', i] : path));
    if (at.some((where) => seeds.has(keyOf(where)))) {
      fail(`input "${key}" is bound to a seed field`, {
        path,
        hint: 'every candidate has its own seed: give --seed for the request instead',
      });
    }
    const { node: _n, field: _f, at: _a, ...rest } = one;
    const withType = { ...rest, type: one.type ?? typeOf(at[0], values[0], of.graph) };
    bindings.inputs[key] = declare(key, { at, values, one: withType }, (message, hint) =>
      fail(message, { path, hint }),
    );
  }
  Object.assign(bindings, checkCompared(compared, { graph: of.graph, bindings }, fail));
  return { graph: of.graph, bindings, ...(policy === undefined ? {} : { policyPath: policy }) };
}

function declare(
  name: string,
  of: {
    at: InputBinding['at'];
    values: unknown[];
    one: Omit<z.infer<typeof input>, 'node' | 'field' | 'at' | 'type'> & { type: InputType };
  },
  fail: (message: string, hint: string) => never,
): InputBinding {
  const { type, required = false, default: given, min, max, description } = of.one;
  const limits = { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  const base: InputBinding = {
    at: of.at,
    type,
    required,
    ...limits,
    ...(description === undefined ? {} : { description }),
  };
  if (required) return base;
  const start = given ?? of.values[0];
  if (given === undefined && of.values.some((value) => value !== start)) {
    return fail(
      `input "${name}" has several places with different values in the graph`,
      'state its default, or make it required',
    );
  }
  let value: InputValue;
  try {
    value = checkValue(name, base, start);
  } catch (error) {
    const expected = error instanceof CullError ? error.message : String(error);
    return fail(
      `the default of ${expected}`,
      given === undefined ? 'the default is what the graph holds' : 'correct the default',
    );
  }
  return { ...base, default: value };
}

/** The type of a field by the value that the graph holds. */
export function typeOf(at: InputBinding['at'][number] | undefined, value: unknown, graph: Graph): InputType {
  if (at && /^LoadImage/.test(graph[at.node]?.class_type ?? '') && at.field === 'image') return 'image';
  if (typeof value === 'boolean') return 'boolean';
  // A whole number may stand in a field for fractions (cfg 7): only names that mean counts or pixels are integers.
  if (typeof value === 'number') return Number.isInteger(value) && WHOLE.test(at?.field ?? '') ? 'integer' : 'number';
  return 'string';
}

const WHOLE =
  /^(width|height|length|batch_size|steps|start_at_step|end_at_step|.*_(width|height|size|steps|index)|x|y)$/;

const keyOf = (one: { node: string; field: string }): string => `${one.node}.${one.field}`;

function refuse(
  issue: z.core.$ZodIssue | undefined,
  fail: (message: string, at: { path?: Path; hint?: string }) => never,
): never {
  if (!issue) return fail('is not valid', {});
  // In a union (one or a list) the branch that came furthest says what is wrong.
  if (issue.code === 'invalid_union') {
    const branches = issue.errors.map(worst).filter((one) => one !== undefined);
    const deepest = branches.sort((a, b) => b.path.length - a.path.length || rank(b) - rank(a))[0];
    if (deepest) return refuse({ ...deepest, path: [...issue.path, ...deepest.path] }, fail);
  }
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const inside = path[0] === 'expect' ? KNOWN.expect : KNOWN.place;
    const level = path.length === 0 ? KNOWN.top : path[0] === 'inputs' && path.length === 2 ? KNOWN.input : inside;
    return fail(`unknown field "${key}"`, { path: [...path, key], hint: meant(key, level) });
  }
  const subject = path.length === 0 ? 'the file' : path.join('.');
  if (issue.message.endsWith('received undefined')) return fail(`"${subject}" is missing`, { path });
  const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return fail(`${subject}: ${message}`, { path });
}

/** A misspelt field comes before the one that is missing because of it. */
const worst = (issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined =>
  issues.find((issue) => issue.code === 'unrecognized_keys') ?? issues[0];

const rank = (issue: z.core.$ZodIssue): number => (issue.code === 'unrecognized_keys' ? 1 : 0);

/** Where a path, or the nearest parent that is there, begins in the text; of a key, the key itself. */
function offsetOf(doc: Document.Parsed, path: Path): number {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = depth === 1 ? doc.contents : doc.getIn(path.slice(0, depth - 1), true);
    const last = path[depth - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(last),
      );
      if (pair && isScalar(pair.key) && pair.key.range) return pair.key.range[0];
    }
    const node = doc.getIn(path.slice(0, depth), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
      return Number(node.range[0]);
    }
  }
  return 0;
}
