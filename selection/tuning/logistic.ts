/** Logistic regression with weights that are never below 0, and a ridge penalty. */

export interface LogisticFit {
  intercept: number;
  /** One per feature, at least 0. */
  weights: number[];
}

const STEPS = 100;

/**
 * The weights that minimise the sum of the log losses plus l2 / 2 times their squares; the intercept is not penalised. By a projected Newton method
 * (Bertsekas 1982): a weight that would fall below 0 stays there. Higher features are better, so a weight below 0 could only fit noise.
 *
 * @param rows features, of about the same spread; at least one row
 * @param targets probabilities that are wanted, one a row: 1 and 0, or between
 * @param options `l2`: at least 0; above 0 the fit is finite even where the classes do not overlap
 *
 * @example
 * fitLogistic([[-1], [0], [1]], [0, 1, 1], { l2: 1 }); // { intercept: 0.748, weights: [0.702] }
 */
export function fitLogistic(
  rows: readonly (readonly number[])[],
  targets: readonly number[],
  { l2 }: { l2: number },
): LogisticFit {
  const size = (rows[0]?.length ?? 0) + 1;
  const mean = targets.reduce((sum, target) => sum + target, 0) / targets.length;
  let at = [Math.log(mean / (1 - mean)), ...new Array<number>(size - 1).fill(0)];
  // all of one class: the best intercept is infinite, and no feature tells anything
  if (!Number.isFinite(at[0])) return { intercept: mean > 0.5 ? 40 : -40, weights: at.slice(1) };
  const loss = (parameters: readonly number[]): number =>
    rows.reduce((sum, row, i) => {
      const eta = linear(row, parameters);
      return sum + softplus(eta) - (targets[i] ?? 0) * eta;
    }, 0) + penalty(parameters, l2);

  let now = loss(at);
  for (let step = 0; step < STEPS; step++) {
    const { gradient, hessian } = slopes({ rows, targets, at, l2 });
    const free = [...gradient.keys()].filter((j) => j === 0 || (at[j] ?? 0) > 0 || (gradient[j] ?? 0) < 0);
    if (free.reduce((sum, j) => sum + Math.abs(gradient[j] ?? 0), 0) < 1e-9 * rows.length) break;
    const direction = solve(
      free.map((j) => free.map((k) => hessian[j]?.[k] ?? 0)),
      free.map((j) => gradient[j] ?? 0),
    );
    const moved = (length: number): number[] => {
      const next = [...at];
      for (const [f, j] of free.entries()) {
        const value = (at[j] ?? 0) - length * (direction[f] ?? 0);
        next[j] = j === 0 ? value : Math.max(0, value);
      }
      return next;
    };
    let length = 1;
    let [next, then] = [at, now];
    for (; length > 1e-10; length /= 2) {
      next = moved(length);
      then = loss(next);
      const gain = next.reduce((sum, value, j) => sum + (gradient[j] ?? 0) * ((at[j] ?? 0) - value), 0);
      if (then <= now - 1e-4 * gain) break;
    }
    if (length <= 1e-10) break;
    [at, now] = [next, then];
  }
  return { intercept: at[0] ?? 0, weights: at.slice(1) };
}

/** 1 / (1 + exp(-x)). */
export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** ln(1 + e^x) without overflow. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const linear = (row: readonly number[], parameters: readonly number[]): number =>
  row.reduce((sum, value, j) => sum + value * (parameters[j + 1] ?? 0), parameters[0] ?? 0);

const penalty = (parameters: readonly number[], l2: number): number =>
  (l2 / 2) * parameters.slice(1).reduce((sum, weight) => sum + weight * weight, 0);

/** First and second derivatives of the loss. */
function slopes(of: {
  rows: readonly (readonly number[])[];
  targets: readonly number[];
  at: readonly number[];
  l2: number;
}): { gradient: number[]; hessian: number[][] } {
  const { rows, targets, at, l2 } = of;
  const gradient = at.map((weight, j) => (j === 0 ? 0 : l2 * weight));
  const hessian = at.map((_, j) => at.map((__, k) => (j === k ? 1e-12 + (j === 0 ? 0 : l2) : 0)));
  for (const [i, row] of rows.entries()) {
    const p = sigmoid(linear(row, at));
    const [off, weight] = [p - (targets[i] ?? 0), p * (1 - p)];
    const x = [1, ...row];
    for (const [j, value] of x.entries()) {
      gradient[j] = (gradient[j] ?? 0) + value * off;
      const line = hessian[j] as number[];
      for (let k = 0; k < x.length; k++) line[k] = (line[k] ?? 0) + weight * value * (x[k] ?? 0);
    }
  }
  return { gradient, hessian };
}

/** Solves A x = b for a symmetric A that is positive definite (Cholesky). */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const n = right.length;
  const lower = matrix.map(() => new Array<number>(n).fill(0));
  const cell = (j: number, k: number): number => lower[j]?.[k] ?? 0;
  for (let j = 0; j < n; j++)
    for (let k = 0; k <= j; k++) {
      let rest = matrix[j]?.[k] ?? 0;
      for (let i = 0; i < k; i++) rest -= cell(j, i) * cell(k, i);
      (lower[j] as number[])[k] = j === k ? Math.sqrt(Math.max(rest, 1e-12)) : rest / cell(k, k);
    }
  const y: number[] = [];
  for (let j = 0; j < n; j++) {
    let rest = right[j] ?? 0;
    for (let k = 0; k < j; k++) rest -= cell(j, k) * (y[k] ?? 0);
    y.push(rest / cell(j, j));
  }
  const x = new Array<number>(n).fill(0);
  for (let j = n - 1; j >= 0; j--) {
    let rest = y[j] ?? 0;
    for (let k = j + 1; k < n; k++) rest -= cell(k, j) * (x[k] ?? 0);
    x[j] = rest / cell(j, j);
  }
  return x;
}
