import { baseColour } from '../painter/backgrounds.js';
import { luminance, map, toLinear } from '../painter/colour.js';
import type { Rgb } from '../painter/colour.js';
import { drawStrength } from '../painter/defects.js';
import { differenceInLight } from '../painter/flaws.js';
import { parsePrompt } from '../painter/grammar.js';
import { castDifference, castOf, type Label, type Side } from '../painter/plan.js';
import { stream, type Random } from '../painter/random.js';
import { shiftTo } from './colours.js';
import { CHANGE_NAMES, CHANGES, type ChangeName, type Need } from './changes.js';
import type { Regions } from './regions.js';

/** Raised whenever the same photo, seed and prompt would give other pixels or other labels. */
export const PHOTOS_VERSION = '1';

/** The truth about one picture. */
export interface Labels {
  readonly defects: Readonly<Record<ChangeName, Label>>;
  readonly hasDefect: boolean;
  /** What the background should be, by the prompt, and what it is; sRGB. Null: the photo's own. */
  readonly background: { readonly asked: Rgb; readonly shown: Rgb } | null;
}

/** Everything about a picture but its pixels. */
export interface Plan {
  /** By name; what the pixels decide (how far a garment's colour could be moved) is mended after drawing. */
  readonly strengths: Readonly<Record<ChangeName, number>>;
  readonly details: Readonly<Partial<Record<ChangeName, string>>>;
  readonly background: Labels['background'];
  /** Which of the other people stands in. */
  readonly other: number | undefined;
  /** How the face is framed: shares of the frame, and its roll in degrees. */
  readonly framing: { readonly faceWidth: number; readonly x: number; readonly y: number; readonly roll: number };
  /** Of a photo without a face: how far it is moved and enlarged. */
  readonly drift: { readonly x: number; readonly y: number; readonly zoom: number };
  readonly crop: { readonly side: Side; readonly share: number } | undefined;
  readonly camera: { gain: number; cast: Rgb; blurSigma: number; noiseSigma: number; jpegQuality: undefined };
  readonly random: (purpose: string) => Random;
}

/** Grain of the camera beside what the photo has, in sRGB levels. */
const NOISE = 0.8;
const NEUTRAL = 0.5;

/**
 * All decisions about a candidate, without its pixels. Pure: the same photo's regions, prompt and seed give the same plan.
 *
 * @param seed an integer of 0 or more
 * @throws RangeError for a seed that is no such integer
 */
export function plan(ask: { regions: Regions; others: number; prompt: string; seed: number }): Plan {
  const { regions, seed } = ask;
  if (!Number.isInteger(seed) || seed < 0) throw new RangeError(`seed must be an integer of 0 or more, not ${seed}`);
  const random = (purpose: string): Random => stream(`photo|${seed}|${purpose}`);
  const there: Record<Need, boolean> = {
    face: regions.face !== undefined && regions.still !== true,
    person: regions.person !== undefined,
    garment: regions.garment !== undefined,
    others: regions.face !== undefined && regions.still !== true && ask.others > 0,
  };
  const drawn = {} as Record<ChangeName, number>;
  for (const name of CHANGE_NAMES) {
    const { needs } = CHANGES[name];
    const possible = needs === undefined || there[needs];
    drawn[name] = possible ? drawStrength(CHANGES[name], random(`change ${name}`)) : 0;
  }

  const asked = baseColour(parsePrompt(ask.prompt).background);
  const shown = drawn.backgroundColour === 0 ? asked : shiftTo(asked, drawn.backgroundColour, random('background')).rgb;
  const over = random('exposure').chance(0.5);
  const gain = drawn.exposure === 0 ? 1 : Math.pow(2, over ? drawn.exposure : -drawn.exposure);
  const neutral = regions.person ? Math.min(1, luminance(map(shown, toLinear)) * gain) : NEUTRAL;
  const side = random('crop').pick<Side>(['top', 'left', 'right', 'bottom']);
  const tiltLeft = random('tilt').chance(0.5);
  const cast = castOf(drawn.tint, neutral, random('tint'));
  const eyes = random('eyes').pick(['skin', 'dark']);
  const mouth = random('mouth').pick(['skin', 'dark']);
  const look = random('framing');
  const framing = {
    faceWidth: look.between(0.29, 0.35),
    x: look.between(0.48, 0.52),
    y: look.between(0.435, 0.465),
    roll: drawn.tilt * (tiltLeft ? -1 : 1),
  };
  const drift = regions.still
    ? { x: 0, y: 0, zoom: 1 }
    : { x: look.between(-0.01, 0.01), y: look.between(-0.01, 0.01), zoom: look.between(1.02, 1.05) };
  return {
    strengths: {
      ...drawn,
      tint: drawn.tint === 0 ? 0 : castDifference(cast, neutral),
      backgroundColour: drawn.backgroundColour === 0 ? 0 : differenceInLight(asked, shown, gain),
    },
    details: {
      ...(drawn.exposure > 0 && { exposure: over ? 'over' : 'under' }),
      ...(drawn.crop > 0 && { crop: side }),
      ...(drawn.eyesCovered > 0 && { eyesCovered: eyes }),
      ...(drawn.mouthCovered > 0 && { mouthCovered: mouth }),
    },
    background: regions.person ? { asked, shown } : null,
    other: drawn.otherPerson > 0 ? Math.floor(random('other').next() * ask.others) : undefined,
    framing,
    drift,
    crop: drawn.crop > 0 ? { side, share: drawn.crop / 100 } : undefined,
    camera: { gain, cast, blurSigma: drawn.blur, noiseSigma: NOISE, jpegQuality: undefined },
    random,
  };
}

/** Labels of what was drawn. */
export function labelsOf({ details, background }: Plan, strengths: Readonly<Record<ChangeName, number>>): Labels {
  const defects = {} as Record<ChangeName, Label>;
  for (const name of CHANGE_NAMES) {
    const { threshold, unit } = CHANGES[name];
    const strength = strengths[name];
    const detail = details[name];
    // Solvers stop a hair before their goal: a strength drawn at or above the threshold stays so.
    const present = strength >= threshold * (1 - 1e-3);
    defects[name] = { present, strength, unit, threshold, ...(detail !== undefined && strength > 0 && { detail }) };
  }
  return { defects, hasDefect: CHANGE_NAMES.some((name) => defects[name].present), background };
}
