import { strongest } from '../image/strongest.js';
import type { Box } from '../image/geometry.js';
import { boxInPicture, sampleView, wholePicture } from '../image/view.js';
import type { Frame } from '../frame.js';

const SIZE = 320;
const INPUT = 'StatefulPartitionedCall/map/TensorArrayV2Stack/TensorListStack';
const BOXES = 'StatefulPartitionedCall/Postprocessor/ExpandDims_1';
const SCORES = 'StatefulPartitionedCall/Postprocessor/Slice';
/** Its classes; faces and finger tips are no hands. */
const CLASSES = ['open', 'closed', 'pinch', 'point', 'face', 'tip', 'pinchtip'] as const;
const HANDS = [0, 1, 2, 3] as const;
const FACE = 4;
/** Low: the network that finds the joints is asked too. */
const MIN_SCORE = 0.25;
const MAX_OVERLAP = 0.3;

export interface FoundHand {
  box: Box;
  /** 0..1. */
  score: number;
  /** What it does. */
  shape: 'open' | 'closed' | 'pinch' | 'point';
}

/**
 * Hands in the whole picture, best first, in pixels of the full-size picture.
 * Source: V. Dibia, "HandTrack: A Library For Prototyping Real-time Hand Tracking Interfaces", 2017; weights of @vladmandic/human.
 *
 * @throws Unassessable model-missing
 */
export async function detectHands(frame: Frame): Promise<FoundHand[]> {
  const model = await frame.models.open('handtrack');
  const view = wholePicture(frame, SIZE);
  const data = sampleView(frame, view).map((value) => value / 127.5 - 1);
  const { [BOXES]: boxes, [SCORES]: scores } = await model.run({
    [INPUT]: { type: 'float32', data, dims: [1, SIZE, SIZE, 3] },
  });
  if (boxes === undefined || scores === undefined) throw new Error('handtrack has not the outputs of a hand detector');
  const found: FoundHand[] = [];
  for (let i = 0; i < boxes.data.length / 4; i++) {
    const of = (kind: number): number => Number(scores.data[CLASSES.length * i + kind]);
    const best = HANDS.reduce((a, b) => (of(b) > of(a) ? b : a));
    if (of(best) < MIN_SCORE || of(FACE) > of(best)) continue;
    // top, left, bottom, right as shares of the square
    const edge = (k: number): number => Number(boxes.data[4 * i + k]) * SIZE;
    const box = boxInPicture(frame, { view, edges: [edge(1), edge(0), edge(3), edge(2)] });
    found.push({ box, score: of(best), shape: CLASSES[best] });
  }
  return strongest(found, MAX_OVERLAP);
}
