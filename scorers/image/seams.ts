import type { Frame } from '../frame.js';

/** Smallest jump of grey that is seen along a line, levels. */
const JUMP = 4;
/** How much larger than the steps beside it a jump must be. */
const RATIO = 2;
/** Distance to the steps it is compared with, working pixels: the resampling spreads a jump over two. */
const BESIDE = 3;
/** Every so many-th pixel along the line is looked at. */
const THIN = 3;
/** Lines this close to the border, as a share, are frames and not seams. */
const MARGIN = 0.04;

export interface Seam {
  /** Share of the picture's length along which grey jumps across this line. */
  share: number;
  axis: 'vertical' | 'horizontal';
  /** Full-size pixels from the left or from the top. */
  at: number;
}

/** The straight line across the working picture along which grey jumps most often. */
export function strongestSeam({ luma, scale }: Frame): Seam {
  const { width, height, data } = luma;
  const vertical = mostJumps(data, { lines: width, across: 1, length: height, along: width });
  const horizontal = mostJumps(data, { lines: height, across: width, length: width, along: 1 });
  const [axis, { share, line }] =
    vertical.share >= horizontal.share ? (['vertical', vertical] as const) : (['horizontal', horizontal] as const);
  return { share, axis, at: Math.round((line + 0.5) * scale) };
}

/** For each line, on how many of its pixels the step over it stands out from those beside it. */
function mostJumps(
  data: Float32Array,
  { lines, across, length, along }: { lines: number; across: number; length: number; along: number },
): { share: number; line: number } {
  const counts = new Uint32Array(lines);
  const first = Math.max(BESIDE + 1, Math.ceil(MARGIN * lines));
  const last = lines - 1 - first;
  let seen = 0;
  for (let n = 0; n < length; n += THIN) {
    seen++;
    for (let line = first, i = n * along + first * across; line <= last; line++, i += across) {
      const jump = Math.abs((data[i + across] as number) - (data[i - across] as number));
      if (jump < JUMP) continue;
      const before = Math.abs((data[i - across] as number) - (data[i - BESIDE * across] as number));
      const after = Math.abs((data[i + BESIDE * across] as number) - (data[i + across] as number));
      if (jump > RATIO * before && jump > RATIO * after) counts[line] = (counts[line] as number) + 1;
    }
  }
  let best = 0;
  for (let line = first; line <= last; line++) if ((counts[line] as number) > (counts[best] as number)) best = line;
  return { share: seen === 0 ? 0 : (counts[best] as number) / seen, line: best };
}
