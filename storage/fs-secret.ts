import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, isMissing } from './fs-errors.js';
import { RESERVED } from './key.js';

const BYTES = 32;

/**
 * The secret that signs the URLs of a folder: 32 random bytes in `.cull-storage/url-secret`, readable by its owner only, shared
 * by all processes that use the folder. Made on first use, by exactly one of them. Who deletes it makes all URLs void.
 */
export async function urlSecret(root: string): Promise<Buffer> {
  const folder = join(root, RESERVED);
  const path = join(folder, 'url-secret');
  const known = await readSecret(path);
  if (known) return known;
  await mkdir(folder, { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, randomBytes(BYTES), { flag: 'wx', mode: 0o600 });
    await link(draft, path).catch(async (error: unknown) => {
      if (codeOf(error) === 'EEXIST') return;
      // No hard links on this file system: an exclusive create is nearly as good.
      await writeFile(path, await readFile(draft), { flag: 'wx', mode: 0o600 }).catch((second: unknown) => {
        if (codeOf(second) !== 'EEXIST') throw second;
      });
    });
  } finally {
    await unlink(draft).catch(() => undefined);
  }
  const made = await readSecret(path);
  if (made) return made;
  throw new Error(`${path} is not ${BYTES} bytes: delete it`);
}

async function readSecret(path: string): Promise<Buffer | undefined> {
  try {
    const secret = await readFile(path);
    return secret.length === BYTES ? secret : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
