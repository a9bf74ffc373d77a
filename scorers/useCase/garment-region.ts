/** Where the garment is, in a candidate and in its references. */
import { mainFace } from '../faces/faces.js';
import { skinMask } from '../faces/skin.js';
import { brief } from '../facts.js';
import type { Frame } from '../frame.js';
import { components } from '../image/components.js';
import { dilated, eroded } from '../image/morphology.js';
import { regionOf, subjectRegion, type Region } from '../image/region.js';
import { unlessUnassessable, Unassessable, type Ask, type ModelRef } from '../scorer.js';

/** A region below this share of the picture is too small to say anything about. */
const LEAST = 0.004;
/** Masks are grey where they are soft: inside from here on. */
const INSIDE = 128;
/** What is thinner than twice this share of the long side is an outline of skin or hair, not cloth. */
const THIN = 0.006;
/** Parts of the garment have at least this share of its largest part: two shoes, not an earring. */
const PART = 0.1;
/** A subject that meets more than this share of the picture's border is no subject before a background. */
const MOST_BORDER = 0.5;
/** A border ring that scatters more than this around a plane of colour is no background, dE76; plain colours lie at 0, a crowded room at 22. */
const MOST_SCATTER = 10;
/** More skin than this in a picture without a face is cloth in a skin's colour. */
const MOST_SKIN = 0.6;
/**
 * Skin of all people in CIELAB: lightness, chroma and hue angle, degrees. Measured skin lies within L* 35..70 and hue 40..75 (Xiao et al., "Characterising
 * the variations in ethnic skin colours", Skin Research and Technology 23, 2017); wider by what light and camera do.
 */
const SKIN = { light: [20, 92], chroma: [9, 45], hue: [32, 78] } as const;

/** The models that find the garment where no mask says where it is. */
export const REGION_MODELS: ModelRef[] = [
  { id: 'faceBox', optional: true },
  { id: 'facemesh', optional: true },
  { id: 'iris', optional: true },
];

export interface GarmentRegion extends Region {
  /** `mask`: the template said where; `subject-without-skin`: what stands out, without skin, head and, down to the chin, hair. */
  way: 'mask' | 'subject-without-skin';
}

/**
 * The garment in the candidate: `masks.garment` of the template, else what is worn (`wornRegion`).
 *
 * @throws Unassessable no-subject, no-face, too-small, model-missing (without a mask)
 *
 * @example
 * const region = await garmentOf(frame, ask);
 */
export async function garmentOf(frame: Frame, { masks }: Ask): Promise<GarmentRegion> {
  const mask = masks?.['garment'];
  if (mask !== undefined) return { ...large(maskRegion(frame, mask)), way: 'mask' };
  return { ...(await frame.derive(wornRegion)), way: 'subject-without-skin' };
}

/**
 * What somebody wears: the subject below the chin of the largest face without the skin of that face's tone. Without a face, the subject
 * without what has the colours of skin. Hair below the chin, a bag or a chair stay in it.
 *
 * @throws Unassessable no-subject where nothing stands before a background, no-face where only a face could tell cloth from skin, too-small, model-missing
 */
async function wornRegion(frame: Frame): Promise<Region> {
  const subject = frame.derive(subjectRegion);
  if (subject.area === 0) throw new Unassessable('no-subject', { hint: HINT });
  const border = borderShare(subject);
  const scatter = frame.opaque === undefined ? frame.subject.background.scatter : 0;
  if (border > MOST_BORDER || scatter > MOST_SCATTER)
    throw new Unassessable('no-subject', { hint: HINT, borderShare: brief(border), backgroundScatter: brief(scatter) });
  const face = await unlessUnassessable(() => frame.derive(mainFace));
  if (face instanceof Unassessable && face.reason !== 'no-face') throw face;
  const skin = face instanceof Unassessable ? skinColoured(frame) : (await frame.derive(skinMask)).mask;
  const top = face instanceof Unassessable ? 0 : Math.ceil(face.points.chin[1] / frame.scale);
  const { width, mask } = subject;
  const cloth = new Uint8Array(mask.length);
  let skinArea = 0;
  for (let i = 0; i < cloth.length; i++)
    if (mask[i] === 1) {
      if (skin[i] === 1) skinArea++;
      else if (i >= top * width) cloth[i] = 1;
    }
  if (face instanceof Unassessable && skinArea > MOST_SKIN * subject.area)
    throw new Unassessable('no-face', { hint: HINT, skinShare: brief(skinArea / subject.area) });
  return large(regionOf(subject, parts(subject, cloth)));
}

const HINT =
  'declare `masks: { garment: <SaveImage node> }` in the template, or take a picture with a plain background';

/** The share of the picture's border that a region meets. The lower one is left out: people are cut off there. */
function borderShare({ width, height, mask }: Region): number {
  let met = 0;
  for (let x = 0; x < width; x++) met += mask[x] as number;
  for (let y = 1; y < height; y++) met += (mask[y * width] as number) + (mask[y * width + width - 1] as number);
  return met / (width + 2 * (height - 1));
}

/** 1 where a pixel of the working picture has a colour that skin may have. */
function skinColoured({ lab: { l, a, b } }: Frame): Uint8Array {
  const within = (v: number, [low, high]: readonly [number, number]): boolean => v >= low && v <= high;
  return Uint8Array.from(l, (light, i) => {
    const [red, yellow] = [a[i] as number, b[i] as number];
    const hue = (Math.atan2(yellow, red) * 180) / Math.PI;
    return within(light, SKIN.light) && within(Math.hypot(red, yellow), SKIN.chroma) && within(hue, SKIN.hue) ? 1 : 0;
  });
}

/** The mask without thin outlines and small parts. */
function parts({ width, height }: Region, mask: Uint8Array): Uint8Array {
  const radius = Math.max(1, Math.round(THIN * Math.max(width, height)));
  const inner = eroded({ width, height, data: mask }, radius);
  const thick = dilated({ width, height, data: inner }, radius);
  const { labels, list } = components(thick, width, height);
  const least = PART * Math.max(0, ...list.map(({ area }) => area));
  return Uint8Array.from(labels, (at) => ((list[at - 1]?.area ?? 0) >= least && at > 0 ? 1 : 0));
}

/**
 * The garment in a reference: `masks.garmentReference` (for the first one), else the opaque part of a cut-out, else what stands out from its
 * background; all of it where nothing does, as on a swatch of cloth.
 *
 * @throws Unassessable too-small
 */
export function referenceGarment(reference: Frame, mask?: Frame): Region {
  if (mask !== undefined) return large(maskRegion(reference, mask));
  const subject = reference.derive(subjectRegion);
  if (subject.area > 0) return subject;
  return regionOf(reference.working, new Uint8Array(subject.mask.length).fill(1));
}

/** A mask picture of any size, laid on a frame: white is inside. */
export function maskRegion({ working: { width, height } }: Frame, mask: Frame): Region {
  const { working } = mask;
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * working.height) / height) * working.width;
    for (let x = 0; x < width; x++) {
      const at = row + Math.floor(((x + 0.5) * working.width) / width);
      data[y * width + x] = (working.rgb[3 * at + 1] as number) >= INSIDE ? 1 : 0;
    }
  }
  return regionOf({ width, height }, data);
}

function large(region: Region): Region {
  if (region.area < LEAST * region.mask.length) throw new Unassessable('too-small', { regionPixels: region.area });
  return region;
}
