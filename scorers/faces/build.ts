/** How a face is built: whether two networks agree on it, and whether its halves do. */
import { distance, fitSimilarity } from '../image/geometry.js';
import type { Point } from '../image/view.js';
import type { Face } from './faces.js';
import { faceHeight } from './measures.js';
import { LEFT_EYE, LIPS, OVAL, RIGHT_EYE } from './outlines.js';
import { headAxes } from './pose.js';

/** A point that lies furthest off, by its name. */
export interface Misfit {
  /** Root mean square over the points, share of T (eyes to chin). */
  raw: number;
  worst: { name: string; at: Point };
}

/**
 * Residual between independent estimates: the eyes, nose and mouth of the face detector against those of mesh and iris model, after the similarity that brings
 * them together. The mesh alone cannot tell: its network draws every face as a plausible one.
 *
 * @example
 * faceResidual(face).raw; // 0.04
 */
export function faceResidual(face: Face): Misfit {
  const { detected, eyes, points } = face;
  const names = ['leftEye', 'rightEye', 'nose', 'mouth'] as const;
  const to = [eyes.left.centre, eyes.right.centre, points.nose, points.mouth];
  return misfit(face, { from: names.map((name) => detected[name]), to, shown: to, names });
}

/** Points opposite each other in the mesh, [left, right] in the picture; a point of the middle is its own partner. */
const PARTNERS: readonly (readonly [number, number, string])[] = [
  ...Array.from({ length: 19 }, (_, i) => [OVAL[(36 - i) % 36] as number, OVAL[i] as number, 'outline'] as const),
  ...Array.from({ length: 6 }, (_, i) => [LIPS[i] as number, LIPS[10 - i] as number, 'lips'] as const),
  ...Array.from({ length: 5 }, (_, i) => [LIPS[19 - i] as number, LIPS[11 + i] as number, 'lips'] as const),
  ...LEFT_EYE.map((left, i) => [left, RIGHT_EYE[i] as number, 'eye'] as const),
  [33, 263, 'eye'],
  [133, 362, 'eye'],
  [1, 1, 'nose'],
];

/**
 * Left-right asymmetry: the mesh is turned back to look straight ahead, mirrored, laid on itself by the best similarity; what is left.
 * For faces that look nearly straight into the camera: what is turned away is guessed by the network.
 */
export function faceSymmetry(face: Face): Misfit {
  const frontal = turnedBack(face.mesh);
  const at = (index: number): Point => [frontal[2 * index] as number, frontal[2 * index + 1] as number];
  const shown = (index: number): Point => [face.mesh[3 * index] as number, face.mesh[3 * index + 1] as number];
  const both = PARTNERS.flatMap(([left, right, name]) =>
    left === right ? [[left, left, name] as const] : [[left, right, name] as const, [right, left, name] as const],
  );
  return misfit(face, {
    from: both.map(([, other]): Point => [-at(other)[0], at(other)[1]]),
    to: both.map(([one]) => at(one)),
    shown: both.map(([one]) => shown(one)),
    names: both.map(([one, other, name]) =>
      one === other ? name : `${name} ${shown(one)[0] < shown(other)[0] ? 'left' : 'right'}`,
    ),
  });
}

function misfit(
  face: Face,
  of: { from: readonly Point[]; to: readonly Point[]; shown: readonly Point[]; names: readonly string[] },
): Misfit {
  const { from, to, shown, names } = of;
  const { a, b, tx, ty } = fitSimilarity(from, to);
  const off = from.map(([x, y], i) => distance([a * x - b * y + tx, b * x + a * y + ty], to[i] as Point));
  const worst = off.indexOf(Math.max(...off));
  return {
    raw: Math.sqrt(off.reduce((sum, v) => sum + v * v, 0) / off.length) / faceHeight(face),
    worst: { name: names[worst] as string, at: shown[worst] as Point },
  };
}

/** The mesh in the head's own axes, seen from the front: `[x, y]` one after another. */
function turnedBack(mesh: Float32Array): Float32Array {
  const { across, down } = headAxes(mesh);
  const out = new Float32Array((mesh.length / 3) * 2);
  for (let i = 0, o = 0; i < mesh.length; i += 3, o += 2) {
    const [x, y, z] = [mesh[i] as number, mesh[i + 1] as number, mesh[i + 2] as number];
    out[o] = across[0] * x + across[1] * y + across[2] * z;
    out[o + 1] = down[0] * x + down[1] * y + down[2] * z;
  }
  return out;
}
