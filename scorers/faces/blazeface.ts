import type { Tensor } from '../models/models.js';
import { strongest } from '../image/strongest.js';
import type { Detection, Detector } from './detection.js';
import type { Point } from '../image/view.js';

const SIZE = 256;
/** Grids of anchors: stride in pixels, anchors per cell. */
const GRIDS = [
  { stride: 16, perCell: 2 },
  { stride: 32, perCell: 6 },
] as const;
/** Four numbers of the box, then six points. */
const VALUES = 16;
const MIN_SCORE = 0.5;
const MAX_OVERLAP = 0.3;

/**
 * BlazeFace (back camera, 256 x 256). Source: Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs",
 * 2019; weights of @vladmandic/human. Two grids of anchors; a box is an offset from its anchor and a size, both in input pixels, and so are the points.
 */
export const blazeface: Detector = {
  size: SIZE,
  minScore: MIN_SCORE,
  async find(model, rgb) {
    const data = rgb.map((v) => v / 127.5 - 1);
    const outputs = Object.values(
      await model.run({ [model.inputNames[0] as string]: { type: 'float32', data, dims: [1, SIZE, SIZE, 3] } }),
    );
    const found = GRIDS.flatMap((grid) => decode(outputs, grid));
    return strongest(found, MAX_OVERLAP);
  },
};

function decode(outputs: readonly Tensor[], { stride, perCell }: (typeof GRIDS)[number]): Detection[] {
  const cells = SIZE / stride;
  const anchors = cells * cells * perCell;
  const scores = dataOf(outputs, anchors);
  const values = dataOf(outputs, anchors * VALUES);
  const found: Detection[] = [];
  for (let i = 0; i < anchors; i++) {
    const score = 1 / (1 + Math.exp(-(scores[i] as number)));
    if (score < MIN_SCORE) continue;
    const cell = Math.floor(i / perCell);
    const anchor = [((cell % cells) + 0.5) * stride, (Math.floor(cell / cells) + 0.5) * stride] as const;
    const at = (k: number): Point => [
      anchor[0] + (values[i * VALUES + k] as number),
      anchor[1] + (values[i * VALUES + k + 1] as number),
    ];
    const [x, y] = at(0);
    const [width, height] = [values[i * VALUES + 2] as number, values[i * VALUES + 3] as number];
    found.push({
      box: { left: x - width / 2, top: y - height / 2, width, height },
      score,
      leftEye: at(4),
      rightEye: at(6),
      nose: at(8),
      mouth: at(10),
    });
  }
  return found;
}

/** The output with so many numbers: the converted file names its outputs by its graph's nodes, the shapes say more. */
function dataOf(outputs: readonly Tensor[], length: number): Float32Array {
  const found = outputs.find(({ data }) => data.length === length);
  if (found === undefined) throw new Error(`blazeface has no output of ${length} numbers`);
  return found.data as Float32Array;
}
