import sharp from 'sharp';
import { ATTRIBUTES, neighbours } from '../painter/index.js';
import type { Attribute, Scene } from '../painter/index.js';
import { stream } from '../painter/random.js';
import { caption } from './captions.js';
import { paintScene } from './scenes.js';
import { cosine } from './towers.js';
import type { Towers } from './towers.js';

/** One attribute of one picture: does the true caption beat those that are wrong in this attribute alone? */
export interface Trial {
  readonly seed: number;
  readonly attribute: Attribute;
  /** It beats one wrong caption, drawn at random. */
  readonly beatsOne: boolean;
  /** It beats every wrong caption. */
  readonly beatsAll: boolean;
  readonly shown: string | number;
  /** What the best of the wrong captions says. */
  readonly rival: string | number;
  /** Of the picture: sigma in px at 512 px long side, and whether any defect counts. */
  readonly blur: number;
  readonly hasDefect: boolean;
}

/**
 * Paints a seed, serves it as PNG as ComfyUI would, and compares captions of it. Without its subject a picture is asked for its
 * background only: no caption of an object is true of it.
 */
export async function tryScene(towers: Towers, seed: number, side: number): Promise<Trial[]> {
  const { data, width, height, labels } = await paintScene(seed, { width: side, height: side });
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
  const seen = await towers.image({ data: await sharp(png).raw().toBuffer(), width, height });
  const score = async (scene: Scene): Promise<number> =>
    cosine(seen, await towers.text(caption(scene, stream(`clip trial|${seed}`))));
  const right = await score(labels.scene);
  const trials: Trial[] = [];
  for (const attribute of labels.defects.missingSubject.present ? (['background'] as const) : ATTRIBUTES) {
    const others = neighbours(labels.scene, attribute);
    const scores = await Promise.all(others.map(score));
    const one = Math.floor(stream(`clip rival|${seed}|${attribute}`).next() * others.length);
    const best = scores.indexOf(Math.max(...scores));
    trials.push({
      seed,
      attribute,
      beatsOne: right > (scores[one] ?? Infinity),
      beatsAll: right > (scores[best] ?? Infinity),
      shown: labels.scene[attribute],
      rival: others[best]?.[attribute] ?? '',
      blur: labels.defects.blur.strength,
      hasDefect: labels.hasDefect,
    });
  }
  return trials;
}

/** Share of the trials that `won`, and how many there are. */
export function share(trials: readonly Trial[], won: (trial: Trial) => boolean): number {
  return trials.filter(won).length / trials.length;
}
