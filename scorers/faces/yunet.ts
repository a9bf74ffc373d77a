import type { Detection, Detector } from './detection.js';
import { strongest } from '../image/strongest.js';
import { middle } from '../image/geometry.js';
import type { Point } from '../image/view.js';

const SIZE = 640;
const STRIDES = [8, 16, 32] as const;
/** A cat scored .60; portraits score above .8. */
const MIN_SCORE = 0.7;
const MAX_OVERLAP = 0.3;

/**
 * YuNet. Source: Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 20 (2023); decoding as in
 * OpenCV's FaceDetectorYN. Free of anchors: every cell of three grids has a class and an object score, a box relative to the cell
 * (offset, log of size, in strides) and five points. Its input is BGR 0..255, channels first.
 */
export const yunet: Detector = {
  size: SIZE,
  minScore: MIN_SCORE,
  async find(model, rgb) {
    const data = new Float32Array(rgb.length);
    const n = SIZE * SIZE;
    for (let i = 0; i < n; i++) for (let c = 0; c < 3; c++) data[(2 - c) * n + i] = rgb[3 * i + c] as number;
    const outputs = await model.run({
      [model.inputNames[0] as string]: { type: 'float32', data, dims: [1, 3, SIZE, SIZE] },
    });
    const plane = (name: string): Float32Array => {
      const tensor = outputs[name];
      if (tensor === undefined) throw new Error(`yunet has no output ${name}`);
      return tensor.data as Float32Array;
    };
    return strongest(
      STRIDES.flatMap((stride) =>
        decode(stride, {
          classes: plane(`cls_${stride}`),
          objects: plane(`obj_${stride}`),
          boxes: plane(`bbox_${stride}`),
          points: plane(`kps_${stride}`),
        }),
      ),
      MAX_OVERLAP,
    );
  },
};

interface Head {
  classes: Float32Array;
  objects: Float32Array;
  boxes: Float32Array;
  points: Float32Array;
}

function decode(stride: number, { classes, objects, boxes, points }: Head): Detection[] {
  const across = SIZE / stride;
  const found: Detection[] = [];
  for (let i = 0; i < classes.length; i++) {
    const score = Math.sqrt(unit(classes[i] as number) * unit(objects[i] as number));
    if (score < MIN_SCORE) continue;
    const [column, row] = [i % across, Math.floor(i / across)];
    const value = (k: number): number => boxes[4 * i + k] as number;
    const [width, height] = [Math.exp(value(2)) * stride, Math.exp(value(3)) * stride];
    const at = (k: number): Point => [
      (column + (points[10 * i + 2 * k] as number)) * stride,
      (row + (points[10 * i + 2 * k + 1] as number)) * stride,
    ];
    found.push({
      box: {
        left: (column + value(0)) * stride - width / 2,
        top: (row + value(1)) * stride - height / 2,
        width,
        height,
      },
      score,
      // the person's right comes first, which is the picture's left
      leftEye: at(0),
      rightEye: at(1),
      nose: at(2),
      mouth: middle(at(3), at(4)),
    });
  }
  return found;
}

const unit = (v: number): number => Math.min(1, Math.max(0, v));
