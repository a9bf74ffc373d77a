/** What a rule reads and whether it can work, found when the policy is loaded and not on the first candidate. */
import { messageOf } from '../errors.js';
import { didYouMean } from './closest.js';
import { callOf, constantOf, parseRule, partsOf, pathOf, type Expr } from './rule-ast.js';
import { truthOf } from './rule-truth.js';
import { compile, ruleInput, type RuleInput } from './rules.js';
import type { Score } from './types.js';

type Ranges = Record<string, { range: readonly [number, number] }>;

export interface RuleCheck {
  /** Dimensions the rule reads, sorted. */
  dimensions: string[];
  /** Inputs of the template that the rule cannot do without (`has` does not need one), sorted. */
  inputs: string[];
  problems: { message: string; unknownDimension: boolean }[];
}

/** Far longer than a rule that somebody can read. */
const MAX_CHARACTERS = 10_000;
const NUMBERS = ['raw', 'quality'];
const TEXTS = ['status', 'reason', 'error'];
const FIELDS = [...NUMBERS, ...TEXTS, 'facts'];
const STATUSES = ['ok', 'unassessable', 'notRun', 'error'];
const REQUEST_FIELDS = ['inputs', 'deliver'];
/** CEL's own names for types, as in `type(x) == int`. */
const TYPES = new Set(['bool', 'bytes', 'double', 'int', 'list', 'map', 'null_type', 'string', 'type', 'uint']);
/** What samples lack and images may have is no mistake of the rule. */
const MAY_BE_THERE = ['field not found', 'unresolved attribute'];

/**
 * Compiles a rule, finds what it reads, tries it and each of its parts on scores at the ends of their ranges, and decides where it can whether it
 * ever holds and ever fails.
 *
 * @param dimensions all dimensions that are measured -> the range of raw
 *
 * @example
 * checkRule('scores.noise.sigma.raw < 5.0', { 'noise.sigma': { range: [0, 255] } }).dimensions; // ['noise.sigma']
 */
export function checkRule(rule: string, dimensions: Ranges): RuleCheck {
  const refused = (message: string): RuleCheck => ({
    dimensions: [],
    inputs: [],
    problems: [{ message, unknownDimension: false }],
  });
  if (rule.length > MAX_CHARACTERS)
    return refused(`the rule has ${rule.length} characters; at most ${MAX_CHARACTERS} are read`);
  let expr: Expr;
  try {
    expr = parseRule(rule);
  } catch (error) {
    return refused(`the rule is not CEL: ${messageOf(error).replace(/^<input>:\d+:(\d+): /, 'character $1: ')}`);
  }
  const reading = new Reading(dimensions);
  reading.walk(expr, new Set());
  if (reading.problems.length === 0) {
    const failure = tryOut(expr, dimensions) ?? oneSided(expr, dimensions);
    if (failure !== undefined) reading.refuse(failure);
  }
  return { dimensions: [...reading.read].sort(), inputs: [...reading.inputs].sort(), problems: reading.problems };
}

/**
 * The inputs of the template that a rule cannot do without.
 *
 * @example
 * inputsRead('request.inputs.style == "studio" || has(request.inputs.draft)'); // ['style']
 */
export const inputsRead = (rule: string): string[] => checkRule(rule, {}).inputs;

/** Names and comparisons, as they stand in the rule. */
class Reading {
  readonly read = new Set<string>();
  readonly inputs = new Set<string>();
  readonly problems: RuleCheck['problems'] = [];
  readonly #dimensions: readonly string[];

  constructor(dimensions: Ranges) {
    this.#dimensions = Object.keys(dimensions);
  }

  refuse(message: string, unknownDimension = false): void {
    this.problems.push({ message, unknownDimension });
  }

  walk(expr: Expr, bound: ReadonlySet<string>): void {
    this.#comparison(expr);
    const [root, ...path] = pathOf(expr) ?? [];
    if (root !== undefined && !bound.has(root)) {
      const isAsked = expr.exprKind.case === 'selectExpr' && expr.exprKind.value.testOnly;
      if (root === 'scores') this.#scoresPath(path);
      else if (root === 'request') this.#requestPath(path, isAsked);
      else if (!TYPES.has(root))
        this.refuse(`the rule knows no "${root}"; all values are under "scores" and "request"`);
      return;
    }
    for (const { part, binds } of partsOf(expr))
      this.walk(part, binds.length === 0 ? bound : new Set([...bound, ...binds]));
  }

