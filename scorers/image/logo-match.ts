/** Looks closely at a place where a logo may be. */
import type { Frame, Plane } from '../frame.js';
import { correlate, correlateEdges, edgePatternOf, edgesOf, patternOf, resized, turned } from './correlation.js';

/** A known logo. */
export interface Mark {
  /** Grey, cut to the logo. */
  plane: Plane;
  /** 1 on the logo and close around it, same size. */
  mask: Plane;
}

/** Shares of the picture's long side. */
export interface Place {
  /** Middle. */
  x: number;
  y: number;
  /** The logo's long side. */
  size: number;
  /** Clockwise, degrees. */
  turn: number;
  score: number;
}

export interface Stage {
  /** Pixels of the logo's long side at which it is compared. */
  long: number;
  /** Sizes and turns that are tried, around those of the place. */
  sizes: readonly number[];
  turns: readonly number[];
  /** How far the middle may move, as a share of the logo's long side. */
  reach: number;
}

export interface Match extends Place {
  /** Correlation of brightness, -1..1; negative: light where the logo is dark. */
  brightness: number;
  /** Correlation of edges, 0..1. */
  edges: number;
}

/**
 * The best match around a place: the geometric mean of the correlations of brightness (its sign dropped) and of edges is largest. Pixels
 * are taken from the full-size picture.
 */
export function matchAround({ frame, logo, place }: { frame: Frame; logo: Mark; place: Place }, stage: Stage): Match {
  let most: Match = { ...place, score: 0, brightness: 0, edges: 0 };
  const [base, mask] = [atLongSide(logo.plane, stage.long), atLongSide(logo.mask, stage.long)];
  const patterns = stage.turns.map((by) => {
    const turn = place.turn + by;
    const [plane, inside] = [turned(base, turn), turned(mask, turn)];
    return { turn, pattern: patternOf(plane, inside), edgePattern: edgePatternOf(edgesOf(plane), inside) };
  });
  for (const factor of stage.sizes) {
    const size = place.size * factor;
    const around = windowOf({ frame, logo, place: { ...place, size }, stage });
    const edgesAround = edgesOf(around.plane);
    for (const { turn, pattern, edgePattern } of patterns) {
      if (pattern === undefined || edgePattern === undefined) continue;
      const brightness = correlate(around.plane, pattern);
      const edges = correlateEdges(edgesAround, edgePattern);
      for (let i = 0; i < brightness.data.length; i++) {
        const [b, e] = [brightness.data[i] as number, edges.data[i] as number];
        const score = scoreOf(b, e);
        if (score <= most.score) continue;
        most = {
          x: around.x + ((i % brightness.width) + pattern.width / 2) * around.step,
          y: around.y + (Math.floor(i / brightness.width) + pattern.height / 2) * around.step,
          size,
          turn,
          score: Math.min(1, score),
          brightness: b,
          edges: e,
        };
      }
    }
  }
  return most;
}

/** Weight of brightness: behind a logo it is anything, the edges stay. */
const BRIGHTNESS = 0.15;

/** Of the correlations of brightness and of edges, 0..1. */
export const scoreOf = (brightness: number, edges: number): number =>
  Math.max(0, BRIGHTNESS * Math.abs(brightness) + (1 - BRIGHTNESS) * edges);

/** Both sides of a logo whose long side is `long`. */
export function sides({ width, height }: Plane, long: number): [width: number, height: number] {
  const shrink = long / Math.max(width, height);
  return [width * shrink, height * shrink];
}

/** A plane brought to a long side in whole pixels. */
export function atLongSide(plane: Plane, long: number): Plane {
  const [width, height] = sides(plane, long).map((side) => Math.max(1, Math.round(side))) as [number, number];
  return resized(plane, { width, height });
}

/** Grey of the full-size picture around a place, scaled so that the logo would have the stage's size; corner and step in shares. */
function windowOf({ frame, logo, place, stage }: { frame: Frame; logo: Mark; place: Place; stage: Stage }): {
  plane: Plane;
  x: number;
  y: number;
  step: number;
} {
  const full = Math.max(frame.width, frame.height);
  const [w, h] = sides(logo.plane, place.size * full);
  const reach = stage.reach * place.size * full;
  const left = Math.max(0, Math.floor(place.x * full - w / 2 - reach));
  const top = Math.max(0, Math.floor(place.y * full - h / 2 - reach));
  const right = Math.min(frame.width, Math.ceil(place.x * full + w / 2 + reach));
  const bottom = Math.min(frame.height, Math.ceil(place.y * full + h / 2 + reach));
  const step = (place.size * full) / stage.long;
  const size = { width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
  const grey = new Float32Array(size.width * size.height);
  for (let y = 0, i = 0; y < size.height; y++)
    for (let p = 3 * ((top + y) * frame.width + left), end = i + size.width; i < end; i++, p += 3)
      grey[i] =
        0.299 * (frame.rgb[p] as number) + 0.587 * (frame.rgb[p + 1] as number) + 0.114 * (frame.rgb[p + 2] as number);
  const plane = resized(
    { ...size, data: grey },
    { width: Math.max(1, Math.round(size.width / step)), height: Math.max(1, Math.round(size.height / step)) },
  );
  return { plane, x: left / full, y: top / full, step: step / full };
}
