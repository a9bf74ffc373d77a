/** Where a known logo is in a picture: coarse to fine over sizes, places and small turns. */
import { scaledBox } from '../facts.js';
import type { Frame, Plane } from '../frame.js';
import { correlate, correlateEdges, edgePatternOf, edgesOf, patternOf } from './correlation.js';
import {
  atLongSide,
  matchAround,
  scoreOf,
  sides,
  type Mark,
  type Match,
  type Place,
  type Stage,
} from './logo-match.js';
import type { Box } from './geometry.js';
import { dilated } from './morphology.js';
import { eachTone, planePart, tonePyramid, type Tones } from './opponents.js';
import { regionOf } from './region.js';

/** The logo's long side, as a share of the picture's, is looked for between these, each step so much larger. */
const SMALLEST = 0.04;
const LARGEST = 0.85;
const STEP = 1.2;
/** Long side of the logo in pixels at the first stage. */
const COARSE = 12;
/** What scores less at the first stage is no place. */
const LEAST = 0.3;
/** Best places, on the subject and beside it, that are looked at more closely by the second and by the third stage. */
const PLACES = 10;
const FINALISTS = 3;
const MIDDLE: Stage = { long: 22, sizes: [0.85, 0.92, 1, 1.08, 1.17], turns: [-4.5, 0, 4.5], reach: 0.2 };
const FINE: Stage = { long: 44, sizes: [0.97, 1, 1.03], turns: [-3, -1.5, 0, 1.5, 3], reach: 0.1 };
/** Two places are one where their middles are nearer than this share of the logo's long side. */
const SAME_PLACE = 0.5;
/** A side of a logo's border that scatters less is its background, and the logo is what differs from it by so much, dE76. */
const PLAIN = 4;
const DIFFERS = 12;
const MARGIN = 0.08;

export interface Sighting {
  /** Full-size pixels. */
  box: Box;
  /** Correlation of brightness (sign dropped: a negative counts) and of edges, geometric mean; 0..1. */
  score: number;
  brightness: number;
  edges: number;
  /** Clockwise, degrees. */
  turn: number;
  /** Share of the box that the subject covers. */
  onSubject: number;
}

/**
 * A logo to look for: cut to what differs from its plain background, compared there and close around it; the whole picture where its border
 * is not plain. Undefined where it has no shape.
 *
 * @example
 * const mark = logo.derive(markOf);
 */
export function markOf(frame: Frame): Mark | undefined {
  const { subject } = frame;
  const { width, height } = frame.working;
  const on = new Uint8Array(width * height).fill(1);
  if (subject.background.scatter < PLAIN)
    for (let i = 0; i < on.length; i++) on[i] = (subject.distance[i] as number) < DIFFERS ? 0 : 1;
  const { box } = regionOf({ width, height }, on);
  const around = Math.ceil(MARGIN * Math.max(box.right - box.left + 1, box.bottom - box.top + 1));
  const near = dilated({ width, height, data: on }, around);
  const { box: wide, area } = regionOf({ width, height }, near);
  if (area === 0) return undefined;
  const part = {
    left: wide.left,
    top: wide.top,
    width: wide.right - wide.left + 1,
    height: wide.bottom - wide.top + 1,
  };
  const [tones] = frame.derive(tonePyramid) as [Tones];
  const mask = planePart({ width, height, data: Float32Array.from(near) }, part);
  const mark = { tones: eachTone(tones, (plane) => planePart(plane, part)), mask, box: scaledBox(wide, frame.scale) };
  return patternOf(mark.tones[0], mask) && mark;
}

/**
 * The places that look most like a logo, best first, at most three on the subject and three beside it: normalised cross-correlation at 17
 * sizes from 4 to 85 % of the picture's long side on the working picture, then over sizes, turns up to 7.5 degrees and places around each of
 * the best, on brightness and on edges.
 *
 * @example
 * findLogo(frame, plane)[0]; // { box, score: 0.93, … }
 */
