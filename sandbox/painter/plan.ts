import { baseColour } from './backgrounds.js';
import { ciede2000, luminance, map, toLab, toLinear } from './colour.js';
import type { Rgb } from './colour.js';
import { DEFECT_NAMES, DEFECTS, drawStrength } from './defects.js';
import type { DefectName } from './defects.js';
import { differenceInLight, planDirt, solve } from './flaws.js';
import type { Dirt } from './flaws.js';
import { parsePrompt } from './grammar.js';
import type { Scene } from './grammar.js';
import { drawScene } from './mismatch.js';
import type { Mismatch } from './mismatch.js';
import { stream } from './random.js';
import type { Random } from './random.js';

/** Raised whenever the same prompt, seed and size would give other pixels or other labels. */
export const PAINTER_VERSION = '2';

export interface Label {
  readonly present: boolean;
  /** 0 where nothing was drawn; in `unit`, as it is in the final picture. */
  readonly strength: number;
  readonly unit: string;
  readonly threshold: number;
  /** Which kind: over or under, the side of the crop, the sort of dirt. */
  readonly detail?: string;
}

/** The truth about one picture. */
export interface Labels {
  readonly defects: Readonly<Record<DefectName, Label>>;
  /** Whether any of `defects` is present. A mismatch is not among them: the picture is good, only not what was asked for. */
  readonly hasDefect: boolean;
  /** In what the picture differs from its prompt; absent where it shows what was asked for. */
  readonly mismatch?: Mismatch;
  /** What the picture shows. */
  readonly scene: Scene;
}

export type Side = 'left' | 'right' | 'top' | 'bottom';

/** Everything about a picture but its size. */
export interface Plan {
  readonly scene: Scene;
  readonly labels: Labels;
  /** Where the subject stands and how it is lit; shares of the frame. */
  readonly composition: { x: number; y: number; scale: number; stretch: number; mirrored: boolean; shadow: number };
  /** What the lens and the sensor do. `gain` multiplies linear light, `cast` the channels after clipping. */
  readonly camera: { gain: number; cast: Rgb; blurSigma: number; noiseSigma: number; jpegQuality: number | undefined };
  readonly dirt: Dirt | undefined;
  readonly crop: { side: Side; share: number } | undefined;
  /** Capital height as a share of the picture's. */
  readonly text: number;
  readonly missing: boolean;
  /** A stream of randomness of this picture alone, by purpose. */
  readonly random: (purpose: string) => Random;
}

/** Log-gains per channel of the casts that cameras and lamps make; all at or below 0, so that white never clips further. */
const CASTS: readonly [Rgb, ...Rgb[]] = [
  [0, -0.35, -1], // warm: tungsten light
  [-1, -0.4, 0], // cool: shade
  [-0.9, 0, -0.9], // green: fluorescent tubes
  [0, -0.8, -0.1], // magenta: over-corrected tubes
];

/** The channel gains that move a neutral of this linear light by `strength` CIEDE2000. */
export function castOf(strength: number, neutral: number, random: Random): Rgb {
  if (strength === 0) return [1, 1, 1];
  const direction = map(random.pick(CASTS), (v) => v * random.between(0.85, 1.15));
  const gains = (amount: number): Rgb => map(direction, (v) => Math.exp(2.5 * amount * v));
  return gains(solve(strength, (amount) => castDifference(gains(amount), neutral)));
}

export function castDifference(cast: Rgb, neutral: number): number {
  return ciede2000(toLab([neutral, neutral, neutral]), toLab(map(cast, (gain) => gain * neutral)));
}

/** The integer quality whose quantiser is nearest to `step` times the Annex K table (the IJG scale, inverted). */
function qualityOf(step: number): number {
  return Math.max(1, Math.round(step >= 1 ? 50 / step : 100 - 50 * step));
}

function stepOf(quality: number): number {
  return quality < 50 ? 50 / quality : (200 - 2 * quality) / 100;
}

