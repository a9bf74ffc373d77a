import type { Frame, Picture } from '../frame.js';
import type { Box } from './geometry.js';

/** `[x, y]` in pixels. In a picture, (0, 0) is the upper left corner of its first pixel, whose middle is (0.5, 0.5). */
export type Point = readonly [number, number];

/** A square piece of a picture, turned and scaled to `size` pixels a side. */
export interface View {
  /** Its middle in the picture. */
  centre: Point;
  /** Side of the square in picture pixels. */
  side: number;
  /** By how much the square is turned clockwise in the picture, radians: the tilt of a face that comes out level. */
  angle: number;
  /** Side in pixels of what comes out. */
  size: number;
  /** Left and right change sides. @default false */
  mirrored?: boolean;
}

/**
 * From the view's pixels to the picture's.
 *
 * @example
 * toPicture({ centre: [50, 50], side: 20, angle: 0, size: 10 }, [5, 5]); // [50, 50]
 */
export function toPicture({ centre, side, angle, size, mirrored = false }: View, [x, y]: Point): Point {
  const step = side / size;
  const dx = (mirrored ? size / 2 - x : x - size / 2) * step;
  const dy = (y - size / 2) * step;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [centre[0] + cos * dx - sin * dy, centre[1] + sin * dx + cos * dy];
}

/** From the picture's pixels to the view's. */
export function toView({ centre, side, angle, size, mirrored = false }: View, [x, y]: Point): Point {
  const step = side / size;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [dx, dy] = [x - centre[0], y - centre[1]];
  const across = (cos * dx + sin * dy) / step;
  return [size / 2 + (mirrored ? -across : across), size / 2 + (cos * dy - sin * dx) / step];
}

/** The picture at 1, 1/2, 1/4, … of its size, each pixel the mean of four, down to 64 pixels. */
export function pyramid({ width, height, rgb }: Frame): readonly Picture[] {
  const levels: Picture[] = [{ width, height, rgb }];
  for (let last = levels[0] as Picture; Math.min(last.width, last.height) >= 128; last = levels.at(-1) as Picture)
    levels.push(halved(last));
  return levels;
}

function halved({ width, height, rgb }: Picture): Picture {
  const [w, h] = [width >> 1, height >> 1];
  const out = new Uint8Array(w * h * 3);
  const stride = 3 * width;
  for (let y = 0, o = 0; y < h; y++)
    for (let x = 0, p = 2 * y * stride; x < w; x++, p += 6)
      for (let c = p; c < p + 3; c++)
        out[o++] =
          ((rgb[c] as number) +
            (rgb[c + 3] as number) +
            (rgb[c + stride] as number) +
            (rgb[c + stride + 3] as number) +
            2) >>
          2;
  return { width: w, height: h, rgb: out };
}

/**
 * The pixels of a view: interleaved RGB 0..255, `size * size * 3` numbers, antialiased; black where it reaches beyond the picture.
 *
 * @example
 * const face = sampleView(frame, { centre: [512, 400], side: 300, angle: 0.1, size: 192 });
 */
export function sampleView(frame: Frame, view: View): Float32Array {
  const levels = frame.derive(pyramid);
  const { size } = view;
  const step = view.side / size;
  const level = Math.min(levels.length - 1, Math.max(0, Math.floor(Math.log2(step))));
  const { width, height, rgb } = levels[level] as Picture;
  // a bilinear sample covers a step of 1; between 1 and 2 (more at the smallest level) several are averaged
  const n = Math.max(1, Math.ceil(step / 2 ** level - 0.05));
  const [sx, sy] = [width / frame.width, height / frame.height];
  const origin = toPicture(view, [0, 0]);
  const across = toPicture(view, [1, 0]);
  const down = toPicture(view, [0, 1]);
  const [ax, ay] = [(across[0] - origin[0]) * sx, (across[1] - origin[1]) * sy];
  const [bx, by] = [(down[0] - origin[0]) * sx, (down[1] - origin[1]) * sy];
  const [ox, oy] = [origin[0] * sx, origin[1] * sy];
  const out = new Float32Array(size * size * 3);
  for (let j = 0, o = 0; j < size; j++)
    for (let i = 0; i < size; i++, o += 3) {
      for (let k = 0; k < n * n; k++) {
        const u = i + ((k % n) + 0.5) / n;
        const v = j + (Math.floor(k / n) + 0.5) / n;
        const x = ox + u * ax + v * bx;
        const y = oy + u * ay + v * by;
        if (x < 0 || y < 0 || x >= width || y >= height) continue;
        const left = Math.floor(x - 0.5);
        const top = Math.floor(y - 0.5);
        const fx = x - 0.5 - left;
        const fy = (y - 0.5 - top) / (n * n);
        const gy = 1 / (n * n) - fy;
        const l = 3 * Math.max(0, left);
        const q = 3 * Math.min(width - 1, left + 1);
        const t = 3 * width * Math.max(0, top);
        const s = 3 * width * Math.min(height - 1, top + 1);
        for (let c = 0; c < 3; c++)
          out[o + c] =
            (out[o + c] as number) +
            gy * ((1 - fx) * (rgb[t + l + c] as number) + fx * (rgb[t + q + c] as number)) +
            fy * ((1 - fx) * (rgb[s + l + c] as number) + fx * (rgb[s + q + c] as number));
      }
    }
  return out;
}

/** The whole picture in a square, turned by `angle` (radians), black beside it: detectors find more than in a stretched one, people and hands alike. */
export const wholePicture = ({ width, height }: Frame, size: number, angle = 0): View => ({
  centre: [width / 2, height / 2],
  side: Math.max(width, height),
  angle,
  size,
});

/** A box of a level view in the picture's pixels, cut at its borders. `edges`: left, top, right, bottom in the view's pixels. */
export function boxInPicture(
  { width, height }: Frame,
  { view, edges: [left, top, right, bottom] }: { view: View; edges: readonly [number, number, number, number] },
): Box {
  const clip = (at: number, length: number): number => Math.min(Math.max(at, 0), length);
  const [x1, y1] = toPicture(view, [left, top]);
  const [x2, y2] = toPicture(view, [right, bottom]);
  const [x, y] = [clip(x1, width), clip(y1, height)];
  return { left: x, top: y, width: clip(x2, width) - x, height: clip(y2, height) - y };
}
