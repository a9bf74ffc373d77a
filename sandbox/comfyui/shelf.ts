import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { fitted, type Photo, type Regions } from '../photos/index.js';
import { isDict } from './graph.js';
import type { Picture } from './nodes/values.js';

/** A sidecar: what somebody wrote about a photo that lies beside it. */
interface Sidecar extends Regions {
  /** File name of the photo. */
  readonly photo: string;
  /** File names of photos of other people. */
  readonly others?: readonly string[];
}

/** sRGB bytes of any image file, upright and without alpha. */
export async function pixelsOf(file: string | Buffer): Promise<Picture> {
  const { data, info } = await sharp(file)
    .rotate()
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

/**
 * The folder with photos that image-to-image jobs may come with, and a `.json` beside each that says where things lie in it. A photo is known
 * by the hash of its file, whatever it is called when it is uploaded. Files may be added while the server runs.
 */
export class PhotoShelf {
  private readonly byHash = new Map<string, Sidecar>();
  private readonly loaded = new Map<string, Promise<Photo>>();

  constructor(private readonly folder: string | undefined) {}

  /** What is known about a file; of a photo that lies not in the folder, nothing. */
  async find(sha256: string | undefined): Promise<{ width: number; regions: Regions; others: Photo[] } | undefined> {
    if (sha256 === undefined || this.folder === undefined) return undefined;
    const sidecar = this.byHash.get(sha256) ?? (await this.look(this.folder, sha256));
    if (!sidecar) return undefined;
    const own = await this.open(this.folder, sidecar);
    const others = await Promise.all((sidecar.others ?? []).map((name) => this.byName(this.folder ?? '', name)));
    return { width: own.picture.width, regions: sidecar, others };
  }

  private async look(folder: string, sha256: string): Promise<Sidecar | undefined> {
    for (const name of (await readdir(folder).catch(() => [])).filter((one) => one.endsWith('.json')).sort()) {
      const sidecar = await read(join(folder, name));
      const bytes = sidecar && (await readFile(join(folder, basename(sidecar.photo))).catch(() => undefined));
      if (sidecar && bytes) this.byHash.set(createHash('sha256').update(bytes).digest('hex'), sidecar);
    }
    return this.byHash.get(sha256);
  }

  private open(folder: string, sidecar: Sidecar): Promise<Photo> {
    const known = this.loaded.get(sidecar.photo);
    if (known) return known;
    const opening = pixelsOf(join(folder, basename(sidecar.photo))).then((picture) => ({ picture, regions: sidecar }));
    this.loaded.set(sidecar.photo, opening);
    return opening;
  }

  private async byName(folder: string, name: string): Promise<Photo> {
    const sidecar = await read(join(folder, `${basename(name).replace(/\.\w+$/, '')}.json`));
    if (!sidecar) throw new Error(`the folder of photos has no ${name} with its .json beside it`);
    return this.open(folder, sidecar);
  }
}

/** The regions of a photo in the size in which it came. */
export const knownPhoto = (picture: Picture, known: { width: number; regions: Regions } | undefined): Photo =>
  fitted({ picture, regions: known?.regions ?? {} }, known?.width ?? picture.width);

async function read(path: string): Promise<Sidecar | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const value: unknown = JSON.parse(text);
  return isDict(value) && typeof value.photo === 'string' ? (value as unknown as Sidecar) : undefined;
}
