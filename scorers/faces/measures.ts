import type { Face } from './faces.js';
import { distance, middle } from '../image/geometry.js';
import { meshPoint } from './mesh.js';

/** Upper and lower inner lip opposite each other, at three places. */
const INNER_LIPS = [
  [82, 87],
  [13, 14],
  [312, 317],
] as const;

/** OFIQ's T: from the middle between the eyes to the chin, px. The yardstick for what opens and shuts. */
export const faceHeight = ({ points: { leftEye, rightEye, chin } }: Face): number =>
  distance(middle(leftEye, rightEye), chin);

/** Between the middles of the eyes, px, as seen. */
export const interEyeDistance = ({ points }: Face): number => distance(points.leftEye, points.rightEye);

/** Opening of each eye as a share of T. */
export function eyeOpenness(face: Face): { left: number; right: number } {
  const t = faceHeight(face);
  return { left: face.eyes.left.opening / t, right: face.eyes.right.opening / t };
}

/** Largest opening of the inner lips as a share of T. */
export function mouthOpening(face: Face): number {
  const gaps = INNER_LIPS.map(([upper, lower]) => distance(meshPoint(face.mesh, upper), meshPoint(face.mesh, lower)));
  return Math.max(...gaps) / faceHeight(face);
}
