import sharp from 'sharp';
import { decodeFrame, type Frame, type Picture } from '../../scorers/frame.js';
import { Unassessable, unlessUnassessable, type Ask, type Assessment, type Scorer } from '../../scorers/scorer.js';

/** A colour per pixel, sRGB levels with fractions; rounded and clipped when drawn. */
export type Paint = (x: number, y: number) => readonly [number, number, number];

export function draw(width: number, height: number, paint: Paint): Picture {
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, p = 0; y < height; y++)
    for (let x = 0; x < width; x++) for (const v of paint(x, y)) rgb[p++] = Math.min(255, Math.max(0, Math.round(v)));
  return { width, height, rgb };
}

export const png = ({ width, height, rgb }: Picture): Promise<Buffer> =>
  sharp(rgb, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();

export async function frameOf(bytes: Uint8Array | Picture): Promise<Frame> {
  const decoded = await decodeFrame('rgb' in bytes ? await png(bytes) : bytes);
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.frame;
}

/** What a scoring thread makes of a scorer: what it throws as unassessable stands at every dimension. */
export async function assess(
  scorer: Scorer,
  frame: Frame,
  ask: Partial<Ask> = {},
): Promise<Record<string, Assessment>> {
  const found = await unlessUnassessable(() =>
    scorer.assess(frame, { params: {}, ...ask }, new AbortController().signal),
  );
  if (!(found instanceof Unassessable)) return found;
  return Object.fromEntries(Object.keys(scorer.spec.dimensions).map((id) => [id, found.assessment]));
}

/** The raw value of one dimension; fails where there is none. */
export async function rawOf(
  scorer: Scorer,
  dimension: string,
  of: Frame | Picture,
  ask: Partial<Ask> = {},
): Promise<number> {
  const frame = 'derive' in of ? of : await frameOf(of);
  const found = (await assess(scorer, frame, ask))[dimension];
  if (found?.status !== 'ok') throw new Error(`${dimension} is ${JSON.stringify(found)}`);
  return found.raw;
}

/** Standard normal numbers, seeded (mulberry32 and Box-Muller). */
export function normals(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

export const toSrgb = (light: number): number =>
  255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * Math.max(0, light) ** (1 / 2.4) - 0.055);
export const toLight = (level: number): number => {
  const v = level / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
};

/** Standard normal distribution function (Abramowitz and Stegun 7.1.26), error below 2e-7. */
export function phi(z: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp((-z * z) / 2);
  return z > 0 ? 1 - tail / 2 : tail / 2;
}

/** A disc on a plain background, its outline blurred by a Gaussian in linear light (straight-edge approximation). */
export function disc({
  side = 512,
  radius = 0.25 * side,
  sigma = 0.3,
  colour = [60, 110, 160],
  background = [255, 255, 255],
  x: cx = side / 2,
  y: cy = side / 2,
}: {
  side?: number;
  radius?: number;
  sigma?: number;
  colour?: readonly [number, number, number];
  background?: readonly [number, number, number];
  x?: number;
  y?: number;
} = {}): Picture {
  const [inside, outside] = [colour.map(toLight), background.map(toLight)];
  return draw(side, side, (x, y) => {
    const depth = radius - Math.hypot(x + 0.5 - cx, y + 0.5 - cy);
    // most pixels are far from the outline
    if (depth > 5 * sigma) return colour;
    if (depth < -5 * sigma) return background;
    const share = phi(depth / sigma);
    return [0, 1, 2].map((c) => toSrgb(share * inside[c]! + (1 - share) * outside[c]!)) as [number, number, number];
  });
}

/** The same picture with Gaussian noise of `sigma` levels in every channel. */
export function noisy({ width, height, rgb }: Picture, sigma: number, seed = 1): Picture {
  const next = normals(seed);
  return {
    width,
    height,
    rgb: rgb.map((v) => Math.min(255, Math.max(0, Math.round(v + sigma * next())))),
  };
}

export const jpeg = ({ width, height, rgb }: Picture, quality: number): Promise<Buffer> =>
  sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality, chromaSubsampling: '4:2:0' })
    .toBuffer();
