import type { Frame } from '../frame.js';
import type { Model } from '../models/models.js';
import { blazeface } from './blazeface.js';
import { strongest } from '../image/strongest.js';
import type { Detection, Detector } from './detection.js';
import { sampleView, toPicture, wholePicture, type Point, type View } from '../image/view.js';
import { yunet } from './yunet.js';

const MAX_OVERLAP = 0.3;

/**
 * All faces that the model in the role `faceBox` sees, in pixels of the full-size picture, best first. Detectors know upright faces:
 * `turn` is by how many degrees, clockwise, faces are expected to lean.
 *
 * @throws Unassessable model-missing
 */
export async function detectFaces(frame: Frame, turn: number): Promise<Detection[]> {
  const model = await frame.models.open('faceBox');
  const detector = detectorOf(model);
  return lookAt({ frame, model, detector }, wholePicture(frame, detector.size, (turn * Math.PI) / 180));
}

/** YuNet names its heads by stride; BlazeFace's outputs carry the names of its graph. */
const detectorOf = (model: Model): Detector => (model.outputNames.includes('cls_8') ? yunet : blazeface);

async function lookAt(
  { frame, model, detector }: { frame: Frame; model: Model; detector: Detector },
  view: View,
): Promise<Detection[]> {
  const found = await detector.find(model, sampleView(frame, view));
  return strongest(
    found.map((one) => placed(one, view)),
    MAX_OVERLAP,
  );
}

/** A detection of a view in the picture's pixels; boxes are square enough to stay upright when the view is turned. */
function placed(found: Detection, view: View): Detection {
  const { left, top, width, height } = found.box;
  const at = (point: Point): Point => toPicture(view, point);
  const centre = at([left + width / 2, top + height / 2]);
  const step = view.side / view.size;
  const box = {
    left: centre[0] - (width * step) / 2,
    top: centre[1] - (height * step) / 2,
    width: width * step,
    height: height * step,
  };
  return {
    ...found,
    box,
    leftEye: at(found.leftEye),
    rightEye: at(found.rightEye),
    nose: at(found.nose),
    mouth: at(found.mouth),
  };
}
