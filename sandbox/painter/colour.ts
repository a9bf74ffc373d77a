/** Colours as three numbers: sRGB in 0..255, linear light in 0..1, CIELAB (D65). */
export type Rgb = readonly [number, number, number];

/** sRGB level (0..255) to linear light (0..1), IEC 61966-2-1. */
export function toLinear(level: number): number {
  const v = level / 255;
  return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4);
}

/** Linear light (0..1) to sRGB level (0..255), not rounded. */
export function toSrgb(light: number): number {
  if (light <= 0) return 0;
  if (light >= 1) return 255;
  return 255 * (light <= 0.0031308 ? light * 12.92 : 1.055 * Math.pow(light, 1 / 2.4) - 0.055);
}

export function map(rgb: Rgb, change: (value: number, channel: 0 | 1 | 2) => number): Rgb {
  return [change(rgb[0], 0), change(rgb[1], 1), change(rgb[2], 2)];
}

export function parseHex(hex: string): Rgb {
  const n = Number.parseInt(hex.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

export function hex(rgb: Rgb): string {
  const [r, g, b] = map(rgb, (v) => Math.min(255, Math.max(0, Math.round(v))));
  return `#${((r << 16) | (g << 8) | b).toString(16).padStart(6, '0')}`;
}

/** The share of `over` in a blend done the way SVG opacity does it, in sRGB. */
export function blend(under: Rgb, over: Rgb, opacity: number): Rgb {
  return map(under, (v, c) => v + (over[c] - v) * opacity);
}

/** Relative luminance (0..1) of a linear-light colour, Rec. 709 weights. */
export function luminance(light: Rgb): number {
  return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2];
}

/** Linear light to CIELAB under D65. */
export function toLab(light: Rgb): Rgb {
  const [r, g, b] = light;
  const f = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : (t * 24389) / 27 / 116 + 16 / 116);
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const RAD = Math.PI / 180;

/**
 * CIEDE2000 colour difference of two CIELAB colours, after Sharma, Wu, Dalal: The CIEDE2000 Color-Difference Formula (2005).
 *
 * @example
 * ciede2000([50, 2.6772, -79.7751], [50, 0, -82.7485]); // 2.0425, the paper's first pair
 */
export function ciede2000(one: Rgb, two: Rgb): number {
  const [l1, a1, b1] = one;
  const [l2, a2, b2] = two;
  const c7 = Math.pow((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2, 7);
  const g = 0.5 * (1 - Math.sqrt(c7 / (c7 + 6103515625)));
  const c1 = Math.hypot((1 + g) * a1, b1);
  const c2 = Math.hypot((1 + g) * a2, b2);
  const hue = (b: number, a: number): number => (a === 0 && b === 0 ? 0 : (Math.atan2(b, a) / RAD + 360) % 360);
  const h1 = hue(b1, (1 + g) * a1);
  const h2 = hue(b2, (1 + g) * a2);
  const grey = c1 * c2 === 0;
  let dh = grey ? 0 : h2 - h1;
  if (dh > 180) dh -= 360;
  if (dh < -180) dh += 360;
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((dh / 2) * RAD);
  let h = h1 + h2;
  if (!grey) h = Math.abs(h1 - h2) <= 180 ? h / 2 : (h + (h < 360 ? 360 : -360)) / 2;
  const c = (c1 + c2) / 2;
  const t =
    1 -
    0.17 * Math.cos((h - 30) * RAD) +
    0.24 * Math.cos(2 * h * RAD) +
    0.32 * Math.cos((3 * h + 6) * RAD) -
    0.2 * Math.cos((4 * h - 63) * RAD);
  const l50 = ((l1 + l2) / 2 - 50) ** 2;
  const sl = 1 + (0.015 * l50) / Math.sqrt(20 + l50);
  const sc = 1 + 0.045 * c;
  const sh = 1 + 0.015 * c * t;
  const c77 = Math.pow(c, 7);
  const rt = -2 * Math.sqrt(c77 / (c77 + 6103515625)) * Math.sin(60 * Math.exp(-(((h - 275) / 25) ** 2)) * RAD);
  const [dl, dc, dhh] = [(l2 - l1) / sl, (c2 - c1) / sc, dH / sh];
  return Math.sqrt(dl * dl + dc * dc + dhh * dhh + rt * dc * dhh);
}
