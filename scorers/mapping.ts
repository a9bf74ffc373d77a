/** From a raw value to a quality 0..100. The constants are data: changing one re-measures nothing. */

/**
 * Constants of the sigmoid of OFIQ, the reference implementation of ISO/IEC 29794-5
 * (https://github.com/BSI-OFIQ/OFIQ-Project): `h * (a + s / (1 + exp((x0 - x) / w)))`.
 */
export interface Sigmoid {
  /** Height. @default 100 */
  h?: number;
  /** Offset. @default 0 */
  a?: number;
  /** Scale; negative when less is better. @default 1 */
  s?: number;
  /** Raw value at the middle of the curve. */
  x0: number;
  /** Raw units from the middle to 73 %; > 0. */
  w: number;
}

/**
 * Maps a raw value to a quality, clamped to 0..100 and rounded to 0.1 (100 is best).
 *
 * @example
 * quality(23, { x0: 23, w: 2.6 }); // 50
 */
export function quality(raw: number, curve: Sigmoid): number {
  return Math.round(Math.min(100, Math.max(0, sigmoid(raw, curve))) * 10) / 10;
}

function sigmoid(x: number, { h = 100, a = 0, s = 1, x0, w }: Sigmoid): number {
  return h * (a + s / (1 + Math.exp((x0 - x) / w)));
}

/** The curve for "more is better": quality 50 at `x0`. */
export const rising = (x0: number, w: number): Sigmoid => ({ x0, w });

/** The curve for "less is better": quality 50 at `x0`. */
export const falling = (x0: number, w: number): Sigmoid => ({ a: 1, s: -1, x0, w });

/**
 * How one measure of OFIQ becomes its integer 0..100. `sigmoid` is the general map; the other kinds are those of the measures that
 * have a formula of their own. All are rounded to the nearest integer and clamped.
 */
export type OfiqMap =
  /** The sigmoid, of the raw value or of its distance from `target`. */
  | ({ kind: 'sigmoid'; target?: number } & Sigmoid)
  /** `h * (a + s * x)`. */
  | { kind: 'linear'; h: number; a: number; s: number }
  /** `h * x^e`. */
  | { kind: 'power'; h: number; e: number }
  /** `1 / (x + a)`. */
  | { kind: 'reciprocal'; a: number }
  /** `100 * max(0, cos x)^2`, x in degrees. */
  | { kind: 'cosineSquared' }
  /** `100 * sigmoid((x - low) / w) * (1 - sigmoid((x - high) / w))`: best between the two. */
  | { kind: 'band'; low: number; high: number; w: number }
  /** `100 * sin(pi * k x / (k x + 1))`. */
  | { kind: 'sine'; k: number }
  /** 100 up to `t0`, 0 from `t1`, between them the falling part of the sigmoid stretched over 0..100. */
  | { kind: 'between'; t0: number; t1: number; x0: number; w: number };

const percent: OfiqMap = { kind: 'linear', h: 100, a: 1, s: -1 };
const pose: OfiqMap = { kind: 'cosineSquared' };

/**
 * The maps of all measures of OFIQ 1.0.3, the reference implementation of ISO/IEC 29794-5 (https://github.com/BSI-OFIQ/OFIQ-Project,
 * MIT), under OFIQ's own names. The raw values that they expect are OFIQ's: see the scorer that uses one.
 */
export const OFIQ = {
  UnifiedQualityScore: { kind: 'sigmoid', x0: 23, w: 2.6 },
  BackgroundUniformity: { kind: 'sigmoid', h: 190, a: 1, s: -1, x0: 10, w: 100 },
  IlluminationUniformity: { kind: 'power', h: 100, e: 0.3 },
  LuminanceMean: { kind: 'band', low: 0.2, high: 0.8, w: 0.05 },
  LuminanceVariance: { kind: 'sine', k: 60 },
  UnderExposurePrevention: { kind: 'sigmoid', h: 120, a: 0.832, s: -1, x0: 0.92, w: 0.05 },
  OverExposurePrevention: { kind: 'reciprocal', a: 0.01 },
  DynamicRange: { kind: 'linear', h: 12.5, a: 0, s: 1 },
  Sharpness: { kind: 'sigmoid', h: 1, a: -14, s: 115, x0: -20, w: 15 },
  CompressionArtifacts: { kind: 'sigmoid', h: 1, a: -0.0278, s: 103, x0: 0.3308, w: 0.092 },
  NaturalColour: { kind: 'sigmoid', h: 200, a: 1, s: -1, x0: 0, w: 10 },
  SingleFacePresent: percent,
  EyesOpen: { kind: 'sigmoid', x0: 0.02, w: 0.01 },
  MouthClosed: { kind: 'sigmoid', a: 1, s: -1, x0: 0.2, w: 0.06 },
  EyesVisible: percent,
  MouthOcclusionPrevention: percent,
  FaceOcclusionPrevention: percent,
  InterEyeDistance: { kind: 'sigmoid', x0: 70, w: 20 },
  HeadSize: { kind: 'sigmoid', target: 0.45, h: 200, a: 1, s: -1, x0: 0, w: 0.05 },
  LeftwardCropOfTheFaceImage: { kind: 'sigmoid', x0: 0.9, w: 0.1 },
  RightwardCropOfTheFaceImage: { kind: 'sigmoid', x0: 0.9, w: 0.1 },
  MarginAboveOfTheFaceImage: { kind: 'sigmoid', x0: 1.4, w: 0.1 },
  MarginBelowOfTheFaceImage: { kind: 'sigmoid', x0: 1.8, w: 0.1 },
  HeadPoseYaw: pose,
  HeadPosePitch: pose,
  HeadPoseRoll: pose,
  ExpressionNeutrality: { kind: 'sigmoid', x0: -5000, w: 5000 },
  NoHeadCoverings: { kind: 'between', t0: 0, t1: 0.95, x0: 0.02, w: 0.1 },
} as const satisfies Record<string, OfiqMap>;

/**
 * OFIQ's quality for a raw value: an integer 0..100, 100 is best.
 *
 * @example
 * ofiqQuality(OFIQ.EyesOpen, 0.07022); // 99
 */
export function ofiqQuality(map: OfiqMap, raw: number): number {
  return Math.min(100, Math.max(0, Math.round(mapped(map, raw))));
}

function mapped(map: OfiqMap, x: number): number {
  switch (map.kind) {
    case 'sigmoid':
      return sigmoid(map.target === undefined ? x : Math.abs(x - map.target), map);
    case 'linear':
      return map.h * (map.a + map.s * x);
    case 'power':
      return map.h * x ** map.e;
    case 'reciprocal':
      return 1 / (x + map.a);
    case 'cosineSquared':
      return 100 * Math.max(0, Math.cos((x * Math.PI) / 180)) ** 2;
    case 'band':
      return 100 * sigmoid(x, { h: 1, x0: map.low, w: map.w }) * (1 - sigmoid(x, { h: 1, x0: map.high, w: map.w }));
    case 'sine':
      return 100 * Math.sin((Math.PI * map.k * x) / (map.k * x + 1));
    case 'between': {
      const [worst, best] = [sigmoid(map.t1, map), sigmoid(map.t0, map)];
      return (100 * (worst - sigmoid(Math.min(map.t1, Math.max(map.t0, x)), map))) / (worst - best);
    }
  }
}
