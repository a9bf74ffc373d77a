import type { Frame } from '../frame.js';
import { luminance } from '../image/colour.js';
import { mainFace, type Face } from './faces.js';
import { convexHull, distance, fillPolygon, fitSimilarity, middle } from '../image/geometry.js';
import { meshPoint } from './mesh.js';
import { sampleView, toView, type Point, type View } from '../image/view.js';

/**
 * Where OFIQ puts the eyes, the nose and the corners of the mouth in its aligned picture of 616 x 616. Only the square in the
 * middle that the face lies in is made here, at the same scale.
 */
const OFIQ_TARGETS: readonly Point[] = [
  [251, 272],
  [364, 272],
  [308, 336],
  [262, 402],
  [355, 402],
];
const LEFT = 138;
const TOP = 192;
const SIZE = 340;
const TARGETS = OFIQ_TARGETS.map(([x, y]): Point => [x - LEFT, y - TOP]);
/** Jaw from temple to temple, and the upper edges of the brows: what OFIQ's 98 landmarks enclose. */
const JAW = [
  356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127,
] as const;
const BROWS = [70, 63, 105, 66, 107, 336, 296, 334, 293, 300] as const;
/** Side of a cheek zone as a share of the distance between the eyes. */
const CHEEK = 0.3;

/** A face as OFIQ looks at it: turned, scaled and shifted so that every face lies alike. */
export interface AlignedFace {
  view: View;
  /** Side in pixels. */
  size: number;
  /** Interleaved sRGB bytes. */
  rgb: Uint8Array;
  /** Linear luminance 0..255, rounded, per pixel. */
  luminance: Uint8Array;
  /** 1 inside the face: from the brows down to the chin. */
  mask: Uint8Array;
  /** Squares below the eyes, their pixels (indices) inside the face; left and right in the picture. */
  cheeks: { left: readonly number[]; right: readonly number[] };
}

/**
 * The view that brings a face onto five given points of a square.
 *
 * @example
 * alignedView(face, { targets: ARCFACE_POINTS, size: 112 });
 */
export function alignedView({ points }: Face, { targets, size }: { targets: readonly Point[]; size: number }): View {
  const { leftEye, rightEye, nose, leftMouth, rightMouth } = points;
  const { a, b, tx, ty } = fitSimilarity([leftEye, rightEye, nose, leftMouth, rightMouth], targets);
  const scale = Math.hypot(a, b);
  const [x, y] = [size / 2 - tx, size / 2 - ty];
  return {
    centre: [(a * x + b * y) / scale ** 2, (a * y - b * x) / scale ** 2],
    side: size / scale,
    angle: -Math.atan2(b, a),
    size,
  };
}

/**
 * The largest face as OFIQ aligns it (ISO/IEC 29794-5; least squares where OFIQ takes the least median), its region and cheek zones.
 * Share it: `frame.derive(alignedFace)`.
 *
 * @throws Unassessable no-face, model-missing
 */
export async function alignedFace(frame: Frame): Promise<AlignedFace> {
  const face = await frame.derive(mainFace);
  const view = alignedView(face, { targets: TARGETS, size: SIZE });
  const rgb = Uint8Array.from(sampleView(frame, view), Math.round);
  const linear = new Uint8Array(SIZE * SIZE);
  for (let i = 0, p = 0; i < linear.length; i++, p += 3)
    linear[i] = Math.floor(255 * luminance(rgb[p] as number, rgb[p + 1] as number, rgb[p + 2] as number) + 0.5);
  const at = (index: number): Point => toView(view, meshPoint(face.mesh, index));
  const mask = fillPolygon(convexHull([...JAW, ...BROWS].map(at)), SIZE, SIZE);
  return { view, size: SIZE, rgb, luminance: linear, mask, cheeks: cheekZones(face, view, mask) };
}

/** Below each eye, outward from its middle, at half the way from the eyes to the mouth. */
function cheekZones({ points }: Face, view: View, mask: Uint8Array): AlignedFace['cheeks'] {
  const [left, right, mouth] = [points.leftEye, points.rightEye, points.mouth].map((p) => toView(view, p)) as [
    Point,
    Point,
    Point,
  ];
  const side = Math.trunc(CHEEK * distance(left, right));
  const down = Math.trunc(distance(middle(left, right), mouth) / 2);
  const zone = (x: number, y: number): number[] => {
    const pixels: number[] = [];
    for (let row = y; row < Math.min(SIZE, y + side); row++)
      for (let column = Math.max(0, x); column < Math.min(SIZE, x + side); column++)
        if (mask[row * SIZE + column] === 1) pixels.push(row * SIZE + column);
    return pixels;
  };
  return {
    left: zone(Math.trunc(left[0]) - side, Math.trunc(left[1]) + down),
    right: zone(Math.trunc(right[0]), Math.trunc(right[1]) + down),
  };
}
