/** Rule gates: CEL expressions over `scores`. CEL is side-effect free and always ends, so a policy can never run code. */
import { celEnv, isCelError, parse, plan, type CelInput } from '@bufbuild/cel';
import { messageOf } from '../errors.js';
import type { Score, Scores } from './types.js';

/** What a rule says about one candidate. */
export type RuleOutcome = { holds: boolean } | { unassessable: string };

type Program = (scores: CelInput) => RuleOutcome;

/** Scores in the shape that rules read. Build it once per candidate, with `scoresForRules`. */
export type RuleScores = CelInput;

const ENVIRONMENT = celEnv();
/** Far more than the rules of all policies that a worker sees; a limit, so that nothing grows for ever. */
const CACHED = 1_000;
const cache = new Map<string, Program>();

/**
 * Evaluates a rule. Total: a rule that cannot be compiled, that errors (a value that was not measured) or whose answer is neither true nor
 * false is unassessable. `a || b` holds where one side holds and the other errors, as CEL defines it.
 *
 * @example
 * evaluateRule('scores.text.backgroundChars.raw == 0', scoresForRules(scores)); // { holds: true }
 */
export function evaluateRule(rule: string, scores: RuleScores): RuleOutcome {
  let program = cache.get(rule);
  if (!program) {
    program = compile(rule);
    if (cache.size >= CACHED) cache.clear();
    cache.set(rule, program);
  }
  return program(scores);
}

function compile(rule: string): Program {
  try {
    const run = plan(ENVIRONMENT, parse(rule));
    return (scores) => {
      try {
        const answer = run({ scores });
        if (isCelError(answer)) return { unassessable: answer.message };
        if (typeof answer === 'boolean') return { holds: answer };
        return { unassessable: 'the rule is neither true nor false' };
      } catch (error) {
        return { unassessable: messageOf(error) };
      }
    };
  } catch (error) {
    const unassessable = messageOf(error);
    return () => ({ unassessable });
  }
}

/**
 * Scores as rules read them, nested by dots: `scores.text.backgroundChars.raw`. Each has `status`, then `raw`, `quality` and
 * `facts`, or `reason`, or `error`. Numbers are CEL doubles.
 */
export function scoresForRules(scores: Scores): RuleScores {
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
  return root as RuleScores;
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

/** JSON-like values as CEL takes them; anything else is null. */
function toCel(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value === 'object' && value !== null)
    return new Map(Object.entries(value).map(([name, field]) => [name, toCel(field)]));
  return null;
}
