import type { Picture } from '../frame.js';

/** Samples along each line. */
const SAMPLES = 128;
/** Levels by which a line's samples may differ from the fill. */
const TOLERANCE = 3;
/** How far beyond the filled part its edge is looked for, full-size pixels: a block of a JPEG with chroma at half size, twice. */
const EDGE = 32;
/** Levels from the fill from which on a sample is picture. */
const PICTURE = 10;

/** Lines that are looked at together. */
const AT_ONCE = 16;

export type Side = 'top' | 'bottom' | 'left' | 'right';

export interface Fill {
  side: Side;
  /** Share of the picture in the even part. */
  share: number;
  /** Share of the line where it ends that is picture: 1 means that the picture was cut off right across. */
  abrupt: number;
}

/**
 * The even part that the picture has from each side on: what a truncated file leaves (its rest grey, black or green), or a frame that was
 * only half filled. A plain background is even too, but it ends where the subject begins, not right across the picture.
 */
export function fills({ width, height, rgb }: Picture): Fill[] {
  const along = (length: number): number[] =>
    Array.from({ length: SAMPLES }, (_, k) => Math.floor(((k + 0.5) * length) / SAMPLES));
  const [columns, rows] = [along(width).map((x) => 3 * x), along(height).map((y) => 3 * y * width)];
  const [rowStep, columnStep] = [3 * width, 3];
  return [
    { side: 'top' as const, ...fillFrom(rgb, { first: 0, step: rowStep, lines: height, samples: columns }) },
    {
      side: 'bottom' as const,
      ...fillFrom(rgb, { first: (height - 1) * rowStep, step: -rowStep, lines: height, samples: columns }),
    },
    { side: 'left' as const, ...fillFrom(rgb, { first: 0, step: columnStep, lines: width, samples: rows }) },
    {
      side: 'right' as const,
      ...fillFrom(rgb, { first: (width - 1) * columnStep, step: -columnStep, lines: width, samples: rows }),
    },
  ];
}

function fillFrom(
  rgb: Uint8Array,
  { first, step, lines, samples }: { first: number; step: number; lines: number; samples: readonly number[] },
): Omit<Fill, 'side'> {
  const middle = first + (samples[SAMPLES >> 1] as number);
  const [red, green, blue] = [rgb[middle] as number, rgb[middle + 1] as number, rgb[middle + 2] as number];
  const isFar = (p: number, most: number): boolean => {
    const r = (rgb[p] as number) - red;
    const g = (rgb[p + 1] as number) - green;
    const b = (rgb[p + 2] as number) - blue;
    return r > most || -r > most || g > most || -g > most || b > most || -b > most;
  };
  // some lines at a time, whichever way they run: samples beside each other lie in the same stretch of memory
  let even = lines;
  for (let from = 0; from < even; from += AT_ONCE)
    for (const sample of samples) {
      const end = Math.min(even, from + AT_ONCE);
      let line = from;
      for (let p = first + line * step + sample; line < end && !isFar(p, TOLERANCE); p += step) line++;
      if (line < end) even = line;
    }
  let most = 0;
  if (even > 0)
    for (let line = even; line < Math.min(lines, even + EDGE); line++) {
      let far = 0;
      for (const sample of samples) if (isFar(first + line * step + sample, PICTURE)) far++;
      most = Math.max(most, far);
    }
  return { share: even / lines, abrupt: most / SAMPLES };
}
