import type { DefectSpec } from '../painter/defects.js';

export type ChangeName =
  | 'exposure'
  | 'tint'
  | 'blur'
  | 'faceBlur'
  | 'tilt'
  | 'crop'
  | 'eyesCovered'
  | 'mouthCovered'
  | 'otherPerson'
  | 'busyBackground'
  | 'backgroundColour'
  | 'backgroundText'
  | 'backgroundLogo'
  | 'garmentColour'
  | 'garmentCovered';

/** What has to be known about a photo for a change to be made. */
export type Need = 'face' | 'person' | 'garment' | 'others';

export interface ChangeSpec extends DefectSpec {
  readonly needs?: Need;
}

/**
 * The one table of changes. Thresholds are sizes that a viewer sees, fixed before any scorer was tuned; changing one changes the truth
 * that policies are measured against, so it raises PHOTOS_VERSION.
 */
export const CHANGES: Readonly<Record<ChangeName, ChangeSpec>> = {
  // Magnitude in linear light against the photo; over or under, half of the cases each.
  exposure: { probability: 0.1, threshold: 1, unit: 'stops', range: [0.2, 2.5] },
  // Colour of a neutral of the background's lightness against the same without the cast.
  tint: { probability: 0.1, threshold: 6, unit: 'CIEDE2000', range: [1.2, 22] },
  // Gaussian of the whole picture, in linear light.
  blur: { probability: 0.08, threshold: 1.5, unit: 'px sigma at 512 px long side', range: [0.3, 6] },
  // Gaussian of the face alone, its surroundings sharp.
  faceBlur: { probability: 0.08, threshold: 1.5, unit: 'px sigma at 512 px long side', range: [0.3, 6], needs: 'face' },
  // Of the line through the eyes; without change it is level.
  tilt: { probability: 0.08, threshold: 10, unit: 'degrees', range: [2, 35], needs: 'face' },
  crop: { probability: 0.08, threshold: 5, unit: '% of the face outside the frame', range: [0.5, 45], needs: 'face' },
  // A bar in the colour of skin (a closed eye has it) or a dark one. From 40 % on a whole eye is gone.
  eyesCovered: { probability: 0.1, threshold: 40, unit: "% of the eyes' width", range: [12, 100], needs: 'face' },
  mouthCovered: { probability: 0.06, threshold: 40, unit: "% of the mouth's width", range: [12, 100], needs: 'face' },
  otherPerson: { probability: 0.08, threshold: 1, unit: 'yes (1) or no (0)', range: [1, 1], needs: 'others' },
  // Of the pattern, which covers about half of the background, against its plain colour.
  busyBackground: { probability: 0.08, threshold: 6, unit: 'CIEDE2000', range: [1.2, 35], needs: 'person' },
  // Of the plain colour against the one that the prompt asks for.
  backgroundColour: { probability: 0.08, threshold: 10, unit: 'CIEDE2000', range: [2, 45], needs: 'person' },
  // Height of the capital letters.
  backgroundText: { probability: 0.1, threshold: 3, unit: '% of image height', range: [0.8, 9], needs: 'person' },
  backgroundLogo: { probability: 0.06, threshold: 6, unit: '% of image width', range: [2, 20], needs: 'person' },
  // Of the garment's mean colour.
  garmentColour: { probability: 0.14, threshold: 6, unit: 'CIEDE2000', range: [1.2, 35], needs: 'garment' },
  garmentCovered: {
    probability: 0.12,
    threshold: 8,
    unit: '% of the garment hidden',
    range: [1.5, 45],
    needs: 'garment',
  },
};

export const CHANGE_NAMES = Object.keys(CHANGES) as readonly ChangeName[];
