import type { Frame } from '../frame.js';
import { Unassessable } from '../scorer.js';
import { detectFaces } from './detect.js';
import type { Detection } from './detection.js';
import { eyesOf, type Eye } from './eyes.js';
import { boxAround, middle, overlap, type Box } from '../image/geometry.js';
import { MESH_POINTS, meshOf, meshPoint, type Mesh } from './mesh.js';
import { poseOf, type Pose } from './pose.js';
import type { Point, View } from '../image/view.js';

/** How far faces may lean besides not at all, degrees; detectors still see one that leans by 45 to either side of these. */
const TURNS = [180, 90, -90];
/**
 * A face that detector and mesh believe in this much (product of both) stands as it was looked for. Below, it may be one on its head,
 * in which both see some face with a belief up to .75, and the other turns are looked at too.
 */
const SURE = 0.8;
/** Pictures are mostly upright: what is seen at another turn counts from here on, and when it is surer than the upright face by a margin. */
const TURNED = 0.7;
const SURER = 0.08;
/** A mesh that its own network doubts more than this is none. */
const MIN_MESH_SCORE = 0.5;
const SAME_FACE = 0.3;

/** One face; coordinates are pixels of the full-size upright picture, left and right are the picture's. */
export interface Face {
  /** Around the mesh: forehead to chin, without hair and ears. */
  box: Box;
  /** The detector's, 0..1. */
  score: number;
  /** 468 points `[x, y, z]` one after another; z grows away from the camera. */
  mesh: Float32Array;
  /** The square with level eyes in which the mesh was found, 1.5 x the face. */
  view: View;
  points: {
    /** Between the corners of each eye. */
    leftEye: Point;
    rightEye: Point;
    nose: Point;
    mouth: Point;
    leftMouth: Point;
    rightMouth: Point;
    chin: Point;
  };
  /** Where the detector saw them, before any mesh. */
  detected: Pick<Detection, 'leftEye' | 'rightEye' | 'nose' | 'mouth'>;
  eyes: { left: Eye; right: Eye };
  pose: Pose;
}

/**
 * Every face of a picture, largest first. Where none is seen for sure the picture is also looked at on its head and on both sides, and
 * the turn that shows the surest face counts.
 *
 * @throws Unassessable model-missing
 *
 * @example
 * const faces = await frame.derive(facesOf);
 */
export async function facesOf(frame: Frame): Promise<Face[]> {
  let best = await lookAt(frame, 0);
  if (best.sure < SURE) {
    const needed = Math.max(TURNED, best.sure + SURER);
    for (const turn of TURNS) {
      const turned = await lookAt(frame, turn);
      if (turned.sure >= needed && turned.sure > best.sure) best = turned;
    }
  }
  const faces: Face[] = [];
  for (const { found, mesh } of best.candidates) {
    const box = boxAround(Array.from({ length: MESH_POINTS }, (_, i) => meshPoint(mesh.points, i)));
    if (faces.some((other) => overlap(other.box, box) > SAME_FACE)) continue;
    faces.push({
      box,
      score: found.score,
      mesh: mesh.points,
      view: mesh.view,
      points: pointsOf(mesh.points),
      detected: found,
      eyes: await eyesOf(frame, mesh.points),
      pose: poseOf(mesh.points),
    });
  }
  return faces.sort((a, b) => b.box.width * b.box.height - a.box.width * a.box.height);
}

interface Look {
  /** What the detector sees and the mesh confirms, best first. */
  candidates: { found: Detection; mesh: Mesh }[];
  /** Belief of detector and mesh in the best of them, 0..1. */
  sure: number;
}

async function lookAt(frame: Frame, turn: number): Promise<Look> {
  const candidates: Look['candidates'] = [];
  for (const found of await detectFaces(frame, turn)) {
    const mesh = await meshOf(frame, found);
    if (mesh.score >= MIN_MESH_SCORE) candidates.push({ found, mesh });
  }
  return { candidates, sure: Math.max(0, ...candidates.map(({ found, mesh }) => found.score * mesh.score)) };
}

/**
 * The largest face of a picture.
 *
 * @throws Unassessable no-face, model-missing
 */
export async function mainFace(frame: Frame): Promise<Face> {
  const [largest] = await frame.derive(facesOf);
  if (largest === undefined) throw new Unassessable('no-face');
  return largest;
}

function pointsOf(mesh: Float32Array): Face['points'] {
  const at = (index: number): Point => meshPoint(mesh, index);
  return {
    leftEye: middle(at(33), at(133)),
    rightEye: middle(at(263), at(362)),
    nose: at(1),
    mouth: middle(at(61), at(291)),
    leftMouth: at(61),
    rightMouth: at(291),
    chin: at(152),
  };
}
