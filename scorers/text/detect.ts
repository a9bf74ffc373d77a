import sharp from 'sharp';
import type { Frame } from '../frame.js';
import { components } from '../image/components.js';
import type { Point } from '../image/view.js';
import { smallestRectangle, type Slanted } from './geometry.js';

/** Long side at which text is looked for, pixels; never enlarged. Lines of 1.5 % of it are still seen. */
const LONG_SIDE = 736;
/** The network halves five times. */
const STEP = 32;
/** Means and deviations of ImageNet, in the order of the channels fed: blue, green, red. */
const MEAN = [0.406, 0.456, 0.485];
const DEVIATION = [0.225, 0.224, 0.229];

/** As PaddleOCR reads its own detector (tools/infer/utility.py: det_db_thresh, det_db_box_thresh, det_db_unclip_ratio). */
const TEXT = 0.3;
const BOX = 0.6;
const UNCLIP = 1.5;
/** Shorter sides are no text, pixels of the map. */
const MIN_SIDE = 3;

/** Where a line of text seems to be, in pixels of the full-size picture. */
export interface TextBox extends Slanted {
  /** Mean probability inside, 0..1. */
  score: number;
}

/**
 * Boxes around lines of text, by PP-OCRv4's detector: a map of probabilities, cut at a threshold, a smallest rectangle around each
 * piece, grown by what the training had shrunk (Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020).
 * Alone it also finds text where there is none; what it finds must be read.
 *
 * @throws Unassessable model-missing
 */
export async function textBoxes(frame: Frame): Promise<TextBox[]> {
  const model = await frame.models.open('textDetection');
  const shrink = Math.min(1, LONG_SIDE / Math.max(frame.width, frame.height));
  const side = (length: number): number => Math.max(STEP, Math.round((length * shrink) / STEP) * STEP);
  const [width, height] = [side(frame.width), side(frame.height)];
  const data = toPlanes(await resized(frame, width, height));
  const outputs = await model.run({ x: { type: 'float32', data, dims: [1, 3, height, width] } });
  const map = outputs['sigmoid_0.tmp_0']?.data as Float32Array;
  const [stretchX, stretchY] = [frame.width / width, frame.height / height];
  return boxesOf(map, width, height).map((box) => stretched(box, stretchX, stretchY));
}

async function resized({ rgb, width, height }: Frame, toWidth: number, toHeight: number): Promise<Uint8Array> {
  return sharp(rgb, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .resize({ width: toWidth, height: toHeight, fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer();
}

function toPlanes(rgb: Uint8Array): Float32Array {
  const n = rgb.length / 3;
  const data = new Float32Array(3 * n);
  for (let c = 0; c < 3; c++) {
    const [mean, deviation] = [MEAN[c] as number, DEVIATION[c] as number];
    for (let i = 0; i < n; i++) data[c * n + i] = ((rgb[3 * i + 2 - c] as number) / 255 - mean) / deviation;
  }
  return data;
}

/** From the map of probabilities to boxes in its pixels. */
export function boxesOf(map: Float32Array, width: number, height: number): TextBox[] {
  const mask = Uint8Array.from(map, (value) => (value > TEXT ? 1 : 0));
  const { labels, list } = components(mask, width, height);
  return list.flatMap((component) => {
    const outline = outlineOf(labels, width, component);
    const tight = smallestRectangle(outline);
    if (2 * tight.half[1] < MIN_SIDE) return [];
    const score = meanInside(map, { width, height }, tight);
    if (score < BOX) return [];
    const [a, b] = tight.half;
    // area * ratio / perimeter, on every side
    const grow = (4 * a * b * UNCLIP) / (4 * (a + b));
    return [{ ...tight, half: [a + grow, b + grow] as const, score }];
  });
}

/** The outermost pixels of each row, as their four corners would be: their middles. */
function outlineOf(
  labels: Int32Array,
  width: number,
  { label, left, right, top, bottom }: { label: number; left: number; right: number; top: number; bottom: number },
): Point[] {
  const points: Point[] = [];
  for (let y = top; y <= bottom; y++) {
    let [first, last] = [-1, -1];
    for (let x = left; x <= right; x++)
      if (labels[y * width + x] === label) {
        if (first < 0) first = x;
        last = x;
      }
    if (first >= 0) points.push([first, y], [first, y + 1], [last + 1, y], [last + 1, y + 1]);
  }
  return points;
}

function meanInside(
  map: Float32Array,
  { width, height }: { width: number; height: number },
  { centre: [cx, cy], half: [a, b], along: [ux, uy] }: Slanted,
): number {
  const reachX = a * Math.abs(ux) + b * Math.abs(uy);
  const reachY = a * Math.abs(uy) + b * Math.abs(ux);
  let [sum, count] = [0, 0];
  for (let y = Math.max(0, Math.floor(cy - reachY)); y <= Math.min(height - 1, Math.ceil(cy + reachY)); y++)
    for (let x = Math.max(0, Math.floor(cx - reachX)); x <= Math.min(width - 1, Math.ceil(cx + reachX)); x++) {
      const [dx, dy] = [x + 0.5 - cx, y + 0.5 - cy];
      if (Math.abs(dx * ux + dy * uy) > a || Math.abs(dy * ux - dx * uy) > b) continue;
      sum += map[y * width + x] as number;
      count++;
    }
  return count === 0 ? 0 : sum / count;
}

/** From the map's pixels to the picture's; both scales are nearly one, so a rectangle stays one. */
function stretched({ centre: [x, y], half: [a, b], along: [ux, uy], score }: TextBox, sx: number, sy: number): TextBox {
  const [ax, ay, bx, by] = [a * ux * sx, a * uy * sy, -b * uy * sx, b * ux * sy];
  const long = Math.hypot(ax, ay);
  return { centre: [x * sx, y * sy], half: [long, Math.hypot(bx, by)], along: [ax / long, ay / long], score };
}
