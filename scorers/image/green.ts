import type { Frame } from '../frame.js';

/** One native tile's green channel, rows packed. */
export interface GreenTile {
  width: number;
  height: number;
  data: Uint8Array;
}

/**
 * The green channel of the native tiles: most of the luminance, at the resolution of the file and without a sum. Packed once, as three
 * passes read it, two of them along columns.
 */
export function greenTiles({ rgb, width, tiles }: Frame): GreenTile[] {
  return tiles.map((tile) => {
    const data = new Uint8Array(tile.width * tile.height);
    let i = 0;
    for (let y = tile.y; y < tile.y + tile.height; y++)
      for (let p = 3 * (y * width + tile.x) + 1, end = p + 3 * tile.width; p < end; p += 3)
        data[i++] = rgb[p] as number;
    return { width: tile.width, height: tile.height, data };
  });
}

/** The same tile with rows and columns exchanged. */
export function transposed({ width, height, data }: GreenTile): GreenTile {
  const out = new Uint8Array(data.length);
  for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i++) out[x * height + y] = data[i] as number;
  return { width: height, height: width, data: out };
}
