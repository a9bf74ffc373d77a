/** vitest global setup: `dist/` is what the source is now, with the workflows in one file, as a package has it. Types are checked elsewhere (`npm run types`). */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import ts from 'typescript';
import { ROOT } from './compiled.js';

const DIST = join(ROOT, 'dist');
const CONFIG = join(ROOT, 'tsconfig.build.json');

export async function setup(): Promise<void> {
  const { config } = ts.readConfigFile(CONFIG, (path) => ts.sys.readFile(path)) as { config: unknown };
  const { fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT, undefined, CONFIG);
  const { outputFiles } = await build({
    ...{ entryPoints: fileNames, outbase: ROOT, outdir: DIST, write: false },
    ...{ format: 'esm', platform: 'node', target: 'node20' },
  });
  const changed = await Promise.all(outputFiles.map(({ path, contents }) => write(path, contents)));
  if (changed.includes(true) || !existsSync(join(DIST, 'workflow-bundle.js')))
    await promisify(execFile)(process.execPath, [join(DIST, 'bundle-workflows.js')]);
}

/** What is the same stays: another run may be using it. @returns whether it is new */
async function write(path: string, contents: Uint8Array): Promise<boolean> {
  const known = await readFile(path).catch(() => undefined);
  if (known?.equals(contents)) return false;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, contents);
  return true;
}
