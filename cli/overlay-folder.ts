/** The folder that `score --overlay` fills. */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CullError, messageOf } from '../errors.js';
import type { Scores, Verdict } from '../selection/types.js';
import { overlay } from './views/overlay.js';

export interface OverlayFolder {
  /** Writes `<name of the file>.overlay.png`; the second file of that name gets `-2`. */
  draw(file: string, of: { bytes: Uint8Array; scores: Scores; verdict: Verdict }): Promise<void>;
}

/** @throws CullError USAGE when the folder cannot be made */
export async function createOverlayFolder(folder: string): Promise<OverlayFolder> {
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw new CullError('USAGE', `the folder ${folder} cannot be made: ${messageOf(error)}`, {
      hint: 'name a folder that can be written for --overlay',
    });
  });
  const taken = new Map<string, number>();
  return {
    async draw(file, of) {
      const name = basename(file);
      const count = (taken.get(name) ?? 0) + 1;
      taken.set(name, count);
      const target = join(folder, `${name}${count === 1 ? '' : `-${count}`}.overlay.png`);
      await writeFile(target, await overlay(of));
    },
  };
}
