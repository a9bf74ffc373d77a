/** Looks closely at a place where a logo may be. */
import type { Frame, Plane } from '../frame.js';
import type { Box } from './geometry.js';
import { correlate, correlateEdges, edgePatternOf, edgesOf, patternOf, resized, turned } from './correlation.js';
import { eachTone, picturePart, planePart, tonePyramid, tonesOf, type Part, type Tones } from './opponents.js';

/** A known logo. */
export interface Mark {
  /** Cut to the logo. */
  tones: Tones;
  /** 1 on the logo and close around it, same size. */
  mask: Plane;
  /** Full-size pixels of the picture that it was cut from. */
  box: Box;
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
 * come from the smallest copy of the picture that shows the logo as large as it is compared.
 */
export function matchAround({ frame, logo, place }: { frame: Frame; logo: Mark; place: Place }, stage: Stage): Match {
  let most: Match = { ...place, score: 0, brightness: 0, edges: 0 };
  const base = eachTone(logo.tones, (plane) => atLongSide(plane, stage.long));
  const mask = atLongSide(logo.mask, stage.long);
  const patterns = stage.turns.map((by) => {
    const turn = place.turn + by;
    const [tones, inside] = [eachTone(base, (plane) => turned(plane, turn)), turned(mask, turn)];
    return { turn, pattern: patternOf(tones[0], inside), edgePattern: edgePatternOf(edgesOf(...tones), inside) };
  });
  for (const factor of stage.sizes) {
    const size = place.size * factor;
    const around = windowOf({ frame, logo, place: { ...place, size }, stage });
    const edgesAround = edgesOf(...around.tones);
    for (const { turn, pattern, edgePattern } of patterns) {
      if (pattern === undefined || edgePattern === undefined) continue;
      const edges = correlateEdges(edgesAround, edgePattern);
      const { score: toBeat } = most;
      const brightness = correlate(around.tones[0], pattern, (i) => scoreOf(1, edges.data[i] as number) > toBeat);
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

/** The tones around a place, scaled so that the logo would have the stage's size; corner and step in shares. */
function windowOf({ frame, logo, place, stage }: { frame: Frame; logo: Mark; place: Place; stage: Stage }): {
  tones: Tones;
  x: number;
  y: number;
  step: number;
} {
  const copy = frame
    .derive(tonePyramid)
    .findLast(([{ width, height }]) => place.size * Math.max(width, height) >= stage.long);
  const { width, height } = copy?.[0] ?? frame;
  const long = Math.max(width, height);
  const [w, h] = sides(logo.mask, place.size * long);
  const reach = stage.reach * place.size * long;
  const left = Math.max(0, Math.floor(place.x * long - w / 2 - reach));
  const top = Math.max(0, Math.floor(place.y * long - h / 2 - reach));
  const part: Part = {
    left,
    top,
    width: Math.max(1, Math.min(width, Math.ceil(place.x * long + w / 2 + reach)) - left),
    height: Math.max(1, Math.min(height, Math.ceil(place.y * long + h / 2 + reach)) - top),
  };
  const step = (place.size * long) / stage.long;
  const to = { width: Math.max(1, Math.round(part.width / step)), height: Math.max(1, Math.round(part.height / step)) };
  const shown = copy ? eachTone(copy, (plane) => planePart(plane, part)) : tonesOf(picturePart(frame, part));
  return { tones: eachTone(shown, (plane) => resized(plane, to)), x: left / long, y: top / long, step: step / long };
}
