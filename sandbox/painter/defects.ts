import type { Random } from './random.js';

export type DefectName =
  | 'blur'
  | 'noise'
  | 'exposure'
  | 'jpeg'
  | 'tint'
  | 'dirtyBackground'
  | 'croppedSubject'
  | 'backgroundText'
  | 'missingSubject';

/** How often a defect is drawn, how strong, and from which size on it counts as one. */
export interface DefectSpec {
  /** Chance that a seed draws a strength above 0, independent of the other defects. */
  readonly probability: number;
  /** The defect is present where strength >= threshold. */
  readonly threshold: number;
  /** What one unit of strength is in the final picture. */
  readonly unit: string;
  /** Smallest and largest strength drawn. */
  readonly range: readonly [number, number];
}

/**
 * The one table of defects. Thresholds are sizes that a viewer sees, fixed before any scorer was tuned; changing one changes
 * the truth that policies are measured against, so it raises PAINTER_VERSION.
 */
export const DEFECTS: Readonly<Record<DefectName, DefectSpec>> = {
  // Gaussian, in linear light. Stated for 512 px on the long side, and grows with the long side: the same look at every size.
  blur: { probability: 0.12, threshold: 1.5, unit: 'px sigma at 512 px long side', range: [0.3, 6] },
  // Gaussian, independent per pixel and channel, in sRGB levels of the final picture, whatever its size.
  noise: { probability: 0.12, threshold: 8, unit: 'grey levels sigma', range: [1.6, 32] },
  // Magnitude in linear light; the label's direction says over or under, half of the cases each.
  exposure: { probability: 0.12, threshold: 1, unit: 'stops', range: [0.2, 2.5] },
  // Step of the luma quantiser as a multiple of the JPEG standard's Annex K table: 50/quality below quality 50, so the
  // threshold is quality 30. 4:2:0 chroma. In effect the strength snaps to whole qualities.
  jpeg: { probability: 0.12, threshold: 50 / 30, unit: 'quantiser steps of Annex K', range: [0.4, 5] },
  // Colour of a neutral of the background's lightness against the same without the cast.
  tint: { probability: 0.12, threshold: 6, unit: 'CIEDE2000', range: [1.2, 22] },
  // Mean difference of the dirtied area (at least 3 % of the frame) from the clean background, after exposure.
  dirtyBackground: { probability: 0.12, threshold: 4, unit: 'CIEDE2000', range: [0.8, 20] },
  croppedSubject: { probability: 0.12, threshold: 5, unit: '% of the subject outside the frame', range: [0.5, 45] },
  // Height of the capital letters.
  backgroundText: { probability: 0.12, threshold: 3, unit: '% of image height', range: [0.8, 9] },
  missingSubject: { probability: 0.04, threshold: 1, unit: 'yes (1) or no (0)', range: [1, 1] },
};

export const DEFECT_NAMES = Object.keys(DEFECTS) as readonly DefectName[];

/** "Near" the threshold: within this factor of it, either side. There a policy is hardest to get right. */
export const NEAR = 1.5;

/** Where a drawn strength falls: near the threshold, well below (no defect), or well above (the rest). */
export const MIX = { near: 0.28, below: 0.12 } as const;

/** Log-uniform, so that half and double are as likely as each other. */
function logBetween(random: Random, low: number, high: number): number {
  return low * Math.pow(high / low, random.next());
}

/** The strength of one defect: 0, or a value in its range. */
export function drawStrength(spec: DefectSpec, random: Random): number {
  if (!random.chance(spec.probability)) return 0;
  const [low, high] = spec.range;
  if (low === high) return low;
  const where = random.next();
  if (where < MIX.near) return logBetween(random, spec.threshold / NEAR, spec.threshold * NEAR);
  if (where < MIX.near + MIX.below) return logBetween(random, low, spec.threshold / NEAR);
  return logBetween(random, spec.threshold * NEAR, high);
}
