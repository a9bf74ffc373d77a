/** Rule gates: CEL expressions over `scores` and `request`. CEL is side-effect free and always ends, so a policy can never run code. */
import { celEnv, celFunc, CelScalar, isCelError, isCelList, isCelMap, plan, type CelInput } from '@bufbuild/cel';
import { messageOf } from '../errors.js';
import { parseRule, STEP, type Expr } from './rule-ast.js';
import type { RequestFields, Score, Scores } from './types.js';

/** What a rule says about one candidate. */
export type RuleOutcome = { holds: boolean } | { unassessable: string };

/** What rules read of a candidate. Build it once for all rules, with `ruleInput`. */
export interface RuleInput {
  scores: CelInput;
  request: CelInput;
}

type Program = (input: RuleInput) => { value: unknown } | { error: string };

/** Turns of all loops of a rule together, for one candidate: some 30 ms. */
export const MAX_TURNS = 10_000;
/** Characters and items that count as one more turn: each turn may double what it is given, and CEL would build that until memory ends. */
const A_TURN = 10;
let turnsLeft = 0;
const ENVIRONMENT = celEnv({
  funcs: [
    celFunc(STEP, [CelScalar.DYN], CelScalar.BOOL, (item) => {
      turnsLeft -= 1 + Math.floor(sizeOf(item, turnsLeft * A_TURN) / A_TURN);
      if (turnsLeft >= 0) return true;
      throw new Error(`its loops take more than ${MAX_TURNS.toLocaleString('en')} turns`);
    }),
  ],
});
/** Far more than the rules of all policies that a worker sees; a limit, so that nothing grows for ever. */
const CACHED = 1_000;
const cache = new Map<string, Program>();

/**
 * Evaluates a rule. Total: a rule that cannot be compiled, that errors (a value that was not measured), whose loops take more than 10,000
 * turns, or whose answer is neither true nor false is unassessable. `a || b` holds where one side holds and the other errors, as CEL defines it.
 *
 * @example
 * evaluateRule('scores.text.backgroundChars.raw == 0', ruleInput(scores, {})); // { holds: true }
 */
export function evaluateRule(rule: string, input: RuleInput): RuleOutcome {
  let program = cache.get(rule);
  if (!program) {
    program = compileText(rule);
    if (cache.size >= CACHED) cache.clear();
    cache.set(rule, program);
  }
  const answer = program(input);
  if ('error' in answer) return { unassessable: answer.error };
  if (typeof answer.value === 'boolean') return { holds: answer.value };
  return { unassessable: 'the rule is neither true nor false' };
}

function compileText(rule: string): Program {
  try {
    return compile(parseRule(rule));
  } catch (error) {
    return () => ({ error: messageOf(error) });
  }
}

/** An expression, or a part of one that has no names of its own, ready to be evaluated; what goes wrong is an answer too. */
export function compile(expr: Expr): Program {
  try {
    const run = plan(ENVIRONMENT, expr);
    return ({ scores, request }) => {
      try {
        turnsLeft = MAX_TURNS;
        const value: unknown = run({ scores, request });
        return isCelError(value) ? { error: value.message } : { value };
      } catch (error) {
        return { error: messageOf(error) };
      }
    };
  } catch (error) {
    return () => ({ error: messageOf(error) });
  }
}

/**
 * Scores and request as rules read them: `scores.text.backgroundChars.raw`, nested by dots, and `request.inputs.style`, `request.deliver`. A
 * field that is not known is not there, and a rule that needs it has no answer.
 */
export function ruleInput(scores: Scores, request: RequestFields): RuleInput {
  return { scores: scoresForRules(scores), request: toCel(request) as CelInput };
}

/**
 * Scores as rules read them, nested by dots: `scores.text.backgroundChars.raw`. Each has `status`, then `raw`, `quality` and
 * `facts`, or `reason`, or `error`. Numbers are CEL doubles.
 */
function scoresForRules(scores: Scores): CelInput {
  const root = new Map<string, unknown>();
  for (const [dimension, score] of Object.entries(scores)) {
    const path = dimension.split('.');
    const last = path.pop() ?? dimension;
    let at = root;
    for (const segment of path) {
      const next = at.get(segment);
      if (next instanceof Map) at = next as Map<string, unknown>;
      else {
        const made = new Map<string, unknown>();
        at.set(segment, made);
        at = made;
      }
    }
    at.set(last, fieldsOf(score));
  }
  return root as CelInput;
}

function fieldsOf(score: Score): Map<string, unknown> {
  // The status `ok` promises two numbers; a NaN would make every comparison false, and `!(x > 1)` true.
  if (score.status === 'ok' && !(Number.isFinite(score.raw) && Number.isFinite(score.quality)))
    return new Map([['status', 'error']]);
  const fields = new Map<string, unknown>(
    Object.entries(score).filter(([name]) => name !== 'facts' && name !== 'scorer'),
  );
  return fields.set('facts', toCel(score.facts ?? {}));
}

/** Characters and items in a value, lists in lists counted through; once there are more than `most`, the rest is not looked at. */
function sizeOf(value: unknown, most: number): number {
  if (typeof value === 'string') return value.length;
  if (!isCelList(value) && !isCelMap(value)) return 0;
  let size = value.size;
  for (const item of isCelMap(value) ? value.values() : value) {
    if (size > most) break;
    size += sizeOf(item, most - size);
  }
  return size;
}

/** JSON-like values as CEL takes them; anything else is null. */
function toCel(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value === 'object' && value !== null)
    return new Map(
      Object.entries(value).flatMap(([name, field]) => (field === undefined ? [] : [[name, toCel(field)]])),
    );
  return null;
}
