/** A rule as a tree: its parts, the names that they read, and loops that end. */
import { parse } from '@bufbuild/cel';

export type Expr = NonNullable<ReturnType<typeof parse>['expr']>;

/** The call that every turn of a loop makes, with the item whose turn it is; no rule can write it, as no name in CEL has an @. */
export const STEP = '@step';

/**
 * Parses a rule. Each turn of its loops calls `STEP`, which ends those that go on for too long: CEL always ends, but three nested loops over a
 * thousand items end after an hour.
 *
 * @throws Error of the parser, with the character where it stands
 */
export function parseRule(rule: string): Expr {
  const { expr } = parse(rule);
  limitLoops(expr);
  return expr;
}

function limitLoops(expr: Expr): void {
  for (const { part } of partsOf(expr)) limitLoops(part);
  if (expr.exprKind.case !== 'comprehensionExpr') return;
  const { iterVar } = expr.exprKind.value;
  const both = parse('true && step(item)').expr;
  if (both.exprKind.case !== 'callExpr') return;
  const [condition, step] = both.exprKind.value.args;
  const loop = expr.exprKind.value;
  if (!loop.loopCondition || !condition || step?.exprKind.case !== 'callExpr') return;
  const [item] = step.exprKind.value.args;
  if (item?.exprKind.case !== 'identExpr') return;
  item.exprKind.value.name = iterVar;
  step.exprKind.value.function = STEP;
  both.exprKind.value.args = [loop.loopCondition, step];
  loop.loopCondition = both;
}

/** What an expression is made of; `binds`: names that are known inside that part only (the variables of `exists`, `all`, `filter`, `map`). */
export function partsOf({ exprKind: kind }: Expr): { part: Expr; binds: readonly string[] }[] {
  const parts = (binds: readonly string[], ...found: (Expr | undefined)[]) =>
    found.flatMap((part) => (part ? [{ part, binds }] : []));
  switch (kind.case) {
    case 'selectExpr':
      return parts([], kind.value.operand);
    case 'callExpr':
      return parts([], kind.value.target, ...kind.value.args);
    case 'listExpr':
      return parts([], ...kind.value.elements);
    case 'structExpr':
      return kind.value.entries.flatMap(({ keyKind, value }) =>
        parts([], keyKind.case === 'mapKey' ? keyKind.value : undefined, value),
      );
    case 'comprehensionExpr': {
      const { iterRange, accuInit, iterVar, iterVar2, accuVar, loopCondition, loopStep, result } = kind.value;
      return [
        ...parts([], iterRange, accuInit),
        ...parts([iterVar, iterVar2, accuVar], loopCondition, loopStep, result),
      ];
    }
    default:
      return [];
  }
}

/** `a.b["c"]` as names; undefined for anything else. */
export function pathOf(expr: Expr | undefined): string[] | undefined {
  const kind = expr?.exprKind;
  if (kind?.case === 'identExpr') return [kind.value.name];
  if (kind?.case === 'selectExpr') {
    const operand = pathOf(kind.value.operand);
    return operand && [...operand, kind.value.field];
  }
  if (kind?.case === 'callExpr' && kind.value.function === '_[_]') {
    const [operand, key] = kind.value.args;
    const path = pathOf(operand);
    const constant = constantOf(key);
    return path && typeof constant === 'string' ? [...path, constant] : undefined;
  }
  return undefined;
}

/** A number, text or truth value that is written out; undefined for anything else. */
export function constantOf(expr: Expr | undefined): number | string | boolean | undefined {
  const constant = expr?.exprKind.case === 'constExpr' ? expr.exprKind.value.constantKind : undefined;
  switch (constant?.case) {
    case 'stringValue':
    case 'boolValue':
    case 'doubleValue':
      return constant.value;
    case 'int64Value':
    case 'uint64Value':
      return Number(constant.value);
    default:
      return undefined;
  }
}

/** What a list that is written out holds; undefined for anything else. */
export const elementsOf = (expr: Expr | undefined): Expr[] | undefined =>
  expr?.exprKind.case === 'listExpr' ? expr.exprKind.value.elements : undefined;

/** Whether it reads nothing: its value is the same for every image. */
export const isFixed = (expr: Expr): boolean =>
  expr.exprKind.case !== 'identExpr' && partsOf(expr).every(({ part, binds }) => binds.length === 0 && isFixed(part));

/** A call by the name of its function, such as `_&&_`, and what it is given. */
export function callOf(expr: Expr | undefined): { name: string; args: Expr[] } | undefined {
  if (expr?.exprKind.case !== 'callExpr') return undefined;
  return { name: expr.exprKind.value.function, args: expr.exprKind.value.args };
}
