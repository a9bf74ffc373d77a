import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { due } from '../faults.js';
import type { FolderType, SavePlace } from '../folders.js';
import { PythonError, type Dict } from '../graph.js';
import type { NodeRun } from './types.js';
import { text } from './values.js';

/** A saved file as outputs name it. */
export interface SavedFile extends Dict {
  readonly filename: string;
  readonly subfolder: string;
  readonly type: FolderType;
}

/** Where files of a prefix go; raises where that is outside the folder. */
export async function placeFor(prefix: string, { type, run }: { type: FolderType; run: NodeRun }): Promise<SavePlace> {
  const place = await run.world.folders.place(type, prefix);
  if (place) return place;
  const message = `**** ERROR: Saving image outside the output folder is not allowed.\n prefix: ${prefix}`;
  throw new PythonError('Exception', message);
}

/** A counter as file names have it. */
export function counted(counter: number): string {
  return String(counter).padStart(5, '0');
}

/** Writes one output file, unless the disk is full. */
export function write(
  bytes: Buffer | string,
  { place, filename, type, run }: { place: SavePlace; filename: string; type: FolderType; run: NodeRun },
): SavedFile {
  const { faults, ledger } = run.world;
  if (type === 'output' && due(faults, 'diskFull')) {
    ledger.struck(run.promptId, 'diskFull');
    throw new PythonError('OSError', '[Errno 28] No space left on device');
  }
  // Synchronous: small files, and a third of the CPU time of the asynchronous way.
  writeFileSync(join(place.folder, filename), bytes);
  if (type === 'output') ledger.saved(run.promptId);
  return { filename, subfolder: place.subfolder, type };
}

/** Saves one file with the counter of its prefix, and names it the way saved pictures are named. */
export async function saveOne(
  inputs: Dict,
  { bytes, extension, run }: { bytes: Buffer; extension: string; run: NodeRun },
): Promise<SavedFile> {
  const place = await placeFor(text(inputs, 'filename_prefix'), { type: 'output', run });
  const filename = `${place.name}_${counted(place.counter)}_.${extension}`;
  return write(bytes, { place, filename, type: 'output', run });
}
