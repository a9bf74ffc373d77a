import { strongest } from './image/strongest.js';
import type { Box } from './image/geometry.js';
import { boxInPicture, sampleView, wholePicture } from './image/view.js';
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
  const view = wholePicture(frame, SIZE);
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