export function findLogo(frame: Frame, logo: Mark): Sighting[] {
  const closer = (places: readonly Place[], stage: Stage): Match[] =>
    places.map((place) => matchAround({ frame, logo, place }, stage)).sort((a, b) => b.score - a.score);
  const places = coarsePlaces(frame, logo);
  return [true, false]
    .flatMap((on) => {
      const here = places.filter((place) => onSubject(frame, logo, place) >= 0.5 === on);
      return closer(closer(here, MIDDLE).slice(0, FINALISTS), FINE);
    })
    .filter(({ score }) => score > 0)
    .map((match) => sighting(frame, logo, match))
    .sort((a, b) => b.score - a.score || a.box.left - b.box.left || a.box.top - b.box.top);
}

function sighting(frame: Frame, logo: Mark, match: Match): Sighting {
  const { x, y, size, score, brightness, edges, turn } = match;
  const long = Math.max(frame.width, frame.height);
  const [width, height] = sides(logo.mask, size * long);
  return {
    box: { left: x * long - width / 2, top: y * long - height / 2, width, height },
    ...{ score, brightness, edges, turn },
    onSubject: onSubject(frame, logo, match),
  };
}

/** Share of the logo's box that the subject covers. */
function onSubject({ subject, working }: Frame, logo: Mark, { x, y, size }: Place): number {
  const { width, height } = working;
  const long = Math.max(width, height);
  const [w, h] = sides(logo.mask, size * long);
  let [inside, total] = [0, 0];
  for (let j = Math.max(0, Math.round(y * long - h / 2)); j < Math.min(height, Math.round(y * long + h / 2)); j++)
    for (let i = Math.max(0, Math.round(x * long - w / 2)); i < Math.min(width, Math.round(x * long + w / 2)); i++) {
      total++;
      if (subject.mask[j * width + i] === 1) inside++;
    }
  return total === 0 ? 0 : inside / total;
}

function coarsePlaces(frame: Frame, logo: Mark): Place[] {
  const pyramid = frame.derive(tonePyramid);
  const [[whole]] = pyramid as [Tones];
  const long = Math.max(whole.width, whole.height);
  const tones = eachTone(logo.tones, (plane) => atLongSide(plane, COARSE));
  const mask = atLongSide(logo.mask, COARSE);
  const [pattern, edgePattern] = [patternOf(tones[0], mask), edgePatternOf(edgesOf(...tones), mask)];
  if (pattern === undefined || edgePattern === undefined) return [];
  const found: Place[] = [];
  for (let size = SMALLEST; size <= LARGEST; size *= STEP) {
    const side = Math.round(COARSE / size);
    if (side > long) continue;
    const source = pyramid.findLast(([{ width, height }]) => Math.max(width, height) >= side) as Tones;
    const picture = eachTone(source, (plane) => atLongSide(plane, side));
    const edges = correlateEdges(edgesOf(...picture), edgePattern);
    const map = correlate(picture[0], pattern, (i) => scoreOf(1, edges.data[i] as number) > LEAST);
    for (let i = 0; i < map.data.length; i++) map.data[i] = scoreOf(map.data[i] as number, edges.data[i] as number);
    for (let y = 0; y < map.height; y++)
      for (let x = 0; x < map.width; x++) {
        const score = map.data[y * map.width + x] as number;
        if (score > LEAST && isPeak(map, x, y, score))
          found.push({
            x: (x + pattern.width / 2) / side,
            y: (y + pattern.height / 2) / side,
            size: COARSE / side,
            turn: 0,
            score,
          });
      }
  }
  found.sort((a, b) => b.score - a.score || a.size - b.size || a.y - b.y || a.x - b.x);
  const kept: Place[] = [];
  const counts = { on: 0, off: 0 };
  for (const place of found) {
    const side = onSubject(frame, logo, place) >= 0.5 ? 'on' : 'off';
    if (counts[side] >= PLACES) continue;
    const near = ({ x, y, size }: Place): boolean =>
      Math.hypot(x - place.x, y - place.y) < SAME_PLACE * Math.min(size, place.size) &&
      Math.max(size, place.size) < 1.3 * Math.min(size, place.size);
    if (kept.some(near)) continue;
    kept.push(place);
    counts[side]++;
  }
  return kept;
}

function isPeak({ width, height, data }: Plane, x: number, y: number, score: number): boolean {
  for (let j = Math.max(0, y - 1); j <= Math.min(height - 1, y + 1); j++)
    for (let i = Math.max(0, x - 1); i <= Math.min(width - 1, x + 1); i++)
      if ((data[j * width + i] as number) > score) return false;
  return true;
}