/**
 * All decisions about a picture, without drawing it: the scene, the composition and the defects, with their labels. Pure and
 * fast (about 0.1 ms), so that statistics over thousands of seeds cost little.
 *
 * @param seed an integer of 0 or more; 7 and 7n are the same seed
 * @throws RangeError for a seed that is no such integer
 * @example
 * plan('product photo of a red mug on a white background', 7).labels.hasDefect; // true or false, always the same
 */
export function plan(prompt: string, seed: number | bigint): Plan {
  if (typeof seed === 'number' && !Number.isInteger(seed)) throw new RangeError(`seed must be an integer, not ${seed}`);
  if (seed < 0) throw new RangeError(`seed must be 0 or more, not ${seed.toString()}`);
  const asked = parsePrompt(prompt);
  const key = [BigInt(seed).toString(), asked.object, asked.colour, asked.background, asked.count].join('|');
  const random = (purpose: string): Random => stream(`${key}|${purpose}`);

  const drawn = {} as Record<DefectName, number>;
  for (const name of DEFECT_NAMES) drawn[name] = drawStrength(DEFECTS[name], random(`defect ${name}`));
  const missing = drawn.missingSubject > 0;
  const { scene, mismatch } = drawScene(asked, { missing, random: random('mismatch') });
  const base = baseColour(scene.background);

  const over = random('exposure').chance(0.5);
  const gain = drawn.exposure === 0 ? 1 : Math.pow(2, over ? drawn.exposure : -drawn.exposure);
  const neutral = Math.min(1, luminance(map(base, toLinear)) * gain);
  const cast = castOf(drawn.tint, neutral, random('tint'));
  const jpegQuality = drawn.jpeg === 0 ? undefined : qualityOf(drawn.jpeg);
  const dirt = drawn.dirtyBackground === 0 ? undefined : planDirt(drawn.dirtyBackground, base, random('dirt'));
  const side = random('crop').pick<Side>(['left', 'right', 'top', 'bottom']);
  const crop = missing || drawn.croppedSubject === 0 ? undefined : { side, share: drawn.croppedSubject / 100 };

  // Where one defect changes another (light wipes out dirt), the label says what the final picture shows.
  const final: Record<DefectName, number> = {
    ...drawn,
    tint: drawn.tint === 0 ? 0 : castDifference(cast, neutral),
    jpeg: jpegQuality === undefined ? 0 : stepOf(jpegQuality),
    dirtyBackground: dirt ? differenceInLight(base, dirt.seen, gain) : 0,
    croppedSubject: crop ? drawn.croppedSubject : 0,
  };
  const details: Partial<Record<DefectName, string>> = {
    ...(drawn.exposure > 0 && { exposure: over ? 'over' : 'under' }),
    ...(dirt && { dirtyBackground: dirt.kind }),
    ...(crop && { croppedSubject: crop.side }),
  };
  const defects = {} as Record<DefectName, Label>;
  for (const name of DEFECT_NAMES) {
    const { threshold, unit } = DEFECTS[name];
    const detail = details[name];
    // The solver stops a hair before its goal: a strength drawn at or above the threshold stays so.
    defects[name] = {
      present: final[name] >= threshold - 1e-6,
      strength: final[name],
      unit,
      threshold,
      ...(detail && { detail }),
    };
  }

  const look = random('composition');
  return {
    scene,
    labels: {
      defects,
      hasDefect: DEFECT_NAMES.some((name) => defects[name].present),
      ...(mismatch && { mismatch }),
      scene,
    },
    composition: {
      x: look.between(0.445, 0.555),
      y: look.between(0.485, 0.545),
      scale: look.between(0.76, 1),
      stretch: look.between(0.91, 1.09),
      mirrored: look.chance(0.5),
      shadow: look.between(0.75, 1),
    },
    camera: { gain, cast, blurSigma: drawn.blur, noiseSigma: drawn.noise, jpegQuality },
    dirt,
    crop,
    text: drawn.backgroundText / 100,
    missing,
    random,
  };
}
