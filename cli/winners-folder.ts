/** The winners' files in `out/<request>/`, kept equal to a set of winners. */
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Storage } from '../storage/storage.js';
import { candidateName } from '../storage/keys.js';

export interface WinnerFile {
  /** 1 is best. */
  rank: number;
  candidate: number;
  /** Of the image in storage. */
  key: string;
}

/** `01-candidate-0007.png`, and what came with it or was left half-written. */
const WINNERS_FILE = /^\d{2,}-(candidate-\d{4,})\./;

/** `01-candidate-0007.png` */
export const winnerName = ({ rank, candidate, key }: WinnerFile): string =>
  `${String(rank).padStart(2, '0')}-candidate-${candidateName(candidate)}${extname(key)}`;

/** Copies an object to a file, which appears whole or not at all. Nothing happens where there is no such object. */
export async function copyOut(storage: Storage, key: string, path: string): Promise<void> {
  const object = await storage.getStream(key);
  if (!object) return;
  const draft = `${path}.part`;
  await pipeline(object.body, createWriteStream(draft));
  await rename(draft, path);
}

/**
 * Writes, renames and removes winners' files until the folder holds those of `winners` and no others. Other files stay.
 *
 * @param beside names of files that stay though they look like a winner's: what came with one
 */
export async function syncWinners(
  storage: Storage,
  folder: string,
  winners: readonly WinnerFile[],
  { beside = [] }: { beside?: readonly string[] } = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const there = new Set((await readdir(folder)).filter((name) => WINNERS_FILE.test(name)));
  for (const winner of winners) {
    const name = winnerName(winner);
    if (there.delete(name)) continue;
    const stem = name.replace(/^\d+-/, '');
    const former = [...there].find((other) => other.replace(/^\d+-/, '') === stem);
    if (former === undefined) await copyOut(storage, winner.key, join(folder, name));
    else {
      await rename(join(folder, former), join(folder, name));
      there.delete(former);
    }
  }
  for (const name of there) if (!beside.includes(name)) await rm(join(folder, name), { force: true });
}
