/** Where the garment is, in a candidate and in its references. */
import type { Frame } from '../frame.js';
import { regionOf, subjectRegion, type Region } from '../image/region.js';
import { Unassessable, type Ask } from '../scorer.js';

/** A region below this share of the picture is too small to say anything about. */
const LEAST = 0.004;
/** Masks are grey where they are soft: inside from here on. */
const INSIDE = 128;

/**
 * The garment in the candidate: `masks.garment` of the template.
 *
 * @throws Unassessable no-subject without a mask, too-small
 */
export function garmentOf(frame: Frame, { masks }: Ask): Region {
  const mask = masks?.['garment'];
  if (mask === undefined)
    throw new Unassessable('no-subject', { hint: 'declare `masks: { garment: <SaveImage node> }` in the template' });
  return large(maskRegion(frame, mask));
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
