import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize, resolve, sep } from 'node:path';

export type FolderType = 'input' | 'output' | 'temp';

/** Where the next file of a prefix goes. */
export interface SavePlace {
  readonly folder: string;
  readonly subfolder: string;
  readonly name: string;
  readonly counter: number;
}

/** Whether a path lies in a folder (or is it). */
export function within(folder: string, path: string): boolean {
  const whole = resolve(path);
  return whole === resolve(folder) || whole.startsWith(resolve(folder) + sep);
}

/** "x.png [output]" names a file of the output folder; without the suffix the type is left to the caller. */
export function annotated(name: string): { name: string; type: FolderType | undefined } {
  const match = /^(.*) \[(input|output|temp)\]$/s.exec(name);
  return match ? { name: match[1] ?? '', type: match[2] as FolderType } : { name, type: undefined };
}

/** Names in a folder, which is made where it is missing. */
async function listing(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    await mkdir(folder, { recursive: true });
    return [];
  }
}

/** The three folders of a server. Folders that nobody named are temporary and go with it. */
export class Folders {
  private constructor(
    private readonly paths: Readonly<Record<FolderType, string>>,
    private readonly scratch: string,
  ) {}

  static async open(given: { outputDir?: string | undefined; inputDir?: string | undefined }): Promise<Folders> {
    const scratch = await mkdtemp(join(tmpdir(), 'sandbox-comfyui-'));
    const paths = {
      output: resolve(given.outputDir ?? join(scratch, 'output')),
      input: resolve(given.inputDir ?? join(scratch, 'input')),
      temp: join(scratch, 'temp'),
    };
    await Promise.all(Object.values(paths).map((path) => mkdir(path, { recursive: true })));
    return new Folders(paths, scratch);
  }

  async close(): Promise<void> {
    await rm(this.scratch, { recursive: true, force: true });
  }

  path(type: string): string | undefined {
    return type === 'input' || type === 'output' || type === 'temp' ? this.paths[type] : undefined;
  }

  /** Full path of a LoadImage value such as "portraits/a.png" or "a.png [output]"; undefined where it leaves the folder. */
  source(value: string): string | undefined {
    const { name, type } = annotated(value);
    const folder = this.paths[type ?? 'input'];
    const path = resolve(folder, name);
    return within(folder, path) ? path : undefined;
  }

  /** Folder and counter (highest number in use + 1) for a prefix; makes the folder. Undefined where the prefix leads outside. */
  async place(type: FolderType, prefix: string): Promise<SavePlace | undefined> {
    const path = normalize(prefix);
    const subfolder = dirname(path) === '.' ? '' : dirname(path);
    const name = basename(path);
    const folder = resolve(this.paths[type], subfolder);
    if (!within(this.paths[type], folder)) return undefined;
    let highest = 0;
    for (const file of await listing(folder)) {
      if (!file.startsWith(`${name}_`)) continue;
      const digits = /^\d+/.exec(file.slice(name.length + 1));
      highest = Math.max(highest, digits ? Number(digits[0]) : 0);
    }
    return { folder, subfolder, name, counter: highest + 1 };
  }

  /** Files at the top of the input folder, sorted: the choices of LoadImage. */
  async inputs(): Promise<string[]> {
    const entries = await readdir(this.paths.input, { withFileTypes: true });
    return entries
      .filter((e) => e.isFile())
      .map((e) => e.name)
      .sort();
  }
}
