/** The model folder: `<folder>/<id>/` with the files of a model and `pulled.json`, which says what they are. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ModelEntry } from './entry.js';
import { CONVERTER_VERSION } from './manifest.js';

/** Written beside the files of a model, last. */
export interface Pulled {
  id: string;
  /** `npm @vladmandic/human@3.3.6`, `hub Xenova/clip-vit-base-patch32@<commit>`. */
  source: string;
  /** What they were made by; another one means: pull again. */
  recipe: string;
  /** By path in the folder. */
  files: Record<string, { bytes: number; sha256: string }>;
}

export const PULLED = 'pulled.json';

/** Names everything that decides on the bytes of a model's files. */
export function recipeOf(entry: ModelEntry): string {
  const made = entry.build === 'copy' ? [] : [CONVERTER_VERSION];
  return createHash('sha256')
    .update(JSON.stringify([entry.source, entry.files, entry.build, ...made]))
    .digest('hex');
}

/** What `pulled.json` of a folder says; undefined where there is none that can be read. */
export async function readPulled(folder: string): Promise<Pulled | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, PULLED), 'utf8')) as Pulled;
  } catch {
    return undefined;
  }
}

/** Files of a pulled model that are gone or have another length. */
export async function damaged(folder: string, { files }: Pulled): Promise<string[]> {
  const wrong: string[] = [];
  for (const [name, { bytes }] of Object.entries(files)) {
    const size = await stat(join(folder, name)).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === undefined) wrong.push(`${name} is not there`);
    else if (size !== bytes) wrong.push(`${name} has ${size} bytes, not ${bytes}`);
  }
  return wrong;
}

/** sha256 of a file, hex. */
export async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
