/** What a rule reads and whether it can work, found when the policy is loaded and not on the first candidate. */
import { messageOf } from '../errors.js';
import { didYouMean } from './closest.js';
import { callOf, constantOf, elementsOf, parseRule, partsOf, pathOf, type Expr } from './rule-ast.js';
import { mistypes, type Kind } from './rule-kinds.js';
import { truthOf } from './rule-truth.js';
import { compile, evaluateRule, ruleInput, type RuleInput } from './rules.js';
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
    const failure = tryOut(expr, dimensions);
    const mistyped = failure === undefined ? mistypes(expr, (path) => reading.kindAt(path)) : [failure];
    const wrong = mistyped.length > 0 ? mistyped : [oneSided(expr, dimensions)].flatMap((one) => one ?? []);
    for (const message of wrong) reading.refuse(message);
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
    this.#statuses(expr);
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

  /** The kind of what scores and request have for every image. */
  kindAt([root, ...path]: readonly string[]): Kind | undefined {
    if (root === 'request') return path.join('.') === 'deliver' ? 'number' : undefined;
    const found = root === 'scores' ? dimensionAt(path, this.#dimensions) : undefined;
    if (found === undefined) return undefined;
    const [field, ...more] = path.slice(found.split('.').length);
    if (field === undefined) return 'score';
    if (more.length > 0) return undefined;
    return NUMBERS.includes(field) ? 'number' : TEXTS.includes(field) ? 'text' : undefined;
  }

  #scoresPath(path: readonly string[]): void {
    const names = this.#dimensions;
    const found = dimensionAt(path, names);
    if (found === undefined) {
      const [first] = path;
      const ofScorer = names.filter((name) => path.length < 2 && (first === undefined || name.startsWith(`${first}.`)));
      for (const name of ofScorer) this.read.add(name);
      const name = path.slice(0, 2).join('.');
      if (first?.includes('.')) this.refuse(`scores are nested: write scores.${first}, not scores["${first}"]`);
      else if (ofScorer.length === 0) this.refuse(`nothing measures ${name}${didYouMean(name, names)}`, true);
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

  /** A status that no score has is never met. */
  #statuses(expr: Expr): void {
    const call = callOf(expr);
    if (!['_==_', '_!=_', '@in'].includes(call?.name ?? '')) return;
    const [one, other] = call?.args ?? [];
    for (const [asked, ...given] of [
      [one, other, ...(elementsOf(other) ?? [])],
      [other, one],
    ]) {
      const [root, ...path] = pathOf(asked) ?? [];
      const found = root === 'scores' ? dimensionAt(path, this.#dimensions) : undefined;
      if (found === undefined || path.slice(found.split('.').length).join('.') !== 'status') continue;
      for (const status of given.map(constantOf))
        if (typeof status === 'string' && !STATUSES.includes(status))
          this.refuse(
            `no status is "${status}"${didYouMean(status, STATUSES) || `; known are ${STATUSES.join(', ')}`}`,
          );
    }
  }
}

/** Name by name: `scores["a.x"]` is not `scores.a.x`. */
const dimensionAt = (path: readonly string[], names: readonly string[]): string | undefined =>
  names.find((name) => name.split('.').every((part, i) => path[i] === part));

/** What goes wrong for every possible candidate: types that do not fit, loops without end, a rule whose answer is no yes or no. */
function tryOut(rule: Expr, dimensions: Ranges): string | undefined {
  for (const end of [0, 1] as const) {
    const input = sampleAt(end, dimensions);
    const failure = failureIn(rule, input);
    if (failure !== undefined) {
      const isOverload = /no matching overload .*\((double, u?int|u?int, double)\)/.test(failure);
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
  const broken = patternFailure(expr);
  if (broken !== undefined) return broken;
  const answer = compile(expr)(input);
  if (!('error' in answer) || MAY_BE_THERE.some((start) => answer.error.startsWith(start))) return undefined;
  return answer.error;
}

/** What is wrong with a pattern that is written out: what it is matched with may be known only of an image. */
function patternFailure(expr: Expr): string | undefined {
  const call = callOf(expr);
  const pattern = call?.name === 'matches' ? constantOf(call.args.at(-1)) : undefined;
  if (typeof pattern !== 'string') return undefined;
  const outcome = evaluateRule(`"".matches(${JSON.stringify(pattern)})`, ruleInput({}, {}));
  return 'unassessable' in outcome ? outcome.unassessable : undefined;
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
  const rangeOf = ([root, ...path]: string[]): readonly [number, number] | undefined => {
    const found = root === 'scores' ? dimensionAt(path, names) : undefined;
    if (found === undefined) return undefined;
    const [field, ...more] = path.slice(found.split('.').length);
    if (field === undefined || more.length > 0 || !NUMBERS.includes(field)) return undefined;
    const range = field === 'quality' ? ([0, 100] as const) : dimensions[found]?.range;
    if (range) ranges.add(`scores.${found}.${field} is ${range[0]} to ${range[1]}`);
    return range;
  };
  const nothing = ruleInput({}, {});
  const truth = truthOf(expr, rangeOf, (part) => {
    const answer = compile(part)(nothing);
    return 'value' in answer && typeof answer.value === 'boolean' ? answer.value : undefined;
  });
  if (truth === undefined) return undefined;
  const because = ranges.size === 0 ? '' : ` (${[...ranges].join(', ')})`;
  return truth === 'never'
    ? `the rule never holds, and rejects every image${because}`
    : `the rule always holds, and rejects no image${because}`;
}
