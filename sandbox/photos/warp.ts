import type { Mask, Picture } from './canvas.js';
import type { Point } from './regions.js';

/** From a point of the candidate to the point of the photo that is seen there: source = at + turn * (target - from). */
export interface Placement {
  readonly from: Point;
  readonly at: Point;
  /** Photo pixels per candidate pixel. */
  readonly scale: number;
  /** Radians by which the photo's own direction differs. */
  readonly angle: number;
}

/** Catmull-Rom weights of four neighbours at fraction t. */
function weights(t: number): [number, number, number, number] {
  const [t2, t3] = [t * t, t * t * t];
  return [(-t3 + 2 * t2 - t) / 2, (3 * t3 - 5 * t2 + 2) / 2, (-3 * t3 + 4 * t2 + t) / 2, (t3 - t2) / 2];
}

/** Index into a line of n samples, mirrored at its ends. */
function mirrored(i: number, n: number): number {
  const period = 2 * n;
  const j = ((i % period) + period) % period;
  return j < n ? j : period - 1 - j;
}

/**
 * The photo as the candidate shows it, on a background. Bicubic. Below its lower edge the photo goes on mirrored; a photo without a cut-out
 * does so on all sides, one with a cut-out shows the background there.
 *
 * @returns the candidate, and how much of each of its pixels is the person (255: all)
 */
export function place(
  source: { photo: Picture; cutout: Mask | undefined },
  { background, placement }: { background: Picture; placement: Placement },
): { picture: Picture; person: Mask } {
  const { photo, cutout } = source;
  const { width, height } = background;
  const { from, at, scale, angle } = placement;
  const [cos, sin] = [Math.cos(angle) * scale, Math.sin(angle) * scale];
  const data = Buffer.from(background.data);
  const person = Buffer.alloc(width * height);
  const columns = new Int32Array(4);
  const rows = new Int32Array(4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - from[0], y - from[1]];
      const sx = at[0] + cos * dx - sin * dy;
      const sy = at[1] + sin * dx + cos * dy;
      const [left, top] = [Math.floor(sx), Math.floor(sy)];
      if (cutout && (left < 0 || left >= photo.width - 1 || top < 0)) continue;
      for (let k = 0; k < 4; k++) {
        columns[k] = mirrored(left + k - 1, photo.width);
        rows[k] = mirrored(top + k - 1, photo.height) * photo.width;
      }
      const i = y * width + x;
      const share = cutout ? (cutout.data[(rows[1] as number) + (columns[1] as number)] as number) : 255;
      if (share === 0) continue;
      person[i] = share;
      const [wx, wy] = [weights(sx - left), weights(sy - top)];
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let row = 0; row < 4; row++) {
          let line = 0;
          for (let column = 0; column < 4; column++)
            line +=
              (wx[column] as number) *
              (photo.data[((rows[row] as number) + (columns[column] as number)) * 3 + channel] as number);
          sum += (wy[row] as number) * line;
        }
        const under = background.data[3 * i + channel] as number;
        const value = under + ((sum - under) * share) / 255;
        data[3 * i + channel] = value <= 0 ? 0 : value >= 255 ? 255 : Math.round(value);
      }
    }
  }
  return { picture: { data, width, height }, person: { data: person, width, height } };
}
