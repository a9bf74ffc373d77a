import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PAINTER_VERSION } from '../painter/index.js';
import type { Paint, PrerenderedOptions } from './options.js';
import { prepareTemplate, withFirstRow, type EncodedPixels, type Template } from './png.js';

/** Side of a ready picture in pixels. */
export const POOL_SIZE = 256;

const PROMPT = 'a red mug on a white background';

interface Ready {
  readonly template: Template;
  readonly labels: unknown;
}

/** A picture of the pool as one seed sees it. */
export interface PoolPicture {
  readonly picture: {
    readonly width: number;
    readonly height: number;
    readonly encoded: EncodedPixels;
    /** Copied when first asked for: saving needs only the encoded form. */
    readonly data: Buffer;
  };
  readonly labels: unknown;
}

/** Other processes may fill the same folder at the same time. */
async function writeWhole(path: string, content: Buffer | string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, content);
  await rename(draft, path);
}

async function load(paint: Paint, index: number, folder: string | undefined): Promise<Ready> {
  const size = { width: POOL_SIZE, height: POOL_SIZE };
  const file = folder === undefined ? undefined : join(folder, `picture-${PAINTER_VERSION}-${index}`);
  if (file !== undefined) {
    const kept = await Promise.all([readFile(`${file}.rgb`), readFile(`${file}.json`, 'utf8')]).catch(() => undefined);
    if (kept?.[0].length === POOL_SIZE * POOL_SIZE * 3) {
      return { template: await prepareTemplate({ ...size, data: kept[0] }), labels: JSON.parse(kept[1]) as unknown };
    }
  }
  const { data, labels } = await paint({ prompt: PROMPT, seed: index, ...size });
  if (folder !== undefined && file !== undefined) {
    await mkdir(folder, { recursive: true });
    await writeWhole(`${file}.rgb`, data);
    await writeWhole(`${file}.json`, JSON.stringify(labels));
  }
  return { template: await prepareTemplate({ ...size, data }), labels };
}

/** Pictures painted once, of which each seed gets one with its own first row: all differ in pixels, none is encoded anew. */
export class PicturePool {
  private constructor(private readonly ready: readonly Ready[]) {}

  static async open(paint: Paint, { pictures = 64, folder }: PrerenderedOptions): Promise<PicturePool> {
    const ready: Ready[] = [];
    for (let i = 0; i < pictures; i++) ready.push(await load(paint, i, folder));
    return new PicturePool(ready);
  }

  /** The picture of this seed. The seed's 64 bits go into the lowest bits of 64 samples: invisible, and unlike for any two seeds. */
  take(seed: number): PoolPicture {
    const ready = this.ready[seed % this.ready.length];
    if (ready === undefined) throw new Error('The pool of ready pictures is empty.');
    const { template, labels } = ready;
    const { width, height, data: original } = template.raster;
    const row = Buffer.from(original.subarray(0, width * 3));
    const bits = BigInt(seed);
    for (let i = 0; i < 64; i++) row[i] = ((row[i] ?? 0) & 0xfe) | Number((bits >> BigInt(i)) & 1n);
    const picture = {
      width,
      height,
      encoded: withFirstRow(template, row),
      get data(): Buffer {
        return Buffer.concat([row, original.subarray(row.length)]);
      },
    };
    return { picture, labels };
  }
}
