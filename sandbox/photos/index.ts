import { shoot } from '../painter/camera.js';
import { busy, plain, sign, words } from './backdrop.js';
import { drawn, maskOf, outline, over, type Mask, type Picture } from './canvas.js';
import type { ChangeName } from './changes.js';
import { barred, blurredFace, covered, recoloured, rollOf } from './cover.js';
import { labelsOf, plan, type Labels, type Plan } from './plan.js';
import { scaled, type Regions } from './regions.js';
import { place, type Placement } from './warp.js';

export { logo } from './backdrop.js';
export type { Picture } from './canvas.js';
export { CHANGE_NAMES, CHANGES, type ChangeName, type ChangeSpec } from './changes.js';
export { PHOTOS_VERSION, plan, type Labels } from './plan.js';
export type { Box, Face, Point, Regions } from './regions.js';

/** A photo and what is known about it. */
export interface Photo {
  readonly picture: Picture;
  readonly regions: Regions;
}

export interface AlterAsk {
  readonly photo: Photo;
  /** People who may stand in for the one of the photo. @default none */
  readonly others?: readonly Photo[];
  /** Its words for a background are followed where the person's outline is known. */
  readonly prompt: string;
  /** An integer of 0 or more. */
  readonly seed: number;
}

export interface Altered extends Picture {
  readonly labels: Labels;
}

/** Sigma of the soft edge of a cut-out, in pixels. */
const FEATHER = 1.6;

/**
 * A candidate of an image-to-image job: the photo with seeded changes, as large as the photo. A pure function of the photo's pixels and
 * regions, the other people, prompt, seed and PHOTOS_VERSION. The labels say how strong each change is in the final picture.
 *
 * @throws RangeError for a seed that is no integer of 0 or more
 * @example
 * const { data, width, height, labels } = await alter({ photo: { picture, regions: {} }, prompt: 'headshot, grey background', seed: 7 });
 * labels.defects.exposure; // { present: true, strength: 1.4, unit: 'stops', threshold: 1, detail: 'under' }
 */
export async function alter(ask: AlterAsk): Promise<Altered> {
  const { photo, others = [], prompt, seed } = ask;
  const { width, height } = photo.picture;
  const decided = plan({ regions: photo.regions, others: others.length, prompt, seed });
  const subject = (decided.other === undefined ? undefined : others[decided.other]) ?? photo;
  const strengths: Record<ChangeName, number> = { ...decided.strengths };
  const placement = placementOf(decided, { subject, width, height });
  const changed = await changeSubject(subject, { decided, strengths, scale: placement.scale });

  const { regions } = subject;
  const cutout = regions.person && (await maskOf(subject.picture, `<path d="${outline(regions.person)}"/>`, FEATHER));
  const background = await backdrop(decided, { strengths, size: { width, height } });
  const bare = place({ photo: changed, cutout }, { background, placement });
  const signs = writing(decided, { strengths, person: bare.person });
  const picture =
    signs === ''
      ? bare.picture
      : place({ photo: changed, cutout }, { background: await over(background, signs), placement }).picture;
  return { ...(await shoot(picture, decided)), labels: labelsOf(decided, strengths) };
}

/** The changes of face and garment, in the photo. Corrects the strengths that the pixels decide. */
async function changeSubject(
  { picture, regions }: Photo,
  of: { decided: Plan; strengths: Record<ChangeName, number>; scale: number },
): Promise<Picture> {
  const { decided, strengths, scale } = of;
  let changed = picture;
  const { garment, face } = regions;
  if (garment && strengths.garmentColour > 0) {
    const goal = strengths.garmentColour;
    const done = await recoloured(changed, { garment, goal, random: decided.random('garment') });
    changed = done.picture;
    strengths.garmentColour = done.strength;
  }
  if (garment && strengths.garmentCovered > 0) {
    const done = await covered(changed, { garment, goal: strengths.garmentCovered, random: decided.random('cover') });
    changed = done.picture;
    strengths.garmentCovered = done.strength;
  }
  if (!face) return changed;
  changed = await barred(changed, {
    face,
    eyes: { share: strengths.eyesCovered / 100, kind: decided.details.eyesCovered ?? '' },
    mouth: { share: strengths.mouthCovered / 100, kind: decided.details.mouthCovered ?? '' },
    random: decided.random('bars'),
  });
  if (strengths.faceBlur === 0) return changed;
  const sigma = (strengths.faceBlur * Math.max(picture.width, picture.height)) / 512;
  return blurredFace(changed, face, sigma * scale);
}

