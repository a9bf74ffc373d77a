/** Maximal marginal relevance: good, and unlike what was picked already. */

/**
 * Gives the candidates in the order of their marginal relevance to what is picked at that moment (Carbonell & Goldstein, "The use of MMR,
 * diversity-based reranking for reordering documents and producing summaries", SIGIR 1998):
 * `lambda * quality / 100 - (1 - lambda) * similarity to the most similar winner`. Ties go to the earlier one of `open`.
 *
 * @param open best first; quality 0..100
 * @param picked the winners so far; the caller appends to it between two turns
 * @param options `lambda` 0..1; `similarity` 0 (unlike) to 1 (the same)
 *
 * @example
 * for (const one of byMarginalRelevance(ranking, picked, { lambda: 0.7, similarity })) if (picked.length < 4) picked.push(one);
 */
export function* byMarginalRelevance<T extends { quality: number }>(
  open: readonly T[],
  picked: readonly T[],
  { lambda, similarity }: { lambda: number; similarity: (a: T, b: T) => number },
): Generator<T> {
  const left = open.map((one) => ({ one, nearest: 0 }));
  let compared = 0;
  while (left.length > 0) {
    for (; compared < picked.length; compared++)
      for (const candidate of left)
        candidate.nearest = Math.max(candidate.nearest, similarity(candidate.one, picked[compared] as T));
    let best = 0;
    let most = -Infinity;
    for (const [at, { one, nearest }] of left.entries()) {
      const relevance = (lambda * one.quality) / 100 - (1 - lambda) * nearest;
      if (relevance > most) [best, most] = [at, relevance];
    }
    for (const { one } of left.splice(best, 1)) yield one;
  }
}

/** The cosine of two unit vectors, -1..1; undefined where one is missing, or they are of different models. */
export function cosine(a: ArrayLike<number> | undefined, b: ArrayLike<number> | undefined): number | undefined {
  if (!a || !b || a.length === 0 || a.length !== b.length) return undefined;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return Number.isFinite(sum) ? sum : undefined;
}
