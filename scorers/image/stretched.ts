import sharp from 'sharp';
import type { Frame } from '../frame.js';

/**
 * The whole picture as a square of `side` pixels, its proportions not kept: what networks that judge a whole picture are trained on. Interleaved RGB
 * 0..255, antialiased, made of the working picture.
 */
export async function stretched({ working: { width, height, rgb } }: Frame, side: number): Promise<Uint8Array> {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize({ width: side, height: side, fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer();
}
