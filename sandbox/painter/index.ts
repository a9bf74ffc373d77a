import sharp from 'sharp';
import { shoot } from './camera.js';
import { compose } from './compose.js';
import { plan } from './plan.js';
import type { Labels } from './plan.js';

export { DEFECT_NAMES, DEFECTS, NEAR } from './defects.js';
export type { DefectName, DefectSpec } from './defects.js';
export { DEFAULT_SCENE, parsePrompt } from './grammar.js';
export type { Scene } from './grammar.js';
export { ATTRIBUTES, neighbours, VALUES } from './mismatch.js';
export type { Attribute, Mismatch } from './mismatch.js';
export { PAINTER_VERSION, plan } from './plan.js';
export type { Label, Labels, Plan } from './plan.js';
export { BACKGROUNDS, COLOURS, OBJECTS } from './words.js';
export type { BackgroundName, ColourName, ObjectName } from './words.js';

export interface PaintAsk {
  readonly prompt: string;
  /** An integer of 0 or more. */
  readonly seed: number | bigint;
  /** Pixels, 16..4096 each. */
  readonly width: number;
  readonly height: number;
}

export interface Painting {
  /** RGB, 3 bytes a pixel, rows from the top. */
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly labels: Labels;
}

const [SMALLEST, LARGEST] = [16, 4096];

/**
 * Paints a product shot: a pure function of what the prompt means, the seed, the size and PAINTER_VERSION. The same in gives
 * the same pixels in every process.
 *
 * @throws RangeError for a size outside 16..4096 or a seed that is no integer of 0 or more
 * @example
 * const { data, labels } = await paint({ prompt: 'two blue bottles on white', seed: 7, width: 512, height: 512 });
 * await sharp(data, { raw: { width: 512, height: 512, channels: 3 } }).png().toFile('bottles.png');
 */
export async function paint(ask: PaintAsk): Promise<Painting> {
  const { width, height } = ask;
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < SMALLEST || side > LARGEST) {
      throw new RangeError(`cannot paint ${width} x ${height}: each side must be ${SMALLEST}..${LARGEST} whole pixels`);
    }
  }
  const decided = plan(ask.prompt, ask.seed);
  const data = await sharp(Buffer.from(compose(decided, { width, height })))
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  return { ...(await shoot({ data, width, height }, decided)), labels: decided.labels };
}
