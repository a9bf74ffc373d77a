/** How a head is turned, degrees; all 0 when it looks straight into the camera. */
export interface Pose {
  /** Positive: towards the right side of the picture. */
  yaw: number;
  /** Positive: up. */
  pitch: number;
  /** Positive: clockwise in the picture. */
  roll: number;
}

type Vector = readonly [number, number, number];

const TOP = 10;
const CHIN = 152;
const LEFT = 234;
const RIGHT = 454;
const DEGREES = 180 / Math.PI;

/**
 * Yaw, pitch and roll from four points of the mesh: the axis between the sides of the face and the one from forehead to chin span
 * the head's own axes, as roll after yaw after pitch.
 *
 * @example
 * poseOf(face.mesh).yaw; // -12.5
 */
export function poseOf(mesh: Float32Array): Pose {
  const { across, down, inward } = headAxes(mesh);
  return {
    yaw: Math.asin(Math.min(1, Math.max(-1, across[2]))) * DEGREES,
    pitch: -Math.atan2(down[2], inward[2]) * DEGREES,
    roll: Math.atan2(across[1], across[0]) * DEGREES,
  };
}

/** The head's own axes, unit vectors in the mesh's space: to the picture's right, to the chin, away from the camera. */
export function headAxes(mesh: Float32Array): { across: Vector; down: Vector; inward: Vector } {
  const point = (i: number): Vector => [mesh[3 * i] as number, mesh[3 * i + 1] as number, mesh[3 * i + 2] as number];
  const down = unit(minus(point(CHIN), point(TOP)));
  const inward = unit(cross(minus(point(RIGHT), point(LEFT)), down));
  return { across: cross(down, inward), down, inward };
}

const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

function unit(v: Vector): Vector {
  const length = Math.hypot(...v);
  return [v[0] / length, v[1] / length, v[2] / length];
}
