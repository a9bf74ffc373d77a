/** The folder of `tune`: `policy.yaml` and its reports, all of them or none. */
import { mkdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CullError } from '../errors.js';
import { checkOut, unwritable } from './out-folder.js';

const POLICY = 'policy.yaml';
const REPORT = 'report.json';

/**
 * Refuses, before anything is computed, a folder in which a policy of somebody's own would be replaced: results of an earlier `tune` are replaced.
 *
 * @param policyFile the policy that is tuned
 * @throws CullError STORAGE_UNWRITABLE, USAGE
 */
export async function checkTunedOut(out: string, policyFile: string): Promise<void> {
  await checkOut(out);
  const folder = resolve(out);
  if ((await stat(folder).catch(() => undefined))?.isFile())
    throw unwritable(out, new Error('it is a file, not a folder'));
  const there = await realpath(join(folder, POLICY)).catch(() => undefined);
  if (there === undefined) return;
  const own = there === (await realpath(policyFile).catch(() => undefined));
  const ofTune = await stat(join(folder, REPORT)).catch(() => undefined);
  if (!own && ofTune) return;
  throw new CullError(
    'USAGE',
    `${join(out, POLICY)} would be replaced, ${own ? 'the policy that is tuned' : 'and is no result of tune'}`,
    {
      hint: 'choose another folder with --out',
    },
  );
}

/**
 * Writes the files of a result, `policy.yaml` last. Returns the folder's path.
 *
 * @param files name -> text
 * @throws CullError STORAGE_FULL or STORAGE_UNWRITABLE; what was there stays whole
 */
export async function writeTuned(out: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = resolve(out);
  const names = Object.keys(files).sort((a, b) => Number(a === POLICY) - Number(b === POLICY));
  const part = (name: string): string => join(folder, `.${name}.${process.pid}.part`);
  try {
    await mkdir(folder, { recursive: true });
    for (const name of names) await writeFile(part(name), files[name] ?? '');
    for (const name of names) await rename(part(name), join(folder, name));
  } catch (error) {
    await Promise.all(names.map((name) => rm(part(name), { force: true }))).catch(() => undefined);
    throw unwritable(out, error);
  }
  return folder;
}
