import type { Frame } from '../frame.js';
import type { Detection } from './detection.js';
import { boxAround, centreOf, tilt } from '../image/geometry.js';
import { sampleView, toPicture, toView, type Point, type View } from '../image/view.js';

const SIZE = 192;
/** The crop is this much larger than the face's box: what the network was trained on. */
const MARGIN = 1.5;
export const MESH_POINTS = 468;

/** 468 points of a face, `[x, y, z]` one after another, in pixels of the full-size picture; z grows away from the camera, 0 at the middle of the head. */
export interface Mesh {
  points: Float32Array;
  /** The network's belief that this is a face, 0..1. */
  score: number;
  /** What the network looked at: level eyes, the face in the middle. */
  view: View;
}

/** Where a point of the mesh lies in the picture. */
export const meshPoint = (points: Float32Array, index: number): Point => [
  points[3 * index] as number,
  points[3 * index + 1] as number,
];

/** Outer corners of the eyes, left and right in the picture. */
const EYE_LEFT = 33;
const EYE_RIGHT = 263;

/**
 * The mesh of a detected face: the network looks twice, the second time at the crop that the first mesh calls for, so that a coarse
 * detection does not show in the result.
 * Source: Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019; weights of @vladmandic/human.
 *
 * @throws Unassessable model-missing
 */
export async function meshOf(frame: Frame, found: Detection): Promise<Mesh> {
  const first = await look(frame, {
    centre: centreOf(found.box),
    side: MARGIN * Math.max(found.box.width, found.box.height),
    angle: tilt(found.leftEye, found.rightEye),
    size: SIZE,
  });
  return look(frame, viewAround(first.points));
}

async function look(frame: Frame, view: View): Promise<Mesh> {
  const model = await frame.models.open('facemesh');
  const data = sampleView(frame, view).map((v) => v / 255);
  const outputs = Object.values(
    await model.run({ [model.inputNames[0] as string]: { type: 'float32', data, dims: [1, SIZE, SIZE, 3] } }),
  );
  const raw = outputs.find((output) => output.data.length === 3 * MESH_POINTS);
  const flag = outputs.find((output) => output.data.length === 1);
  if (raw === undefined || flag === undefined) throw new Error('facemesh has not the outputs of a face mesh');
  const step = view.side / SIZE;
  const points = new Float32Array(3 * MESH_POINTS);
  for (let i = 0; i < points.length; i += 3) {
    const [x, y] = toPicture(view, [raw.data[i] as number, raw.data[i + 1] as number]);
    points[i] = x;
    points[i + 1] = y;
    points[i + 2] = (raw.data[i + 2] as number) * step;
  }
  return { points, score: flag.data[0] as number, view };
}

/** The crop around a known mesh. */
function viewAround(points: Float32Array): View {
  const angle = tilt(meshPoint(points, EYE_LEFT), meshPoint(points, EYE_RIGHT));
  const level: View = { centre: [0, 0], side: 1, angle, size: 1 };
  const box = boxAround(Array.from({ length: MESH_POINTS }, (_, i) => toView(level, meshPoint(points, i))));
  return {
    centre: toPicture(level, centreOf(box)),
    side: MARGIN * Math.max(box.width, box.height),
    angle,
    size: SIZE,
  };
}
