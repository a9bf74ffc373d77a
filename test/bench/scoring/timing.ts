/** Milliseconds, in the way all of bench:scoring takes them. */

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
};

export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The median of `rounds` runs, after one that is not counted. */
export async function medianOf(rounds: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  const all: number[] = [];
  for (let round = 0; round < rounds; round++) all.push(await timed(work));
  return median(all);
}
