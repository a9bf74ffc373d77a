/** Colour science on sRGB bytes: linear light, CIELAB (D65), CIEDE2000. */

/** CIELAB with the D65 white point, 2 degree observer: `[L*, a*, b*]`. */
export type Lab = readonly [number, number, number];

/** sRGB byte -> linear light 0..1 (IEC 61966-2-1). */
export const LINEAR: Float32Array = Float32Array.from({ length: 256 }, (_, i) => {
  const c = i / 255;
  return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
});

const STEPS = 8192;
const labF = (t: number): number => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116);
/** f(t) of CIELAB for t in 0..1 in steps of 1/8192: a table is five times as fast as cbrt; the error is below 0.06 L*. */
const F = Float32Array.from({ length: STEPS + 2 }, (_, i) => labF(i / STEPS));

// sRGB -> XYZ, each row divided by the D65 white so that white is (1, 1, 1)
const XW = 0.95047;
const ZW = 1.08883;
const M = [
  [0.4124564 / XW, 0.3575761 / XW, 0.1804375 / XW],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339 / ZW, 0.119192 / ZW, 0.9503041 / ZW],
] as const;
// one by one: V8 folds such constants into the code, not those of an array
const [XR, XG, XB] = M[0];
const [YR, YG, YB] = M[1];
const [ZR, ZG, ZB] = M[2];

/** Linear luminance 0..1 of an sRGB colour in bytes. */
export function luminance(r: number, g: number, b: number): number {
  return YR * (LINEAR[r] ?? 0) + YG * (LINEAR[g] ?? 0) + YB * (LINEAR[b] ?? 0);
}

/**
 * CIELAB of an sRGB colour in bytes 0..255 (exact, not the table).
 *
 * @example
 * labOf(255, 255, 255); // [100, 0, 0]
 */
export function labOf(r: number, g: number, b: number): Lab {
  return labOfLight([LINEAR[r] ?? 0, LINEAR[g] ?? 0, LINEAR[b] ?? 0]);
}

/** CIELAB of a colour in linear light, `[r, g, b]` 0..1. */
export function labOfLight([lr, lg, lb]: readonly [number, number, number]): Lab {
  const fx = labF(XR * lr + XG * lg + XB * lb);
  const fy = labF(YR * lr + YG * lg + YB * lb);
  const fz = labF(ZR * lr + ZG * lg + ZB * lb);
  return [116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)];
}

/** Planes of one image in CIELAB. */
export interface LabPlanes {
  l: Float32Array;
  a: Float32Array;
  b: Float32Array;
}

/** CIELAB, and linear luminance 0..1 beside it, which falls out on the way. */
export interface ColourPlanes extends LabPlanes {
  light: Float32Array;
}

/** CIELAB planes and linear luminance of interleaved sRGB bytes. */
export function colourPlanes(rgb: Uint8Array): ColourPlanes {
  const n = rgb.length / 3;
  const l = new Float32Array(n);
  const a = new Float32Array(n);
  const b = new Float32Array(n);
  const light = new Float32Array(n);
  let last = -1;
  for (let i = 0, p = 0; i < n; i++, p += 3) {
    const red = rgb[p] as number;
    const green = rgb[p + 1] as number;
    const blue = rgb[p + 2] as number;
    // plain backgrounds repeat one colour
    const colour = (red << 16) | (green << 8) | blue;
    if (colour === last) {
      l[i] = l[i - 1] as number;
      a[i] = a[i - 1] as number;
      b[i] = b[i - 1] as number;
      light[i] = light[i - 1] as number;
      continue;
    }
    last = colour;
    const lr = LINEAR[red] as number;
    const lg = LINEAR[green] as number;
    const lb = LINEAR[blue] as number;
    const y = YR * lr + YG * lg + YB * lb;
    const fx = F[((XR * lr + XG * lg + XB * lb) * STEPS + 0.5) | 0] as number;
    const fy = F[(y * STEPS + 0.5) | 0] as number;
    const fz = F[((ZR * lr + ZG * lg + ZB * lb) * STEPS + 0.5) | 0] as number;
    l[i] = 116 * fy - 16;
    a[i] = 500 * (fx - fy);
    b[i] = 200 * (fy - fz);
    light[i] = y;
  }
  return { l, a, b, light };
}

/** CIELAB planes of interleaved sRGB bytes. */
export const labPlanes = (rgb: Uint8Array): LabPlanes => colourPlanes(rgb);

const DEGREE = Math.PI / 180;
const POW25_7 = 25 ** 7;

/** Hue angle in degrees, 0..360; 0 for a neutral colour. */
function hue(a: number, b: number): number {
  if (a === 0 && b === 0) return 0;
  const angle = Math.atan2(b, a) / DEGREE;
  return angle < 0 ? angle + 360 : angle;
}

/**
 * CIEDE2000 colour difference with kL = kC = kH = 1.
 * Source: Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula: Implementation Notes, Supplementary Test Data, and
 * Mathematical Observations", Color Research and Application 30 (2005).
 *
 * @example
 * deltaE2000([50, 2.6772, -79.7751], [50, 0, -82.7485]); // 2.0425
 */
export function deltaE2000([l1, a1, b1]: Lab, [l2, a2, b2]: Lab): number {
  const chroma7 = ((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2) ** 7;
  const g = 1 + 0.5 * (1 - Math.sqrt(chroma7 / (chroma7 + POW25_7)));
  const c1 = Math.hypot(g * a1, b1);
  const c2 = Math.hypot(g * a2, b2);
  const h1 = hue(g * a1, b1);
  const h2 = hue(g * a2, b2);

  const neutral = c1 * c2 === 0;
  let turn = neutral ? 0 : h2 - h1;
  if (turn > 180) turn -= 360;
  else if (turn < -180) turn += 360;
  let meanHue = h1 + h2;
  if (!neutral) {
    if (Math.abs(h1 - h2) > 180) meanHue += meanHue < 360 ? 360 : -360;
    meanHue /= 2;
  }

  const dL = l2 - l1;
  const dC = c2 - c1;
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((turn / 2) * DEGREE);
  const meanL = (l1 + l2) / 2;
  const meanC = (c1 + c2) / 2;
  const t =
    1 -
    0.17 * Math.cos((meanHue - 30) * DEGREE) +
    0.24 * Math.cos(2 * meanHue * DEGREE) +
    0.32 * Math.cos((3 * meanHue + 6) * DEGREE) -
    0.2 * Math.cos((4 * meanHue - 63) * DEGREE);
  const meanC7 = meanC ** 7;
  const rotation =
    -2 * Math.sqrt(meanC7 / (meanC7 + POW25_7)) * Math.sin(60 * Math.exp(-(((meanHue - 275) / 25) ** 2)) * DEGREE);
  const lightness = (meanL - 50) ** 2;
  const x = dL / (1 + (0.015 * lightness) / Math.sqrt(20 + lightness));
  const y = dC / (1 + 0.045 * meanC);
  const z = dH / (1 + 0.015 * meanC * t);
  return Math.sqrt(x * x + y * y + z * z + rotation * y * z);
}
