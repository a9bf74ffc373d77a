import sharp from 'sharp';

/**
 * A small JPEG of an image as a data URI: upright, inside a square of `size` pixels, transparency on white, no metadata.
 *
 * @param bytes PNG, JPEG or WebP
 * @param options `size`: longest side in pixels. @default 192
 * @throws Error of sharp if the bytes are no image
 *
 * @example
 * const uri = await makeThumbnail(await readFile('out/winner.png')); // 'data:image/jpeg;base64,…'
 */
export async function makeThumbnail(bytes: Uint8Array, { size = 192 } = {}): Promise<string> {
  const jpeg = await sharp(bytes, { failOn: 'truncated' })
    .autoOrient()
    .resize(size, size, { fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 78, chromaSubsampling: '4:2:0' })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}
