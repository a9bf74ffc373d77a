import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { facesOf, type Face } from '../../../scorers/faces/faces.js';
import { decodeFrame, type Frame } from '../../../scorers/frame.js';
import type { Models } from '../../../scorers/models/models.js';
import { openModels } from '../../../scorers/models/sessions.js';
import { pulledModels } from '../../support/models.js';
import { toLight, toSrgb } from '../synthetic.js';

/** Faces in each demo photo of @vladmandic/face-api, counted by looking at them. The first of photo 2 is a profile. */
export const COUNTED: Readonly<Record<number, number>> = { 1: 3, 2: 3, 3: 3, 4: 4, 5: 5, 6: 4 };
/** The faces (photo.index, largest first) whose eyes are shut or look down, by looking at them. */
export const LOWERED = ['1.0', '2.0', '2.1', '2.2', '4.3'];
/** The one seen from the side: one eye is hidden. */
export const PROFILE = '2.1';

export const faceModels = async (): Promise<Models> => openModels({ folder: await pulledModels() });

export const photo = (n: number): Promise<Buffer> =>
  readFile(new URL(`../../../node_modules/@vladmandic/face-api/demo/sample${n}.jpg`, import.meta.url));

export async function frameWith(models: Models, bytes: Uint8Array): Promise<Frame> {
  const decoded = await decodeFrame(bytes, { models });
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.frame;
}

/** One face cut out of a photo, about 2.6 faces wide. */
export interface Portrait {
  /** photo.index, as in LOWERED. */
  id: string;
  photo: number;
  png: Buffer;
  frame: Frame;
  /** In the whole photo. */
  found: Face;
}

/** All faces of some photos, each as a picture of its own. */
export async function portraits(models: Models, photos: readonly number[] = [1, 2, 3, 4, 5, 6]): Promise<Portrait[]> {
  const all: Portrait[] = [];
  for (const n of photos) {
    const bytes = await photo(n);
    const whole = await frameWith(models, bytes);
    for (const [i, found] of (await whole.derive(facesOf)).entries()) {
      const { box } = found;
      const left = Math.max(0, Math.round(box.left - 0.8 * box.width));
      const top = Math.max(0, Math.round(box.top - 0.8 * box.width));
      const width = Math.min(whole.width - left, Math.round(2.6 * box.width));
      const height = Math.min(whole.height - top, Math.round(2.8 * box.width));
      const png = await sharp(bytes).extract({ left, top, width, height }).png({ compressionLevel: 1 }).toBuffer();
      all.push({ id: `${n}.${i}`, photo: n, png, frame: await frameWith(models, png), found });
    }
  }
  return all;
}

/** The same picture with so many stops more light, exactly, in linear light. */
export async function exposed(png: Buffer, stops: number): Promise<Buffer> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const table = Uint8Array.from({ length: 256 }, (_, v) =>
    Math.round(Math.min(255, toSrgb(Math.min(1, toLight(v) * 2 ** stops)))),
  );
  const rgb = data.map((v) => table[v]!);
  return sharp(rgb, { raw: { width: info.width, height: info.height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

/** Share of pairs in which a genuine value is above an impostor's (ties count half). */
export function areaUnderCurve(genuine: readonly number[], impostors: readonly number[]): number {
  let wins = 0;
  for (const g of genuine) for (const i of impostors) wins += g > i ? 1 : g === i ? 0.5 : 0;
  return wins / (genuine.length * impostors.length);
}
