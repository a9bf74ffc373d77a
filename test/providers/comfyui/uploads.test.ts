import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createComfyProvider, type ComfyProvider } from '../../../providers/comfyui/index.js';
import type { GenerationJob, InputFile } from '../../../providers/provider.js';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { address, jobFor, watch } from './support.js';

let folder: string;
let comfy: TestSandbox;
let p: ComfyProvider;
let red: Buffer;
let mask: Buffer;
beforeAll(async () => {
  const plain = (background: string) =>
    sharp({ create: { width: 40, height: 30, channels: 3, background } })
      .png()
      .toBuffer();
  [red, mask] = await Promise.all([plain('red'), plain('white')]);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-inputs-'));
  comfy = await startSandbox({ inputDir: folder });
  p = createComfyProvider({ host: address(comfy.url), timeouts: { giveUpMs: 5_000, refusedMs: 500 } });
});
afterEach(async () => {
  await p.close();
  await comfy.close();
  await rm(folder, { recursive: true, force: true });
});

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** An input that counts how often it is read, in pieces. */
function input(name: string, bytes: Buffer): InputFile & { opened: number } {
  const file = {
    name,
    sha256: hashOf(bytes),
    opened: 0,
    open: () => {
      file.opened++;
      const pieces = Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, i) =>
        bytes.subarray(i * 65_536, (i + 1) * 65_536),
      );
      return Promise.resolve({
        size: bytes.length,
        body: (async function* () {
          yield* pieces;
          await Promise.resolve();
        })(),
      });
    },
  };
  return file;
}

/** Draws on the picture instead of a grey one; the names of `more` are inputs of nodes that no output needs. */
async function jobWith(
  file: InputFile,
  more: InputFile[] = [],
  over: Partial<GenerationJob> = {},
): Promise<GenerationJob> {
  const job = await jobFor('noise');
  const load = (name: string) => ({ class_type: 'LoadImage', inputs: { image: name } });
  const others = more.map((one, i) => [`9${i}`, load(one.name)] as const);
  const graph = { ...job.graph, '1': load(file.name), ...Object.fromEntries(others) };
  return { ...job, graph, files: [file, ...more], ...over };
}

describe('input files', () => {
  it('and masks are stored under tenant and content, with their extension, once for each tenant', async () => {
    const photo = input('photo.PNG', red);
    const masked = input('the mask.png', mask);
    for (let i = 0; i < 3; i++) {
      expect(await watch(p, await jobWith(photo, [masked])).result).toMatchObject({ width: 40, height: 30 });
    }
    expect([photo.opened, masked.opened]).toEqual([1, 1]);
    expect((await readdir(join(folder, 'cull/acme'))).toSorted()).toEqual(
      [`${hashOf(red)}.png`, `${hashOf(mask)}.png`].toSorted(),
    );
    await watch(p, await jobWith(photo, [], { tenant: 'other' })).result;
    expect(photo.opened).toBe(2);
    expect(await readdir(join(folder, 'cull/other'))).toEqual([`${hashOf(red)}.png`]);
  });

  it('are sent once for all candidates that start together', async () => {
    const photo = input('photo.png', red);
    const jobs = await Promise.all(Array.from({ length: 6 }, () => jobWith(photo)));
    await Promise.all(jobs.map((job) => watch(p, job).result));
    expect(photo.opened).toBe(1);
  });

  it('are sent again where the host lost its input folder', async () => {
    const photo = input('photo.png', red);
    await watch(p, await jobWith(photo)).result;
    await rm(join(folder, 'cull'), { recursive: true });
    expect(await watch(p, await jobWith(photo)).result).toMatchObject({ width: 40 });
    expect(photo.opened).toBe(2);
  });

  it('of 100 MB arrive whole, piece by piece', async () => {
    const size = 100 * 1024 * 1024 - 4_096; // the form around it counts for the server's limit
    const big = Buffer.alloc(size, 7);
    red.copy(big); // a picture with a long tail is a picture all the same
    const photo = input('big.png', big);
    expect(await watch(p, await jobWith(photo)).result).toMatchObject({ width: 40 });
    const stored = await readFile(join(folder, 'cull/acme', `${photo.sha256}.png`));
    expect(hashOf(stored)).toBe(photo.sha256);
  });

  it('that cannot be read are an error of the storage, not of ComfyUI', async () => {
    const gone = { ...input('photo.png', red), open: () => Promise.reject(new Error('input is gone')) };
    await expect(watch(p, await jobWith(gone)).result).rejects.toThrow('input is gone');
    expect(await comfy.log()).toEqual([]);
  });
});
