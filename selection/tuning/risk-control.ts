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
  /** Higher is better. */
  value: number;
  good: boolean;
}

/**
 * The most permissive threshold (pass: value at least this) that conformal risk control allows, for the loss "is defective, and passes".
 *
 * @param limit largest expected loss, 0..1
 * @returns Infinity if no threshold keeps the limit: too few were labelled, ceil(1 / limit) - 1 are needed
 *
 * @example
 * mostPermissive([{ value: 1, good: false }, ...Array(30).fill({ value: 2, good: true })], 0.05); // 2
 */
export function mostPermissive(labelled: readonly LabelledValue[], limit: number): number {
  const n = labelled.length;
  const sorted = [...labelled].sort((a, b) => b.value - a.value);
  let defects = 0;
  let threshold = Infinity;
  for (const [i, { value, good }] of sorted.entries()) {
    if (!good) defects++;
    // Equal values pass together or not at all.
    if (sorted[i + 1]?.value === value) continue;
    if ((defects + 1) / (n + 1) > limit) return threshold;
    threshold = value;
  }
  return threshold;
}
