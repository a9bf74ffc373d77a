import type { Frame } from '../frame.js';
import { distance, middle, tilt } from '../image/geometry.js';
import { meshPoint } from './mesh.js';
import { sampleView, toPicture, type Point, type View } from '../image/view.js';

const SIZE = 64;
/** The crop is this much larger than the distance between the corners of the eye. */
const MARGIN = 2.3;
const POINTS = 76;
/** Of the 76 points: 0..8 the lower lid from the outer corner to the inner one, 9..15 the upper lid between them, 71 the pupil, 72..75 the iris' rim. */
const CONTOUR = [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 14, 13, 12, 11, 10, 9] as const;
const PUPIL = 71;
const RIM = [72, 73, 74, 75] as const;
/** Lower and upper lid opposite each other. */
const LID_PAIRS = [
  [3, 11],
  [4, 12],
  [5, 13],
] as const;
/** Outer and inner corner in the mesh. */
const CORNERS = { left: [33, 133], right: [263, 362] } as const;

/** One eye in pixels of the full-size picture. */
export interface Eye {
  /** The lids, 16 points round the eye from the outer corner along the lower lid. */
  contour: readonly Point[];
  outer: Point;
  inner: Point;
  /** Between the corners. */
  centre: Point;
  pupil: Point;
  /** Four points on the rim of the iris. */
  rim: readonly Point[];
  /** Largest distance between the lids at three places. */
  opening: number;
  /** Eye aspect ratio (Soukupova and Cech, 2016): mean height of the lids over the width. */
  aspect: number;
}

/**
 * Lids and iris of both eyes. The face mesh draws open eyes even where they are shut; this network does see it. It knows one side
 * only: the picture's left eye is mirrored before and back after.
 * Source: Ablavatski et al., "Real-time Pupil Tracking from Monocular Video for Digital Puppetry", 2020; weights of @vladmandic/human.
 *
 * @throws Unassessable model-missing
 */
export async function eyesOf(frame: Frame, mesh: Float32Array): Promise<{ left: Eye; right: Eye }> {
  const angle = tilt(meshPoint(mesh, CORNERS.left[0]), meshPoint(mesh, CORNERS.right[0]));
  const views = [eyeView(mesh, 'left', angle), eyeView(mesh, 'right', angle)] as const;
  const data = new Float32Array(2 * SIZE * SIZE * 3);
  views.forEach((view, i) => {
    data.set(
      sampleView(frame, view).map((v) => v / 255),
      i * SIZE * SIZE * 3,
    );
  });
  const model = await frame.models.open('iris');
  const outputs = await model.run({
    [model.inputNames[0] as string]: { type: 'float32', data, dims: [2, SIZE, SIZE, 3] },
  });
  const raw = Object.values(outputs)[0]?.data as Float32Array;
  return { left: read(raw.subarray(0, 3 * POINTS), views[0]), right: read(raw.subarray(3 * POINTS), views[1]) };
}

function eyeView(mesh: Float32Array, side: 'left' | 'right', angle: number): View {
  const [outer, inner] = CORNERS[side].map((index) => meshPoint(mesh, index)) as [Point, Point];
  return {
    centre: middle(outer, inner),
    side: MARGIN * distance(outer, inner),
    angle,
    size: SIZE,
    mirrored: side === 'left',
  };
}

function read(raw: Float32Array, view: View): Eye {
  const at = (index: number): Point => toPicture(view, [raw[3 * index] as number, raw[3 * index + 1] as number]);
  const gap = ([a, b]: readonly [number, number]): number => distance(at(a), at(b));
  const [outer, inner] = [at(0), at(8)];
  return {
    contour: CONTOUR.map(at),
    outer,
    inner,
    centre: middle(outer, inner),
    pupil: at(PUPIL),
    rim: RIM.map(at),
    opening: Math.max(...LID_PAIRS.map(gap)),
    aspect: (gap(LID_PAIRS[0]) + gap(LID_PAIRS[2])) / (2 * distance(outer, inner)),
  };
}
