/** Whether two samples are of the same kind: of shares, of values, for many questions at once, and where the items come in groups. */

/** The largest vertical distance of two step functions, and how often chance alone gives as much. */
export interface Distance {
  /** 0..1. */
  distance: number;
  /** 0..1. */
  p: number;
}

/**
 * The two-sample test of Kolmogorov and Smirnov. The distance is exact, ties included; its chance is the limiting distribution with
 * Stephens' correction for small samples (Stephens 1970; Press et al., Numerical Recipes, 14.3.3), which is good from about 4 items in each.
 *
 * @param sizes how many independent items each sample is worth; @default their lengths
 *
 * @example
 * kolmogorovSmirnov([1, 2, 3], [4, 5, 6]).distance; // 1
 */
export function kolmogorovSmirnov(
  a: readonly number[],
  b: readonly number[],
  sizes: readonly [number, number] = [a.length, b.length],
): Distance {
  const [first, second] = [a.toSorted(ascending), b.toSorted(ascending)];
  let [i, j, distance] = [0, 0, 0];
  while (i < first.length && j < second.length) {
    const at = Math.min(first[i] ?? Infinity, second[j] ?? Infinity);
    while (first[i] === at) i++;
    while (second[j] === at) j++;
    distance = Math.max(distance, Math.abs(i / first.length - j / second.length));
  }
  const size = Math.sqrt((sizes[0] * sizes[1]) / (sizes[0] + sizes[1]));
  return { distance, p: kolmogorovTail((size + 0.12 + 0.11 / size) * distance) };
}

const ascending = (a: number, b: number): number => a - b;

/**
 * How likely Kolmogorov's distribution exceeds x (Kolmogorov 1933), by whichever of its two series converges at once.
 *
 * @example
 * kolmogorovTail(1.3581); // 0.05
 */
export function kolmogorovTail(x: number): number {
  if (x < 0.1) return 1;
  let sum = 0;
  if (x < 1.18) {
    for (let k = 1; k <= 9; k += 2) sum += Math.exp((-k * k * Math.PI ** 2) / (8 * x * x));
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  for (let k = 1; k <= 5; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return Math.min(1, Math.max(0, sum));
}

/** So many of so many; whole numbers. */
export interface Count {
  hits: number;
  of: number;
}

/**
 * Fisher's exact test, two-sided: how likely a table with the same sums is that is at most as likely as this one.
 *
 * @example
 * fisher({ hits: 3, of: 4 }, { hits: 1, of: 4 }); // 0.486, the lady who tastes tea
 */
export function fisher(a: Count, b: Count): number {
  const hits = a.hits + b.hits;
  const least = Math.max(0, hits - b.of);
  const most = Math.min(a.of, hits);
  // logarithms, relative to the first: the likeliest table of large samples is e^1000 times as likely as the outermost
  const logs = [0];
  for (let x = least; x < most; x++) {
    const ratio = ((a.of - x) * (hits - x)) / ((x + 1) * (b.of - hits + x + 1));
    logs.push((logs.at(-1) ?? 0) + Math.log(ratio));
  }
  const top = logs.reduce((largest, log) => Math.max(largest, log), -Infinity);
  const weights = logs.map((log) => Math.exp(log - top));
  const own = weights[a.hits - least] ?? 0;
  let [all, asRare] = [0, 0];
  for (const weight of weights) {
    all += weight;
    if (weight <= own * (1 + 1e-7)) asRare += weight;
  }
  return Math.min(1, asRare / all);
}

/**
 * p-values corrected for their number (Benjamini & Hochberg 1995): of those that stay at or below 0.05, 5 % are false alarms on average.
 *
 * @returns in the order given
 *
 * @example
 * benjaminiHochberg([0.01, 0.04, 0.03]); // [0.03, 0.04, 0.04]
 */
export function benjaminiHochberg(ps: readonly number[]): number[] {
  const order = [...ps.keys()].sort((i, j) => (ps[j] ?? 0) - (ps[i] ?? 0));
  const corrected: number[] = new Array<number>(ps.length).fill(1);
  let least = 1;
  for (const [fromTop, i] of order.entries()) {
    least = Math.min(least, (ps[i] ?? 1) * (ps.length / (ps.length - fromTop)));
    corrected[i] = least;
  }
  return corrected;
}

/**
 * How many independent items the grouped ones of each sample are worth: n / (1 + (m - 1) rho), where m is the size of the group that an item is in on
 * average (Kish 1965) and rho how much more alike items of a group are (intraclass correlation, by the analysis of variance). Eight candidates of one
 * prompt are not eight prompts. All samples tell rho together: one in which all are equal, as where nothing failed, would tell nothing of it and
 * count every item. Few groups tell little of how unlike groups are: rho is the most that it may be, nine times in ten.
 *
 * @example
 * effectiveSizes([[[1, 1, 1], [5, 5, 5]], [[5, 5], [5, 5]]]); // [2, 2]
 */
export function effectiveSizes(samples: readonly (readonly (readonly number[])[])[]): number[] {
  const parts = samples.map(partsOf);
  const sum = (of: (part: Parts) => number): number => parts.reduce((total, part) => total + of(part), 0);
  const [betweenFree, withinFree] = [sum(({ free }) => free), sum(({ n, groups }) => n - groups)];
  let rho = 0;
  if (betweenFree > 0 && withinFree > 0) {
    const size = sum(({ n, squares }) => (n === 0 ? 0 : n - squares / n)) / betweenFree;
    const [between, within] = [sum((part) => part.between) / betweenFree, sum((part) => part.within) / withinFree];
    const most = between / leastOf(betweenFree);
    const variance = most + (size - 1) * within;
    rho = variance === 0 ? 0 : Math.min(1, Math.max(0, (most - within) / variance));
  }
  return parts.map(({ n, groups, squares }) => (groups < 2 ? groups : n / (1 + (squares / n - 1) * rho)));
}

/** What a variance of so many degrees of freedom is found to be at least, nine times in ten, of what it is (chi-square, Wilson & Hilferty 1931). */
const leastOf = (free: number): number => (1 - 2 / (9 * free) - 1.2816 * Math.sqrt(2 / (9 * free))) ** 3;

/** A sample's part of the analysis of variance. */
interface Parts {
  n: number;
  groups: number;
  /** Degrees of freedom between groups. */
  free: number;
  /** Sum of the squared sizes of groups. */
  squares: number;
  between: number;
  within: number;
}

function partsOf(sample: readonly (readonly number[])[]): Parts {
  const filled = sample.filter(({ length }) => length > 0);
  const total = meanOf(filled.flat());
  const parts: Parts = {
    n: 0,
    groups: filled.length,
    free: Math.max(0, filled.length - 1),
    squares: 0,
    between: 0,
    within: 0,
  };
  for (const group of filled) {
    const mean = meanOf(group);
    parts.n += group.length;
    parts.squares += group.length ** 2;
    parts.between += group.length * (mean - total) ** 2;
    for (const value of group) parts.within += (value - mean) ** 2;
  }
  return parts;
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
