/** Growing, shrinking and closing of binary masks by squares; sizes cost nothing (running counts). */

export interface Mask {
  width: number;
  height: number;
  /** 1 = inside */
  data: Uint8Array;
}

/**
 * The pixels that have an inside pixel within `radius` in both directions.
 *
 * @example
 * dilated({ width, height, data: mask }, 3);
 */
export function dilated({ width, height, data }: Mask, radius: number): Uint8Array {
  return reach({ width, height, data }, radius, 1);
}

/** The pixels that have only inside pixels within `radius`; beyond the frame counts as inside. */
export function eroded({ width, height, data }: Mask, radius: number): Uint8Array {
  const outside = reach({ width, height, data }, radius, 0);
  for (let i = 0; i < outside.length; i++) outside[i] = outside[i] === 1 ? 0 : 1;
  return outside;
}

/** Dilated, then eroded: holes and notches narrower than twice the radius are filled. */
export function closed(mask: Mask, radius: number): Uint8Array {
  // with a margin, so that what touches the frame is closed as anywhere else
  const [width, height] = [mask.width + 2 * radius, mask.height + 2 * radius];
  const wide = new Uint8Array(width * height);
  for (let y = 0; y < mask.height; y++)
    wide.set(mask.data.subarray(y * mask.width, (y + 1) * mask.width), (y + radius) * width + radius);
  const shut = eroded({ width, height, data: dilated({ width, height, data: wide }, radius) }, radius);
  const out = new Uint8Array(mask.data.length);
  for (let y = 0; y < mask.height; y++) {
    const row = (y + radius) * width + radius;
    out.set(shut.subarray(row, row + mask.width), y * mask.width);
  }
  return out;
}

/** The mask with its holes filled: what is not reached from the frame's border through 4-neighbours outside. */
export function filled({ width, height, data }: Mask): Uint8Array {
  const out = new Uint8Array(data.length).fill(1);
  const stack: number[] = [];
  const visit = (i: number): void => {
    if (out[i] === 0 || data[i] === 1) return;
    out[i] = 0;
    stack.push(i);
  };
  for (let x = 0; x < width; x++) {
    visit(x);
    visit((height - 1) * width + x);
  }
  for (let y = 0; y < height; y++) {
    visit(y * width);
    visit(y * width + width - 1);
  }
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    const x = i % width;
    if (x > 0) visit(i - 1);
    if (x < width - 1) visit(i + 1);
    if (i >= width) visit(i - width);
    if (i + width < data.length) visit(i + width);
  }
  return out;
}

/** 1 where a pixel equal to `value` lies within `radius`, rows first, then columns. */
function reach({ width, height, data }: Mask, radius: number, value: 0 | 1): Uint8Array {
  const rows = new Uint8Array(data.length);
  for (let start = 0; start < data.length; start += width) {
    const end = start + width;
    for (let i = start; i < end; i++) {
      if (data[i] !== value) continue;
      const from = i;
      while (i < end && data[i] === value) i++;
      rows.fill(1, Math.max(start, from - radius), Math.min(end, i + radius));
    }
  }
  const out = new Uint8Array(data.length);
  const until = new Int32Array(width).fill(-1);
  for (let y = -radius; y < height; y++) {
    const ahead = y + radius;
    if (ahead < height)
      for (let x = 0, i = ahead * width; x < width; x++, i++) if (rows[i] === 1) until[x] = ahead + radius;
    if (y >= 0) for (let x = 0, i = y * width; x < width; x++, i++) out[i] = y <= (until[x] as number) ? 1 : 0;
  }
  return out;
}
