import { boxAround, centreOf } from '../image/geometry.js';
import { sampleView, toPicture, toView, type Point, type View } from '../image/view.js';
import type { Frame } from '../frame.js';

const SIZE = 224;
const POINTS = 21;
/** The network was trained on hands that point upwards, in a square of twice the palm, moved by a tenth towards the fingers. */
const PALM = [0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18];
const PALM_MARGIN = 2;
const PALM_SHIFT = 0.1;
/** Of a detector's box, which holds the whole hand. */
const BOX_MARGIN = 1.6;
const TURNS = [0, Math.PI / 2, -Math.PI / 2, Math.PI];
/** From here on no other turn is tried. */
const SURE = 0.9;

export interface HandPose {
  /** 21 points in pixels of the full-size picture: wrist, then thumb, index, middle, ring, little finger from the palm to the tip. */
  points: Point[];
  /** Towards the camera is negative, the wrist 0, in picture pixels. */
  depth: number[];
  /** The network's belief that this is a hand, 0..1. */
  score: number;
  /** How much it looks like a right hand, 0..1, palm to the camera. */
  rightness: number;
  view: View;
}

/**
 * The 21 points of a hand in a box. The network wants fingers upwards and says nothing of how a hand is turned, so the quarter turns are tried until one
 * is sure, and the best is looked at once more in the square that its own points call for.
 * Source: Zhang et al., "MediaPipe Hands: On-device Real-time Hand Tracking", 2020; weights of @vladmandic/human (lite).
 *
 * @throws Unassessable model-missing
 */
export async function handPose(frame: Frame, box: Parameters<typeof centreOf>[0]): Promise<HandPose> {
  let best: HandPose | undefined;
  for (const angle of TURNS) {
    const side = BOX_MARGIN * Math.max(box.width, box.height);
    const pose = await look(frame, { centre: centreOf(box), side, angle, size: SIZE });
    if (best === undefined || pose.score > best.score) best = pose;
    if (best.score >= SURE) break;
  }
  const first = best as HandPose;
  const second = await look(frame, viewAround(first.points));
  return second.score >= first.score ? second : first;
}

async function look(frame: Frame, view: View): Promise<HandPose> {
  const model = await frame.models.open('handlandmark');
  const data = sampleView(frame, view).map((value) => value / 255);
  const { Identity, Identity_1, Identity_2 } = await model.run({
    input_1: { type: 'float32', data, dims: [1, SIZE, SIZE, 3] },
  });
  if (Identity === undefined || Identity_1 === undefined || Identity_2 === undefined)
    throw new Error('handlandmark has not the outputs of a hand');
  const step = view.side / SIZE;
  const number = (i: number): number => Number(Identity.data[i]);
  const indices = Array.from({ length: POINTS }, (_, i) => 3 * i);
  return {
    points: indices.map((i) => toPicture(view, [number(i), number(i + 1)])),
    depth: indices.map((i) => number(i + 2) * step),
    score: Number(Identity_1.data[0]),
    rightness: Number(Identity_2.data[0]),
    view,
  };
}

/** The square around a known hand, fingers upwards: the line from the wrist to the middle finger's first joint stands upright. */
function viewAround(points: readonly Point[]): View {
  const [wrist, knuckle] = [points[0] as Point, points[9] as Point];
  const angle = Math.atan2(knuckle[0] - wrist[0], wrist[1] - knuckle[1]);
  const upright: View = { centre: [0, 0], side: 1, angle, size: 1 };
  const box = boxAround(PALM.map((i) => toView(upright, points[i] as Point)));
  const long = Math.max(box.width, box.height);
  const [x, y] = centreOf(box);
  return { centre: toPicture(upright, [x, y - PALM_SHIFT * long]), side: PALM_MARGIN * long, angle, size: SIZE };
}
