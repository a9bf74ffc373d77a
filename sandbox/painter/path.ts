/**
 * SVG path data as polygons, for what must be known without pixels: how much of a subject lies left of a line. Absolute
 * commands M L H V C Q Z only.
 */
type Point = readonly [number, number];

const CURVE_STEPS = 12;

/** The sub-paths of a path, curves as short lines. */
export function flatten(d: string): Point[][] {
  const polygons: Point[][] = [];
  let at: Point = [0, 0];
  for (const [, command = '', rest = ''] of d.matchAll(/([MLHVCQZ])([^MLHVCQZ]*)/g)) {
    const n = (rest.match(/-?\d*\.?\d+/g) ?? []).map(Number);
    const value = (i: number): number => n[i] ?? 0;
    const size = { M: 2, L: 2, H: 1, V: 1, C: 6, Q: 4 }[command] ?? n.length + 1;
    for (let i = 0; i + size <= n.length; i += size) {
      if (command === 'M') polygons.push([]);
      const from = at;
      if (command === 'H') at = [value(i), from[1]];
      else if (command === 'V') at = [from[0], value(i)];
      else at = [value(i + size - 2), value(i + size - 1)];
      if (command === 'C' || command === 'Q') {
        const one: Point = [value(i), value(i + 1)];
        const two: Point = command === 'C' ? [value(i + 2), value(i + 3)] : one;
        for (let step = 1; step < CURVE_STEPS; step++) {
          const t = step / CURVE_STEPS;
          const u = 1 - t;
          const bezier = (axis: 0 | 1): number =>
            command === 'C'
              ? u * u * u * from[axis] + 3 * u * u * t * one[axis] + 3 * u * t * t * two[axis] + t * t * t * at[axis]
              : u * u * from[axis] + 2 * u * t * one[axis] + t * t * at[axis];
          polygons.at(-1)?.push([bezier(0), bezier(1)]);
        }
      }
      polygons.at(-1)?.push(at);
    }
  }
  return polygons;
}

/** How a silhouette's area spreads over its box: shares per column and per row, each adding up to 1. */
export interface Profile {
  readonly columns: readonly number[];
  readonly rows: readonly number[];
}

const CELLS = 120;

/** Fills the union of the paths (each by the even-odd rule) on a grid over the box 0,0..width,height and counts cells. */
export function profile(paths: readonly string[], width: number, height: number): Profile {
  const grid = new Uint8Array(CELLS * CELLS);
  for (const d of paths) {
    const polygons = flatten(d);
    for (let row = 0; row < CELLS; row++) {
      const y = ((row + 0.5) / CELLS) * height;
      const crossings: number[] = [];
      for (const polygon of polygons) {
        polygon.forEach((p, i) => {
          const q = polygon[(i + 1) % polygon.length] ?? p;
          if (p[1] <= y !== q[1] <= y) crossings.push(p[0] + ((y - p[1]) / (q[1] - p[1])) * (q[0] - p[0]));
        });
      }
      crossings.sort((a, b) => a - b);
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        const from = Math.max(0, Math.ceil(((crossings[i] ?? 0) / width) * CELLS - 0.5));
        const to = Math.min(CELLS - 1, Math.floor(((crossings[i + 1] ?? 0) / width) * CELLS - 0.5));
        for (let column = from; column <= to; column++) grid[row * CELLS + column] = 1;
      }
    }
  }
  const columns = new Array<number>(CELLS).fill(0);
  const rows = new Array<number>(CELLS).fill(0);
  let area = 0;
  grid.forEach((cell, i) => {
    area += cell;
    columns[i % CELLS] = (columns[i % CELLS] ?? 0) + cell;
    rows[Math.floor(i / CELLS)] = (rows[Math.floor(i / CELLS)] ?? 0) + cell;
  });
  return { columns: columns.map((n) => n / area), rows: rows.map((n) => n / area) };
}

/** The share that lies before `at` (0..1 along the profile), linear within a cell. */
export function shareBefore(cells: readonly number[], at: number): number {
  const end = Math.min(1, Math.max(0, at)) * cells.length;
  let sum = 0;
  for (let i = 0; i < end; i++) sum += (cells[i] ?? 0) * Math.min(1, end - i);
  return sum;
}