/** Where the photo is seen in the candidate. */
function placementOf(
  { framing, drift, crop }: Plan,
  { subject, width, height }: { subject: Photo; width: number; height: number },
): Placement {
  const { face, still } = subject.regions;
  const own = subject.picture;
  if (!face || still) {
    const fit = Math.max(own.width / width, own.height / height) / drift.zoom;
    return {
      from: [width / 2, height / 2],
      at: [own.width * (0.5 + drift.x), own.height * (0.5 + drift.y)],
      scale: still ? 1 : fit,
      angle: 0,
    };
  }
  const middle = [face.left + face.width / 2, face.top + face.height / 2] as const;
  const [x, y] = [framing.x * width, framing.y * height];
  const enlarge = (framing.faceWidth * width) / face.width;
  const angle = ((rollOf(face) - framing.roll) * Math.PI) / 180;
  if (!crop) return { from: [x, y], at: middle, scale: 1 / enlarge, angle };
  // The part of the frame that is left, of the same shape, cut through the face.
  const [w, h] = [face.width * enlarge, face.height * enlarge];
  const cut = { top: y - h / 2 + crop.share * h, left: x - w / 2 + crop.share * w };
  const upper = y + h / 2 - crop.share * h;
  const inner = {
    top: height - cut.top,
    bottom: upper,
    left: ((width - cut.left) * height) / width,
    right: ((x + w / 2 - crop.share * w) * height) / width,
  }[crop.side];
  const [innerWidth, innerHeight] = [(inner * width) / height, inner];
  const clamp = (value: number, room: number): number => Math.min(Math.max(0, value), Math.max(0, room));
  const corner = {
    top: [clamp(x - innerWidth / 2, width - innerWidth), cut.top],
    bottom: [clamp(x - innerWidth / 2, width - innerWidth), 0],
    left: [cut.left, clamp(y - innerHeight * 0.45, height - innerHeight)],
    right: [0, clamp(y - innerHeight * 0.45, height - innerHeight)],
  }[crop.side] as [number, number];
  const zoom = height / innerHeight;
  return {
    from: [(x - corner[0]) * zoom, (y - corner[1]) * zoom],
    at: middle,
    scale: 1 / (enlarge * zoom),
    angle,
  };
}

async function backdrop(
  decided: Plan,
  { strengths, size }: { strengths: Record<ChangeName, number>; size: { width: number; height: number } },
): Promise<Picture> {
  const colour = decided.background?.shown;
  if (!colour) return { ...size, data: Buffer.alloc(size.width * size.height * 3) };
  const under = plain(size, colour);
  if (strengths.busyBackground === 0) return drawn(size, under);
  const { gain } = decided.camera;
  const random = decided.random('busy');
  const pattern = busy(size, { colour, strength: strengths.busyBackground, gain, random });
  strengths.busyBackground = pattern.strength;
  return drawn(size, under + pattern.body);
}

function writing(
  decided: Plan,
  { strengths, person }: { strengths: Record<ChangeName, number>; person: Mask },
): string {
  const colour = decided.background?.shown;
  if (!colour) return '';
  let body = '';
  if (strengths.backgroundText > 0) {
    const word = words(person, { colour, strength: strengths.backgroundText, random: decided.random('text') });
    strengths.backgroundText = word.strength;
    body += word.body;
  }
  if (strengths.backgroundLogo > 0) {
    const mark = sign(person, { strength: strengths.backgroundLogo, random: decided.random('logo') });
    strengths.backgroundLogo = mark.strength;
    body += mark.body;
  }
  return body;
}

/** A photo that came enlarged or reduced: its regions fit it again. */
export const fitted = (photo: Photo, knownWidth: number): Photo => ({
  picture: photo.picture,
  regions: scaled(photo.regions, photo.picture.width / knownWidth),
});
