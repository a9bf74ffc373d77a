/** Where a format shows itself in the first bytes of a file. */
const SIGNS: readonly [format: string, at: number, sign: string][] = [
  ['png', 0, '\x89PNG\r\n\x1a\n'],
  ['jpeg', 0, '\xff\xd8\xff'],
  ['gif', 0, 'GIF87a'],
  ['gif', 0, 'GIF89a'],
  ['tiff', 0, 'II*\0'],
  ['tiff', 0, 'MM\0*'],
  ['tiff', 0, 'II+\0'],
  ['tiff', 0, 'MM\0+'],
  ['webp', 8, 'WEBP'],
  ['avif', 4, 'ftyp'],
];

/**
 * The picture format of a file by its first bytes; undefined for everything that is no grid of pixels. Only these are given to the decoder: a
 * drawing (SVG) is a program that can name files, nest without end and draw for minutes, and nothing that renders pictures makes one.
 *
 * @example
 * pictureFormat(Buffer.from('GIF89a')); // 'gif'
 */
export function pictureFormat(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 12)).toString('latin1');
  return SIGNS.find(([, at, sign]) => head.startsWith(sign, at))?.[0];
}
