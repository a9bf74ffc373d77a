import type { Frame } from '../frame.js';

/** Bands that the picture is averaged to across the direction of the repeat, and samples along it, at most. */
const BANDS = 16;
const SAMPLES = 256;
/** Smallest period that is looked for, as one part in this many of the picture. Finer repeats are textures. */
const SHORTEST = 16;
/** Half width of the mean that is taken off each sample: slow gradients match at any shift. */
const SMOOTH = 12;
/** Parts with less detail than this, root mean square in levels, are not compared: rounding and soft light match anywhere. */
const LEAST_DETAIL = 1;

export interface Repeat {
  /** Correlation of the picture with itself shifted by the period, -1..1; NaN where nothing varies. */
  correlation: number;
  axis: 'horizontal' | 'vertical';
  /** Full-size pixels. */
  period: number;
}

/** One averaged picture: bands of `samples` cells. */
interface Cells {
  samples: number;
  data: Float64Array;
}

/** The shift along an axis, a sixteenth to half of the picture, at which the picture is most like itself. */
export function strongestRepeat(frame: Frame): Repeat {
  const { rows, columns } = averages(frame);
  const x = bestShift(detailOf(rows));
  const y = bestShift(detailOf(columns));
  const isX = Number.isNaN(y.correlation) || x.correlation >= y.correlation;
  const { correlation, shift } = isX ? x : y;
  const period = isX ? (shift * frame.width) / rows.samples : (shift * frame.height) / columns.samples;
  return { correlation, axis: isX ? 'horizontal' : 'vertical', period: Math.round(period) };
}

/** Area averages: bands of rows, sampled along x, and bands of columns, sampled along y. */
function averages({ luma: { width, height, data } }: Frame): { rows: Cells; columns: Cells } {
  const across = Math.min(SAMPLES, width);
  const down = Math.min(SAMPLES, height);
  const rows = new Float64Array(BANDS * across);
  const columns = new Float64Array(BANDS * down);
  const perRow = new Uint32Array(rows.length);
  const perColumn = new Uint32Array(columns.length);
  const sampleX = Int32Array.from({ length: width }, (_, x) => Math.floor((x * across) / width));
  for (let y = 0; y < height; y++) {
    const band = Math.floor((y * BANDS) / height) * across;
    const sampleY = Math.floor((y * down) / height);
    for (let part = 0; part < BANDS; part++) {
      const from = Math.ceil((part * width) / BANDS);
      const to = Math.ceil(((part + 1) * width) / BANDS);
      let sum = 0;
      for (let x = from, i = y * width + from; x < to; x++, i++) {
        const v = data[i] as number;
        const at = band + (sampleX[x] as number);
        sum += v;
        rows[at] = (rows[at] as number) + v;
        perRow[at] = (perRow[at] as number) + 1;
      }
      const at = part * down + sampleY;
      columns[at] = (columns[at] as number) + sum;
      perColumn[at] = (perColumn[at] as number) + (to - from);
    }
  }
  for (let k = 0; k < rows.length; k++) rows[k] = (rows[k] as number) / Math.max(1, perRow[k] as number);
  for (let k = 0; k < columns.length; k++) columns[k] = (columns[k] as number) / Math.max(1, perColumn[k] as number);
  return { rows: { samples: across, data: rows }, columns: { samples: down, data: columns } };
}

/** What each sample has above the mean around it, along its band; 0 at the ends, which have nothing around them. */
function detailOf({ samples, data }: Cells): Cells {
  const detail = new Float64Array(data.length);
  for (let band = 0; band < data.length; band += samples) {
    let sum = 0;
    for (let k = 0; k < Math.min(samples, 2 * SMOOTH); k++) sum += data[band + k] as number;
    for (let k = SMOOTH; k + SMOOTH < samples; k++) {
      sum += data[band + k + SMOOTH] as number;
      detail[band + k] = (data[band + k] as number) - sum / (2 * SMOOTH + 1);
      sum -= data[band + k - SMOOTH] as number;
    }
  }
  return { samples, data: detail };
}

function bestShift({ samples, data }: Cells): { correlation: number; shift: number } {
  const energy = new Float64Array(samples + 1);
  for (let k = 0; k < samples; k++) {
    let sum = 0;
    for (let band = 0; band < data.length; band += samples) sum += (data[band + k] as number) ** 2;
    energy[k + 1] = (energy[k] as number) + sum;
  }
  const total = energy[samples] as number;
  const least = LEAST_DETAIL ** 2 * (data.length / samples);
  if (total < least * samples) return { correlation: Number.NaN, shift: 0 };
  // what lies within the ends has a partner; the ends themselves are 0
  const at = (shift: number): number => {
    const left = energy[samples - SMOOTH - shift] as number;
    const right = total - (energy[SMOOTH + shift] as number);
    if (Math.min(left, right) < least * (samples - 2 * SMOOTH - shift)) return 0;
    let product = 0;
    for (let band = 0; band < data.length; band += samples)
      for (let i = band + SMOOTH, end = band + samples - SMOOTH - shift; i < end; i++)
        product += (data[i] as number) * (data[i + shift] as number);
    return Math.min(1, product / Math.sqrt(left * right));
  };
  // details are wider than a sample: every second shift, then those beside the best
  let best = { correlation: 0, shift: 0 };
  const consider = (shift: number): void => {
    const correlation = at(shift);
    if (correlation > best.correlation) best = { correlation, shift };
  };
  for (let shift = Math.ceil(samples / SHORTEST); shift <= samples / 2; shift += 2) consider(shift);
  if (best.shift > 0) for (const shift of [best.shift - 1, best.shift + 1]) consider(shift);
  return best;
}
