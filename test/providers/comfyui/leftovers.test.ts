import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  createComfyProvider,
  leftovers,
  removeLeftovers,
  type ComfyProvider,
  type Leftover,
} from '../../../providers/comfyui/index.js';
import type { InputFile } from '../../../providers/provider.js';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { address, jobFor, watch } from './support.js';

let folder: string;
let folders: { output: string; input: string };
let comfy: TestSandbox;
let p: ComfyProvider;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-leftovers-'));
  folders = { output: join(folder, 'output'), input: join(folder, 'input') };
  comfy = await startSandbox({ outputDir: folders.output, inputDir: folders.input });
  p = createComfyProvider({ host: address(comfy.url) });
});
afterEach(async () => {
  await p.close();
  await comfy.close();
  await rm(folder, { recursive: true, force: true });
});

async function found(): Promise<Leftover[]> {
  const all: Leftover[] = [];
  for await (const left of leftovers(p.client, folders)) all.push(left);
  return all;
}

const draw = async (request: string, files: InputFile[] = []) => {
  const job = await jobFor('noise', { request });
  await watch(p, { ...job, files }).result;
  return job.candidate;
};

function photo(): InputFile {
  const bytes = Buffer.from(`a photo of ${folder}`);
  const open = () => Promise.resolve({ size: bytes.length, body: Readable.from([bytes]) });
  return { name: 'photo.png', sha256: createHash('sha256').update(bytes).digest('hex'), open };
}

/** A prompt of somebody's who knows nothing of Cull, that saves under its own name. */
async function somebodyElse(): Promise<void> {
  const { graph } = await jobFor('noise');
  const promptId = crypto.randomUUID();
  await p.client.submit({ graph, promptId, clientId: 'theirs' });
  await vi.waitFor(async () => expect((await p.client.job(promptId)).state).toBe('succeeded'), 30_000);
}

const filesBelow = async (path: string): Promise<string[]> =>
  (await readdir(path, { recursive: true, withFileTypes: true }))
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();

describe('leftovers', () => {
  it('finds what Cull drew and sent, and removes what it is told to, with nothing else', async () => {
    await somebodyElse();
    const theirs = await filesBelow(folder);
    const input = photo();
    const first = await draw('r1', [input]);
    const second = await draw('r2');
    const all = await found();
    expect(all.map(({ kind }) => kind).sort()).toEqual(['history', 'history', 'input', 'output', 'output']);
    expect(all).toContainEqual(
      expect.objectContaining({ kind: 'output', tenant: 'acme', request: 'r1', candidate: first }),
    );
    expect(all).toContainEqual(expect.objectContaining({ kind: 'input', tenant: 'acme', sha256: input.sha256 }));

    const removed = await removeLeftovers(
      p.client,
      all.filter((left) => left.kind === 'input' || left.request === 'r1'),
    );
    expect(removed).toMatchObject({ queue: 0, history: 1, output: 1, input: 1 });
    expect(removed.bytes).toBeGreaterThan(100);
    const rest = await found();
    expect(rest.map((left) => [left.kind, left.kind === 'input' ? null : left.candidate])).toEqual([
      ['history', second],
      ['output', second],
    ]);
    expect(await readdir(join(folders.output, 'cull', 'acme'))).toEqual(['r2']);
    expect(await p.client.history()).toHaveLength(2);

    await removeLeftovers(p.client, rest);
    expect(await found()).toEqual([]);
    expect(await filesBelow(folder)).toEqual(theirs);
    // Twice is once.
    expect(await removeLeftovers(p.client, all)).toMatchObject({ output: 0, input: 0, bytes: 0 });
  });

  it('takes prompts off the queue, also the one that runs', async () => {
    await comfy.config({ secondsPerImage: 30 });
    const jobs = [await jobFor('noise', { request: 'r1' }), await jobFor('noise', { request: 'r1' })];
    const runs = jobs.map((job) => watch(p, job));
    // that they are submitted is told before the ComfyUI has them
    await vi.waitFor(async () => expect(await p.client.queueDepth()).toBe(2), 30_000);
    const all = await found();
    expect(all.map(({ kind }) => kind)).toEqual(['queue', 'queue']);
    // Whoever waits for them would draw them anew under other ids: not here.
    await p.close();
    await Promise.allSettled(runs.map(({ result }) => result));
    expect(await removeLeftovers(p.client, all)).toMatchObject({ queue: 2, history: 0 });
    await vi.waitFor(async () => expect(await p.client.queueDepth()).toBe(0), 30_000);
  });

  it('reads a history of many pages', async () => {
    const cull = { pool: 'default', host: 'h', tenant: 'acme', request: 'many', candidate: 0 };
    for (let n = 0; n < 102; n++) {
      const graph = {
        '1': { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 1, color: n } },
        '2': { class_type: 'PreviewImage', inputs: { images: ['1', 0] } },
      };
      const asked = { graph, promptId: crypto.randomUUID(), clientId: 'ours', extraData: { cull } };
      expect(await p.client.submit(asked)).toMatchObject({ status: 200 });
    }
    await vi.waitFor(async () => expect(await p.client.queueDepth()).toBe(0), 30_000);
    const all = await found();
    expect(all.filter(({ kind }) => kind === 'history')).toHaveLength(102);
    expect(await removeLeftovers(p.client, all)).toMatchObject({ history: 102, output: 0 });
    expect(await p.client.history()).toEqual([]);
  });

  it('follows no link, and passes over names that are not ours', async () => {
    await draw('r1');
    const outside = join(folder, 'outside');
    await mkdir(outside);
    const secret = join(outside, '0001-1_00001_.png');
    await writeFile(secret, 'keep me');
    const ours = join(folders.output, 'cull', 'acme');
    await symlink(outside, join(ours, 'r9'));
    await symlink(secret, join(ours, 'r1', '0009-1_00001_.png'));
    await symlink(outside, join(folders.output, 'cull', 'other'));
    await writeFile(join(ours, 'r1', 'note.txt'), 'a person was here');
    await writeFile(join(ours, 'r1', '0001.png'), 'not by us');
    await mkdir(join(folders.input, 'cull', 'acme'), { recursive: true });
    await writeFile(join(folders.input, 'cull', 'acme', 'photo.png'), 'by a person');
    const all = await found();
    expect(all.map(({ kind }) => kind)).toEqual(['history', 'output']);

    // A folder that became a link after it was looked at.
    const [, file] = all;
    await rm(join(ours, 'r1'), { recursive: true });
    await symlink(outside, join(ours, 'r1'));
    await writeFile(join(outside, '0000-1_00001_.png'), 'keep me too');
    expect(await removeLeftovers(p.client, file ? [file] : [])).toMatchObject({ output: 0 });
    expect((await readdir(outside)).length).toBeGreaterThan(1);
    expect(await readFile(secret, 'utf8')).toBe('keep me');
  });

  it('works through a link as the folder itself, and says which folder is not there', async () => {
    await draw('r1');
    const link = join(folder, 'link');
    await symlink(folders.output, link);
    folders = { ...folders, output: link };
    expect(await removeLeftovers(p.client, await found())).toMatchObject({ output: 1 });
    folders = { ...folders, output: join(folder, 'nowhere') };
    await expect(found()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('nowhere') as string,
    });
  });
});
