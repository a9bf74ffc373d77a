/** Conformal risk control: thresholds whose expected loss on the next candidate is bounded. */

/**
 * What the expected loss of the next candidate is at most, if a threshold was chosen so that this stays under a limit:
 * n / (n + 1) R + B / (n + 1), R the mean loss of the n calibration candidates and B the largest loss there is.
 *
 * Source: Angelopoulos, Bates, Fisch, Lei, Schuster, "Conformal Risk Control" (ICLR 2024, arXiv 2208.02814), theorem 1. It is a
 * statement on average, not with a confidence; it needs exchangeable candidates and a loss that never grows as the threshold gets stricter.
 *
 * @param losses each 0..largest; none say nothing: `largest`
 * @param largest B. @default 1
 *
 * @example
 * riskBound([0, 0, 0, 0, 0, 0, 0, 0, 0]); // 0.1: nine clean ones
 */
export function riskBound(losses: readonly number[], largest = 1): number {
  const sum = losses.reduce((all, loss) => all + loss, 0);
  return (sum + largest) / (losses.length + 1);
}

/** A labelled value. */
export interface LabelledValue {
  /** Higher is better. Infinity passes every threshold, -Infinity none: what has no value is decided elsewhere, and counts all the same. */
  value: number;
  good: boolean;
  /** Pictures with one job are no independent evidence. @default a job of its own */
  job?: string;
}

/**
 * The most permissive threshold (pass: value at least this) that conformal risk control allows, for the loss "is defective, and passes", of a job the
 * share of its pictures.
 *
 * @param limit largest expected loss, 0..1
 * @returns Infinity if no threshold keeps the limit: too few were labelled, ceil(1 / limit) - 1 are needed, or what passes every threshold is too bad
 *
 * @example
 * mostPermissive([{ value: 1, good: false }, ...Array(30).fill({ value: 2, good: true })], 0.05); // 2
 */
export function mostPermissive(labelled: readonly LabelledValue[], limit: number): number {
  const sizes = new Map<string, number>();
  for (const { job } of labelled) if (job !== undefined) sizes.set(job, (sizes.get(job) ?? 0) + 1);
  const shareOf = ({ job }: LabelledValue): number => (job === undefined ? 1 : 1 / (sizes.get(job) ?? 1));
  const n = sizes.size + labelled.filter(({ job }) => job === undefined).length;
  const sorted = [...labelled].sort((a, b) => b.value - a.value);
  let defects = 0;
  let threshold = Infinity;
  for (const [i, one] of sorted.entries()) {
    const { value } = one;
    if (value === -Infinity) break;
    if (!one.good) defects += shareOf(one);
    // Equal values pass together or not at all.
    if (sorted[i + 1]?.value === value) continue;
    if ((defects + 1) / (n + 1) > limit) return threshold;
    threshold = value;
  }
  return threshold;
}
