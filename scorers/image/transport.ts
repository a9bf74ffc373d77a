/** The transportation problem: supplies to demands at least cost. */

/** Shares are rounded to this many units, so that the flow is exact in whole numbers and ends. */
const UNITS = 10_000;

/**
 * The least mean cost of moving the shares `from` onto the shares `to` (each adds up to 1), `cost(i, j)` for one share of 1.
 * Exact for shares rounded to 1/10,000: cheapest augmenting paths (Bellman-Ford) in the bipartite network. Meant for up to 20 a side.
 *
 * @example
 * transport({ from: [0.5, 0.5], to: [1], cost: (i) => [2, 4][i] ?? 0 }); // 3
 */
export function transport({
  from,
  to,
  cost,
}: {
  from: readonly number[];
  to: readonly number[];
  cost: (i: number, j: number) => number;
}): number {
  const [n, m] = [from.length, to.length];
  const supply = whole(from);
  const demand = whole(to);
  const costs = Array.from({ length: n }, (_, i) => Array.from({ length: m }, (__, j) => cost(i, j)));
  const flow = Array.from({ length: n }, () => new Float64Array(m));
  let total = 0;
  for (let left = UNITS; left > 0;) {
    // nodes: 0..n-1 supplies, n..n+m-1 demands
    const distance = Float64Array.from({ length: n + m }, (_, v) =>
      v < n && (supply[v] as number) > 0 ? 0 : Infinity,
    );
    const before = new Int32Array(n + m).fill(-1);
    for (let changed = true; changed;) {
      changed = false;
      const relax = (u: number, v: number, c: number): void => {
        if ((distance[u] as number) + c >= (distance[v] as number) - 1e-9) return;
        distance[v] = (distance[u] as number) + c;
        before[v] = u;
        changed = true;
      };
      for (let i = 0; i < n; i++)
        for (let j = 0; j < m; j++) {
          const c = (costs[i] as number[])[j] as number;
          relax(i, n + j, c);
          if (((flow[i] as Float64Array)[j] as number) > 0) relax(n + j, i, -c);
        }
    }
    let end = -1;
    for (let j = 0; j < m; j++)
      if ((demand[j] as number) > 0 && (end < 0 || (distance[n + j] as number) < (distance[end] as number)))
        end = n + j;
    const path: [number, number][] = [];
    let start = end;
    for (; (before[start] as number) >= 0; start = before[start] as number) path.push([before[start] as number, start]);
    let amount = Math.min(supply[start] as number, demand[end - n] as number);
    for (const [u, v] of path) if (u >= n) amount = Math.min(amount, (flow[v] as Float64Array)[u - n] as number);
    for (const [u, v] of path)
      if (u < n) (flow[u] as Float64Array)[v - n] = ((flow[u] as Float64Array)[v - n] as number) + amount;
      else (flow[v] as Float64Array)[u - n] = ((flow[v] as Float64Array)[u - n] as number) - amount;
    supply[start] = (supply[start] as number) - amount;
    demand[end - n] = (demand[end - n] as number) - amount;
    total += amount * (distance[end] as number);
    left -= amount;
  }
  return total / UNITS;
}

/** Shares in whole units that add up to UNITS; what rounding leaves goes to the largest. */
function whole(shares: readonly number[]): number[] {
  const sum = shares.reduce((all, share) => all + share, 0);
  const units = shares.map((share) => Math.round((share / sum) * UNITS));
  const largest = units.indexOf(Math.max(...units));
  units[largest] = (units[largest] as number) + UNITS - units.reduce((all, unit) => all + unit, 0);
  return units;
}