  #scoresPath(path: readonly string[]): void {
    const names = this.#dimensions;
    const found = dimensionAt(path, names);
    if (found === undefined) {
      const ofScorer = names.filter(
        (name) => path.length < 2 && (path.length === 0 || name.startsWith(`${path[0] ?? ''}.`)),
      );
      for (const name of ofScorer) this.read.add(name);
      const name = path.slice(0, 2).join('.');
      if (ofScorer.length === 0) this.refuse(`nothing measures ${name}${didYouMean(name, names)}`, true);
      return;
    }
    this.read.add(found);
    const [field, inner] = path.slice(found.split('.').length);
    if (field === undefined) return;
    if (!FIELDS.includes(field))
      this.refuse(
        `scores.${found} has no "${field}"${didYouMean(field, FIELDS) || `; known are ${FIELDS.join(', ')}`}`,
      );
    else if (inner !== undefined && field !== 'facts')
      this.refuse(`scores.${found}.${field} is a ${NUMBERS.includes(field) ? 'number' : 'text'} and has no "${inner}"`);
  }

  #requestPath([field, input]: readonly string[], isAsked: boolean): void {
    if (field === undefined || !REQUEST_FIELDS.includes(field))
      this.refuse(
        `request has ${field === undefined ? 'fields' : `no "${field}"`}${
          didYouMean(field ?? '', REQUEST_FIELDS) || `; known are ${REQUEST_FIELDS.join(', ')}`
        }`,
      );
    else if (field === 'inputs' && input !== undefined && !isAsked) this.inputs.add(input);
  }

  /** In CEL a number and a text are never equal, which is no error there but always one in a rule. */
  #comparison(expr: Expr): void {
    const call = callOf(expr);
    if (call?.name !== '_==_' && call?.name !== '_!=_') return;
    for (const [one, other] of [call.args, call.args.toReversed()]) {
      const [root, ...path] = pathOf(one) ?? [];
      const constant = constantOf(other);
      const found = root === 'scores' ? dimensionAt(path, this.#dimensions) : undefined;
      const field = found === undefined ? undefined : path[found.split('.').length];
      if (found === undefined || field === undefined || constant === undefined) continue;
      const wanted = NUMBERS.includes(field) ? 'number' : TEXTS.includes(field) ? 'string' : typeof constant;
      const kind = wanted === 'number' ? 'number' : 'text';
      if (typeof constant !== wanted)
        this.refuse(`scores.${found}.${field} is a ${kind} and never equal to ${JSON.stringify(constant)}`);
      else if (field === 'status' && typeof constant === 'string' && !STATUSES.includes(constant))
        this.refuse(
          `no status is "${constant}"${didYouMean(constant, STATUSES) || `; known are ${STATUSES.join(', ')}`}`,
        );
    }
  }
}

const dimensionAt = (path: readonly string[], names: readonly string[]): string | undefined =>
  names.find((name) => `${path.join('.')}.`.startsWith(`${name}.`));

/** What goes wrong for every possible candidate: types that do not fit, loops without end, a rule whose answer is no yes or no. */
function tryOut(rule: Expr, dimensions: Ranges): string | undefined {
  for (const end of [0, 1] as const) {
    const input = sampleAt(end, dimensions);
    const failure = failureIn(rule, input);
    if (failure !== undefined) {
      const isOverload = failure.includes('no matching overload');
      const help = isOverload ? ' (scores are decimal numbers: write 2.0, not 2, when you calculate with them)' : '';
      return `the rule cannot work: ${failure}${help}`;
    }
    const answer = compile(rule)(input);
    if ('value' in answer && typeof answer.value !== 'boolean')
      return 'the rule cannot work: the rule is neither true nor false';
  }
  return undefined;
}

/** The innermost part that fails. Each part is tried by itself: `true || x` hides what is wrong with x. */
function failureIn(expr: Expr, input: RuleInput): string | undefined {
  for (const { part, binds } of partsOf(expr)) {
    const failure = binds.length === 0 ? failureIn(part, input) : undefined;
    if (failure !== undefined) return failure;
  }
  if (TYPES.has(pathOf(expr)?.[0] ?? '')) return undefined;
  const answer = compile(expr)(input);
  if (!('error' in answer) || MAY_BE_THERE.some((start) => answer.error.startsWith(start))) return undefined;
  return answer.error;
}

/** Every dimension measured, all at the same end of their ranges. */
function sampleAt(end: 0 | 1, dimensions: Ranges): RuleInput {
  const sample = (range: readonly [number, number]): Score => ({
    status: 'ok',
    raw: Number.isFinite(range[end]) ? range[end] : 0,
    quality: end * 100,
    scorer: 'sample@1.0.0',
  });
  const scores = Object.entries(dimensions).map(([name, { range }]): [string, Score] => [name, sample(range)]);
  return ruleInput(Object.fromEntries(scores), { inputs: {}, deliver: 1 + end * 99 });
}

/** A rule that turns out the same for every image that can be measured. */
function oneSided(expr: Expr, dimensions: Ranges): string | undefined {
  const names = Object.keys(dimensions);
  const ranges = new Set<string>();
  const truth = truthOf(expr, ([root, ...path]) => {
    const found = root === 'scores' ? dimensionAt(path, names) : undefined;
    if (found === undefined) return undefined;
    const [field, ...more] = path.slice(found.split('.').length);
    if (field === undefined || more.length > 0 || !NUMBERS.includes(field)) return undefined;
    const range = field === 'quality' ? ([0, 100] as const) : dimensions[found]?.range;
    if (range) ranges.add(`scores.${found}.${field} is ${range[0]} to ${range[1]}`);
    return range;
  });
  if (truth === undefined) return undefined;
  const because = ranges.size === 0 ? '' : ` (${[...ranges].join(', ')})`;
  return truth === 'never'
    ? `the rule never holds, and rejects every image${because}`
    : `the rule always holds, and rejects no image${because}`;
}
