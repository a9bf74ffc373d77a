/** Kinds that never fit, as they stand in a rule: CEL only meets them where an image leads there. */
import { callOf, constantOf, elementsOf, partsOf, pathOf, type Expr } from './rule-ast.js';

export type Kind = 'number' | 'text' | 'yes or no' | 'score';

/** The kind of what stands at a path; undefined where only an image tells. */
export type KindAt = (path: readonly string[]) => Kind | undefined;

const ANSWERS = new Set('_&&_ _||_ !_ _==_ _!=_ _<_ _<=_ _>_ _>=_ @in matches startsWith endsWith contains'.split(' '));
const CALCULATIONS = new Set(['_+_', '_-_', '_*_', '_/_', '_%_']);
const KINDS: Record<string, Kind> = { number: 'number', string: 'text', boolean: 'yes or no' };

/**
 * What is no yes or no where one is wanted, what is compared and never equal, and calculations that have no answer.
 *
 * @example
 * mistypes(parseRule('scores.a.x.status == "ok" || scores.a.x.raw'), kindAt); // ['scores.a.x.raw is a number, and no yes or no']
 */
export function mistypes(rule: Expr, kindAt: KindAt): string[] {
  const found: string[] = [];
  const look = (expr: Expr, bound: ReadonlySet<string>): void => {
    /** A name with its dots, or a constant as it is written. */
    const nameOf = (part: Expr | undefined): string | undefined => {
      const path = pathOf(part);
      if (path) return bound.has(path[0] ?? '') ? undefined : path.join('.');
      const constant = constantOf(part);
      return constant === undefined ? undefined : JSON.stringify(constant);
    };
    const kindOf = (part: Expr | undefined): Kind | undefined => {
      const constant = constantOf(part);
      if (constant !== undefined) return KINDS[typeof constant];
      if (part?.exprKind.case === 'selectExpr' && part.exprKind.value.testOnly) return 'yes or no';
      if (ANSWERS.has(callOf(part)?.name ?? '')) return 'yes or no';
      return nameOf(part) === undefined ? undefined : kindAt(pathOf(part) ?? []);
    };
    const wantsAnswer = (part: Expr | undefined): void => {
      const choice = callOf(part);
      if (choice?.name === '_?_:_') for (const branch of choice.args.slice(1)) wantsAnswer(branch);
      const kind = kindOf(part);
      const name = nameOf(part);
      if (kind !== undefined && kind !== 'yes or no' && name !== undefined)
        found.push(`${name} is a ${kind}, and no yes or no`);
    };
    const neverEqual = (one: Expr | undefined, other: Expr | undefined): void => {
      const [first, second] = constantOf(one) === undefined ? [one, other] : [other, one];
      const [kind, otherKind] = [kindOf(first), kindOf(second)];
      const [name, otherName] = [nameOf(first), nameOf(second)];
      if (kind !== undefined && otherKind !== undefined && kind !== otherKind && name !== undefined)
        found.push(`${name} is a ${kind} and never equal to ${otherName ?? `a ${otherKind}`}`);
    };
    /** Numbers of scores, facts and inputs are decimal, and CEL does not mix them with whole ones. */
    const calculates = (name: string, [one, other]: readonly Expr[]): void => {
      for (const [part, beside] of [
        [one, other],
        [other, one],
      ]) {
        const path = pathOf(part);
        if (!path || nameOf(part) === undefined) continue;
        if (name === '_%_')
          found.push(`${path.join('.')} is a decimal number and has no %: write int(${path.join('.')})`);
        else if (isWhole(beside))
          found.push(
            `${path.join('.')} is a decimal number: write ${constantOf(beside)}.0, not ${constantOf(beside)}, when you calculate with it`,
          );
      }
    };
    const call = callOf(expr);
    if (call) {
      const { name, args } = call;
      const [one, other] = args;
      if (name === '_&&_' || name === '_||_' || name === '!_') for (const arg of args) wantsAnswer(arg);
      else if (name === '_?_:_') wantsAnswer(one);
      else if (name === '_==_' || name === '_!=_') neverEqual(one, other);
      else if (name === '@in') for (const element of elementsOf(other) ?? []) neverEqual(one, element);
      else if (CALCULATIONS.has(name)) calculates(name, args);
    }
    if (expr === rule) wantsAnswer(expr);
    for (const { part, binds } of partsOf(expr)) look(part, binds.length === 0 ? bound : new Set([...bound, ...binds]));
  };
  look(rule, new Set());
  return found;
}

function isWhole(expr: Expr | undefined): boolean {
  const kind = expr?.exprKind.case === 'constExpr' ? expr.exprKind.value.constantKind.case : undefined;
  return kind === 'int64Value' || kind === 'uint64Value';
}
