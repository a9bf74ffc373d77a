import { strongest } from './image/strongest.js';
import type { Box } from './faces/geometry.js';
import { sampleView, toPicture, type View } from './faces/view.js';
import type { Frame } from './frame.js';

const SIZE = 512;
/** Numbers of one of the 100 detections: left, top, right, bottom in input pixels, score, class of COCO. */
const NUMBERS = 6;
const PERSON = 0;
/** In three photos of three people each, it gave people .34 and more, all else .19 and less. */
const MIN_SCORE = 0.25;
/** People stand before one another: boxes that share less are two. */
const MAX_OVERLAP = 0.5;

export interface Person {
  /** Pixels of the full-size upright picture, within it. */
  box: Box;
  /** 0..1. */
  score: number;
}

/**
 * The people of a picture, best first, also those who look away or whose face is hidden.
 * Source: Zhou, Wang, Krähenbühl, "Objects as Points", 2019; weights of @vladmandic/human (MobileNetV3, COCO).
 *
 * @throws Unassessable model-missing
 *
 * @example
 * const people = await frame.derive(peopleOf);
 */
export async function peopleOf(frame: Frame): Promise<Person[]> {
  const model = await frame.models.open('centernet');
  const view: View = wholePicture(frame, SIZE);
  const { 'tower_0/detections': found } = await model.run({
    'tower_0/images': { type: 'float32', data: sampleView(frame, view), dims: [1, SIZE, SIZE, 3] },
  });
  if (found === undefined) throw new Error('centernet has no output tower_0/detections');
  const people: Person[] = [];
  for (let i = 0; i < found.data.length; i += NUMBERS) {
    const [left, top, right, bottom, score, kind] = Array.from(found.data.slice(i, i + NUMBERS), Number) as Numbers;
    if (kind === PERSON && score >= MIN_SCORE)
      people.push({ box: boxInPicture(frame, { view, edges: [left, top, right, bottom] }), score });
  }
  return strongest(people, MAX_OVERLAP);
}

type Numbers = [number, number, number, number, number, number];

/** The whole picture in a square, black beside it: detectors find more than in a stretched one, people and hands alike. */
export const wholePicture = ({ width, height }: Frame, size: number): View => ({
  centre: [width / 2, height / 2],
  side: Math.max(width, height),
  angle: 0,
  size,
});

/** A box of a level view in the picture's pixels, cut at its borders. `edges`: left, top, right, bottom in the view's pixels. */
export function boxInPicture(
  { width, height }: Frame,
  { view, edges: [left, top, right, bottom] }: { view: View; edges: readonly [number, number, number, number] },
): Box {
  const clip = (at: number, length: number): number => Math.min(Math.max(at, 0), length);
  const [x1, y1] = toPicture(view, [left, top]);
  const [x2, y2] = toPicture(view, [right, bottom]);
  const [x, y] = [clip(x1, width), clip(y1, height)];
  return { left: x, top: y, width: clip(x2, width) - x, height: clip(y2, height) - y };
}
