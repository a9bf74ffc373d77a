/** What a rule reads and whether it can work, found when the policy is loaded and not on the first candidate. */
import { parse } from '@bufbuild/cel';
import { messageOf } from '../errors.js';
import { didYouMean } from './closest.js';
import { evaluateRule, scoresForRules } from './rules.js';
import type { Score } from './types.js';

type Expr = ReturnType<typeof parse>['expr'];

export interface RuleCheck {
  /** Dimensions the rule reads, sorted. */
  dimensions: string[];
  problems: { message: string; unknownDimension: boolean }[];
}

const FIELDS = ['status', 'raw', 'quality', 'facts', 'reason', 'error'];
/** CEL's own names for types, as in `type(x) == int`. */
const TYPES = new Set(['bool', 'bytes', 'double', 'int', 'list', 'map', 'null_type', 'string', 'type', 'uint']);

/**
 * Compiles a rule, finds the dimensions it reads, and tries it on scores at the ends of their ranges.
 *
 * @param dimensions all dimensions that are measured -> the range of raw
 *
 * @example
 * checkRule('scores.noise.sigma.raw < 5.0', { 'noise.sigma': { range: [0, 255] } }).dimensions; // ['noise.sigma']
 */
export function checkRule(rule: string, dimensions: Record<string, { range: readonly [number, number] }>): RuleCheck {
  let expr: Expr;
  try {
    ({ expr } = parse(rule));
  } catch (error) {
    const message = messageOf(error).replace(/^<input>:\d+:(\d+): /, 'character $1: ');
    return { dimensions: [], problems: [{ message: `the rule is not CEL: ${message}`, unknownDimension: false }] };
  }
  const names = Object.keys(dimensions);
  const read = new Set<string>();
  const problems: RuleCheck['problems'] = [];
  const refuse = (message: string, unknownDimension = false): void => {
    problems.push({ message, unknownDimension });
  };
  walk(expr, new Set(), {
    onPath: (path) => {
      const found = names.find((name) => `${path.join('.')}.`.startsWith(`${name}.`));
      const field = found === undefined ? undefined : path[found.split('.').length];
      const ofScorer = names.filter(
        (name) => path.length < 2 && (path.length === 0 || name.startsWith(`${path[0] ?? ''}.`)),
      );
      if (found !== undefined) read.add(found);
      else if (ofScorer.length > 0) for (const name of ofScorer) read.add(name);
      else {
        const name = path.slice(0, 2).join('.');
        refuse(`nothing measures ${name}${didYouMean(name, names)}`, true);
      }
      if (field !== undefined && !FIELDS.includes(field))
        refuse(
          `scores.${found ?? ''} has no "${field}"${didYouMean(field, FIELDS) || `; known are ${FIELDS.join(', ')}`}`,
        );
    },
    onUnknown: (name) => {
      refuse(`the rule knows no "${name}"; all values are under "scores"`);
    },
  });
  if (problems.length === 0) {
    const failure = tryOut(rule, dimensions);
    if (failure !== undefined) refuse(failure);
  }
  return { dimensions: [...read].sort(), problems };
}

interface Visitor {
  /** The names after `scores`. */
  onPath(path: string[]): void;
  onUnknown(name: string): void;
}

function walk(expr: Expr | undefined, bound: ReadonlySet<string>, visitor: Visitor): void {
  if (!expr) return;
  const path = pathOf(expr);
  if (path?.[0] === 'scores' && !bound.has('scores')) {
    visitor.onPath(path.slice(1));
    return;
  }
  const { exprKind: kind } = expr;
  switch (kind.case) {
    case 'identExpr':
      if (!bound.has(kind.value.name) && !TYPES.has(kind.value.name)) visitor.onUnknown(kind.value.name);
      return;
    case 'selectExpr':
      walk(kind.value.operand, bound, visitor);
      return;
    case 'callExpr':
      for (const part of [kind.value.target, ...kind.value.args]) walk(part, bound, visitor);
      return;
    case 'listExpr':
      for (const element of kind.value.elements) walk(element, bound, visitor);
      return;
    case 'structExpr':
      for (const { keyKind, value } of kind.value.entries) {
        if (keyKind.case === 'mapKey') walk(keyKind.value, bound, visitor);
        walk(value, bound, visitor);
      }
      return;
    case 'comprehensionExpr': {
      // `exists`, `all`, `filter`, `map`: the macro's variables are known inside it.
      const { iterRange, accuInit, iterVar, iterVar2, accuVar, loopCondition, loopStep, result } = kind.value;
      for (const part of [iterRange, accuInit]) walk(part, bound, visitor);
      const inner = new Set([...bound, iterVar, iterVar2, accuVar]);
      for (const part of [loopCondition, loopStep, result]) walk(part, inner, visitor);
      return;
    }
    default:
  }
}

/** `a.b["c"]` as names; undefined for anything else. */
function pathOf(expr: Expr | undefined): string[] | undefined {
  const kind = expr?.exprKind;
  if (kind?.case === 'identExpr') return [kind.value.name];
  if (kind?.case === 'selectExpr') {
    const operand = pathOf(kind.value.operand);
    return operand && [...operand, kind.value.field];
  }
  if (kind?.case === 'callExpr' && kind.value.function === '_[_]') {
    const [operand, key] = kind.value.args;
    const path = pathOf(operand);
    const constant = key?.exprKind.case === 'constExpr' ? key.exprKind.value.constantKind : undefined;
    return path && constant?.case === 'stringValue' ? [...path, constant.value] : undefined;
  }
  return undefined;
}

/** What goes wrong for every possible candidate: types that do not fit, a rule whose answer is no yes or no. */
function tryOut(rule: string, dimensions: Record<string, { range: readonly [number, number] }>): string | undefined {
  for (const end of [0, 1] as const) {
    const sample = (range: readonly [number, number]): Score => ({
      status: 'ok',
      raw: Number.isFinite(range[end]) ? range[end] : 0,
      quality: end * 100,
      scorer: 'sample@1.0.0',
    });
    const scores = Object.entries(dimensions).map(([name, { range }]): [string, Score] => [name, sample(range)]);
    const outcome = evaluateRule(rule, scoresForRules(Object.fromEntries(scores)));
    if ('holds' in outcome) continue;
    // A fact or a reason that samples do not have is no mistake of the rule.
    if (outcome.unassessable.startsWith('field not found')) continue;
    const isOverload = outcome.unassessable.includes('no matching overload');
    const help = isOverload ? ' (scores are decimal numbers: write 2.0, not 2, when you calculate with them)' : '';
    return `the rule cannot work: ${outcome.unassessable}${help}`;
  }
  return undefined;
}
