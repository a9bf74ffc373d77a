/** Whether a rule can turn out both ways: one that never holds rejects every image, one that always holds none. */
import { callOf, constantOf, elementsOf, isFixed, pathOf, type Expr } from './rule-ast.js';

/** Values of the numbers that a rule compares, and answers of what cannot be told beforehand. */
interface Case {
  values: readonly number[];
  answers: readonly boolean[];
}

type Truth = (of: Case) => boolean;

/** A number that is compared with constants. */
interface Compared {
  range: readonly [number, number];
  constants: number[];
}

/** More cases than this are not tried: the rule is then taken to turn out both ways. */
const CASES = 20_000;

const COMPARE: Record<string, (a: number, b: number) => boolean> = {
  '_<_': (a, b) => a < b,
  '_<=_': (a, b) => a <= b,
  '_>_': (a, b) => a > b,
  '_>=_': (a, b) => a >= b,
  '_==_': (a, b) => a === b,
  '_!=_': (a, b) => a !== b,
};

/**
 * Decides by trying one value of every stretch that the rule can tell apart: each number on its bounds, on the constants that it is compared
 * with, and between them. Exact for `&&`, `||`, `!` and `? :` over comparisons of single numbers with constants; anything else counts as
 * an answer that may be yes or no, so that what is said is never wrong, only sometimes left unsaid.
 *
 * @param rangeOf smallest and largest value of what stands at a path; undefined where it is no number of a known range
 * @param answerOf the answer of a part that reads nothing. @default not known
 *
 * @example
 * truthOf(parseRule('scores.background.whiteShare.raw > 1.5'), () => [0, 1]); // 'never'
 */
export function truthOf(
  expr: Expr,
  rangeOf: (path: string[]) => readonly [number, number] | undefined,
  answerOf: (part: Expr) => boolean | undefined = () => undefined,
): 'always' | 'never' | undefined {
  const compared = new Map<string, Compared & { at: number }>();
  let unknowns = 0;
  const read = (part: Expr | undefined): Truth => {
    const constant = constantOf(part);
    if (typeof constant === 'boolean') return () => constant;
    const call = callOf(part);
    const truths = (): Truth[] => call?.args.map(read) ?? [];
    switch (call?.name) {
      case '_&&_': {
        const all = truths();
        return (of) => all.every((truth) => truth(of));
      }
      case '_||_': {
        const any = truths();
        return (of) => any.some((truth) => truth(of));
      }
      case '!_': {
        const [inner] = truths();
        return (of) => inner?.(of) === false;
      }
      case '_?_:_': {
        const [condition, yes, no] = truths();
        return (of) => (condition?.(of) ? yes : no)?.(of) === true;
      }
      default:
        return (call && comparison(call)) ?? (part && fixed(part)) ?? unknown();
    }
  };
  const fixed = (part: Expr): Truth | undefined => {
    const answer = isFixed(part) ? answerOf(part) : undefined;
    return answer === undefined ? undefined : () => answer;
  };
  const unknown = (): Truth => {
    const at = unknowns++;
    return ({ answers }) => answers[at] === true;
  };
  const comparison = ({ name, args: [left, right] }: { name: string; args: Expr[] }): Truth | undefined => {
    const compare = name === '@in' ? COMPARE['_==_'] : COMPARE[name];
    const turned = typeof constantOf(left) === 'number';
    const path = pathOf(turned ? right : left);
    const given = (name === '@in' ? elementsOf(right) : [turned ? left : right])?.map(constantOf);
    const constants = given?.filter((one) => typeof one === 'number') ?? [];
    const range = path && rangeOf(path);
    if (!compare || !path || !range || constants.length === 0 || constants.length !== given?.length) return undefined;
    const key = path.join('.');
    const known = compared.get(key) ?? { at: compared.size, range, constants: [] };
    known.constants.push(...constants);
    compared.set(key, known);
    return ({ values }) => {
      const value = values[known.at] ?? Number.NaN;
      return constants.some((constant) => (turned ? compare(constant, value) : compare(value, constant)));
    };
  };

  const truth = read(expr);
  const choices = [...compared.values()].map(stretchesOf);
  const cases = choices.reduce((product, { length }) => product * length, 2 ** unknowns);
  if (cases > CASES) return undefined;
  const seen = new Set<boolean>();
  for (let n = 0; n < cases; n++) {
    let rest = n;
    const pick = <T>(of: readonly T[]): T => {
      const chosen = of[rest % of.length] as T;
      rest = Math.floor(rest / of.length);
      return chosen;
    };
    const values = choices.map(pick);
    const answers = Array.from({ length: unknowns }, () => pick([false, true]));
    seen.add(truth({ values, answers }));
    if (seen.size === 2) return undefined;
  }
  return seen.has(true) ? 'always' : 'never';
}

/** One value of every stretch of the range that the constants tell apart. */
function stretchesOf({ range: [low, high], constants }: Compared): number[] {
  const within = [low, high, ...constants].filter((value) => Number.isFinite(value) && value >= low && value <= high);
  const marks = [...new Set(within)].sort((a, b) => a - b);
  const [first = 0, last = first] = [marks[0], marks.at(-1)];
  return [
    ...(low === -Infinity ? [first - 1] : []),
    ...marks.flatMap((mark, i) => (i === 0 ? [mark] : [((marks[i - 1] ?? mark) + mark) / 2, mark])),
    ...(high === Infinity ? [last + 1] : []),
  ];
}
