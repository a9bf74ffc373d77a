import type { Lab, LabPlanes } from './colour.js';
import { labelledRuns, type Component } from './components.js';
import { openedBySquare, type Area } from './filters.js';
import { backgroundDistance, fitBackground, type Surface } from './surface.js';

/** Nothing closer than this to the background counts as something, in CIELAB units (dE76). */
const MIN_DISTANCE = 10;
/** Smallest subject, as a share of the picture. */
const MIN_SUBJECT = 0.004;
/**
 * A further component belongs to the subject ("two mugs") when it has at least these shares of the largest one's area and of
 * its distance from the background. A stain may be as large as a bottle, but it is paler.
 */
const PART_AREA = 0.4;
const PART_DISTANCE = 0.6;

/** A part that is thinner than twice this share of the long side, and nearer to the background than PALE of the mean, is not the subject. */
const THIN = 0.01;
const PALE = 0.55;

/** What stands out from the border ring, in working pixels. */
export interface Subject {
  found: boolean;
  /** 1 = subject, 2 = something else that stands out, 0 = background. */
  mask: Uint8Array;
  /** Subject pixels / all pixels. */
  share: number;
  /** Inclusive; zeros where there is no subject. */
  box: { left: number; top: number; right: number; bottom: number };
  /** Centre of mass, 0..1 of width and height; 0.5 where there is no subject. */
  centre: { x: number; y: number };
  /** Components that stand out but are not the subject. */
  others: Component[];
  /** Distance from the background's colour per pixel, dE76. */
  distance: Float32Array;
  /** Above this distance a pixel stands out. */
  threshold: number;
  background: {
    /** In the middle of the picture. */
    lab: Lab;
    /** L*, a* and b* as fitted to the border ring. */
    surfaces: [Surface, Surface, Surface];
    /** How far the ring scatters around the fit, dE76, median. */
    scatter: number;
  };
}

/**
 * Finds the subject: pixels whose CIELAB distance from a plane fitted robustly to the border ring is above the scatter of
 * that ring; the component that is largest and most different, and those nearly so.
 *
 * @example
 * const { found, share, box } = findSubject(frame.working, frame.lab);
 */
export function findSubject({ width, height }: { width: number; height: number }, lab: LabPlanes): Subject {
  const { surfaces, scatter, spread } = fitBackground({ width, height, lab });
  const threshold = Math.max(MIN_DISTANCE, scatter + 5 * spread);
  const { distance, beyond } = backgroundDistance({ width, height, lab, surfaces, threshold });
  const mask = withoutLoners(beyond, width, height);
  const { runs, list } = labelledRuns(mask, width);
  const distanceSum = new Float64Array(list.length + 1);
  for (const { from, to, label } of runs) {
    let sum = 0;
    for (let i = from; i < to; i++) sum += distance[i] as number;
    distanceSum[label] = (distanceSum[label] as number) + sum;
  }
  const meanDistance = (c: Component): number => (distanceSum[c.label] as number) / c.area;
  // large and different: both make a subject
  const weight = (c: Component): number => distanceSum[c.label] as number;
  const main = list.reduce<Component | undefined>(
    (best, c) => (best && weight(best) >= weight(c) ? best : c),
    undefined,
  );
  const found = main !== undefined && main.area >= MIN_SUBJECT * mask.length;
  const isSubject = (c: Component): boolean =>
    found && c.area >= PART_AREA * main.area && meanDistance(c) >= PART_DISTANCE * meanDistance(main);

  const isPart = new Uint8Array(list.length + 1);
  for (const c of list) isPart[c.label] = isSubject(c) ? 1 : 0;
  for (const { from, to, label } of runs) if (isPart[label] === 0) mask.fill(2, from, to);
  if (found) {
    const area = around(list.filter(isSubject));
    prune({ width, mask, area, distance, pale: PALE * meanDistance(main) });
  }
  return {
    found,
    mask,
    ...extent(mask, width, height),
    others: list.filter((c) => !isSubject(c)),
    distance,
    threshold,
    background: { lab: [surfaces[0][0], surfaces[1][0], surfaces[2][0]], surfaces, scatter },
  };
}

/** The box around some components. */
const around = (list: readonly Component[]): Area => ({
  left: Math.min(...list.map(({ left }) => left)),
  top: Math.min(...list.map(({ top }) => top)),
  right: Math.max(...list.map(({ right }) => right)),
  bottom: Math.max(...list.map(({ bottom }) => bottom)),
});

/**
 * Gives back to the background what hangs on the subject but is not it: pale and thin, such as a crease that runs behind it.
 * Thin parts that are as dark as the rest stay (handles, legs), and so do pale parts that are thick (labels, soles).
 */
function prune({
  width,
  mask,
  area,
  distance,
  pale,
}: {
  width: number;
  mask: Uint8Array;
  area: Area;
  distance: Float32Array;
  pale: number;
}): void {
  const pales: number[] = [];
  for (let y = area.top; y <= area.bottom; y++)
    for (let i = y * width + area.left, end = y * width + area.right; i <= end; i++)
      if (mask[i] === 1 && (distance[i] as number) < pale) pales.push(i);
  if (pales.length === 0) return;
  const height = mask.length / width;
  const radius = Math.max(1, Math.round(THIN * Math.max(width, height)));
  const thick = openedBySquare({ width, height, mask, area, radius });
  for (const i of pales) if (thick[i] === 0) mask[i] = 2;
}

/** Share, box and centre of the pixels that are the subject. */
function extent(mask: Uint8Array, width: number, height: number): Pick<Subject, 'share' | 'box' | 'centre'> {
  let area = 0;
  let sumX = 0;
  let sumY = 0;
  const box = { left: width, top: height, right: 0, bottom: 0 };
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      if (mask[i] !== 1) continue;
      area++;
      sumX += x + 0.5;
      sumY += y + 0.5;
      if (x < box.left) box.left = x;
      if (x > box.right) box.right = x;
      if (y < box.top) box.top = y;
      box.bottom = y;
    }
  if (area === 0) return { share: 0, box: { left: 0, top: 0, right: 0, bottom: 0 }, centre: { x: 0.5, y: 0.5 } };
  return { share: area / mask.length, box, centre: { x: sumX / area / width, y: sumY / area / height } };
}

/** Drops pixels with fewer than two neighbours of eight: lone noise goes, thin strokes stay. */
function withoutLoners(mask: Uint8Array, width: number, height: number): Uint8Array {
  const out = new Uint8Array(mask.length);
  for (let y = 0; y < height; y++) {
    const isEdgeRow = y === 0 || y === height - 1;
    for (let x = 0, i = y * width; x < width; x++, i++) {
      if (mask[i] === 0) continue;
      if (isEdgeRow || x === 0 || x === width - 1) {
        out[i] = neighboursAtBorder({ mask, width, height, x, y }) >= 2 ? 1 : 0;
        continue;
      }
      const up = i - width;
      const down = i + width;
      const around =
        (mask[up - 1] as number) +
        (mask[up] as number) +
        (mask[up + 1] as number) +
        (mask[i - 1] as number) +
        (mask[i + 1] as number) +
        (mask[down - 1] as number) +
        (mask[down] as number) +
        (mask[down + 1] as number);
      out[i] = around >= 2 ? 1 : 0;
    }
  }
  return out;
}

function neighboursAtBorder(of: { mask: Uint8Array; width: number; height: number; x: number; y: number }): number {
  const { mask, width, height, x, y } = of;
  let count = -1;
  for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++)
    for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++)
      count += mask[row * width + column] as number;
  return count;
}
