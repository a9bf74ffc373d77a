import { boxAround, overlap, type Box } from '../image/geometry.js';
import type { Point } from '../image/view.js';
import type { Frame } from '../frame.js';
import { detectHands, type FoundHand } from './detect.js';
import { handPose } from './landmarks.js';

/** Below, the network that finds the joints sees no hand where the detector does; faces in real photos reach .6. */
const MIN_SCORE = 0.65;
const SAME_HAND = 0.3;

/** One hand; coordinates are pixels of the full-size upright picture. */
export interface Hand {
  /** Around its points. */
  box: Box;
  /** The detector's belief, 0..1. */
  found: number;
  /** The belief of the network that finds the joints, 0..1. */
  score: number;
  shape: FoundHand['shape'];
  /** 21: wrist, then thumb, index, middle, ring, little finger from the palm to the tip. */
  points: Point[];
  /** Of each point, in picture pixels; towards the camera is negative. */
  depth: number[];
}

/**
 * The hands of a picture, the detector's surest first; those in which no joints are found are left out.
 *
 * @throws Unassessable model-missing
 *
 * @example
 * const hands = await frame.derive(handsOf);
 */
export async function handsOf(frame: Frame): Promise<Hand[]> {
  return (await frame.derive(handCandidates)).filter(({ score }) => score >= MIN_SCORE);
}

/**
 * What the detector takes for hands, with what the joints say: also those that are no hands after all, or no longer look like one.
 *
 * @throws Unassessable model-missing
 */
export async function handCandidates(frame: Frame): Promise<Hand[]> {
  const hands: Hand[] = [];
  for (const { box, score: found, shape } of await detectHands(frame)) {
    const { score, points, depth } = await handPose(frame, box);
    const around = boxAround(points);
    if (hands.some((other) => other.score >= score && overlap(other.box, around) > SAME_HAND)) continue;
    hands.push({ box: around, found, score, shape, points, depth });
  }
  return hands;
}
