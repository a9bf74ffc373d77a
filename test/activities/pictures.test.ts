import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRecord } from '../../activities/documents.js';
import { findDrawn, inputFiles, storeGeneration } from '../../activities/pictures.js';
import type { Generation, OutputFile } from '../../providers/provider.js';
import { keys } from '../../storage/keys.js';
import { openStorage } from '../../storage/index.js';
import type { Storage } from '../../storage/storage.js';
import type { PlanDoc } from '../../workflows/contract.js';

const ref = { tenant: 'acme', request: 'r1', candidate: 7 };
let folder: string;
let storage: Storage;
let generation: Generation;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-pictures-'));
  storage = openStorage(folder);
  const bytes = await sharp({ create: { width: 8, height: 6, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  const video: OutputFile = { name: 'v.MP4', kind: 'video', contentType: 'video/mp4', bytes: Buffer.from('video') };
  const small: OutputFile = {
    name: 'b.png',
    kind: 'image',
    contentType: 'image/png',
    bytes: await sharp(bytes).png().toBuffer(),
  };
  generation = {
    bytes,
    format: 'jpeg',
    width: 8,
    height: 6,
    files: [video, small],
    host: 'gpu0',
    promptId: 'p',
    timing: { queuedMs: 1, drawMs: 3_600 },
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const store = () => storeGeneration(storage, { ref, seed: 5, generation, usdPerHour: 1 });
const find = () => findDrawn(storage, ref, { seed: 5, isFirstTry: false });

describe('what a candidate brought', () => {
  it('is stored beside its image and named in its record', async () => {
    expect(await store()).toBe('acme/requests/r1/candidates/0007.jpg');
    const record = await readRecord(storage, ref);
    expect(record).toMatchObject({
      state: 'drawn',
      host: 'gpu0',
      cost: { microUsd: 1_000 },
      image: { width: 8, height: 6 },
    });
    expect(record?.files).toMatchObject([
      { key: 'acme/requests/r1/candidates/0007.1.mp4', kind: 'video', contentType: 'video/mp4', bytes: 5 },
      { key: 'acme/requests/r1/candidates/0007.2.png', kind: 'image', contentType: 'image/png' },
    ]);
    for (const { key, bytes } of record?.files ?? []) expect((await storage.head(key))?.size).toBe(bytes);
  });

  it('is stored without the graph that ComfyUI wrote into it, unless that is wanted', async () => {
    const written = (bytes: Buffer) => bytes.includes('secret prompt');
    const withPrompt = await sharp(generation.bytes)
      .withExif({ IFD0: { ImageDescription: 'prompt: secret prompt' } })
      .jpeg()
      .toBuffer();
    expect(written(withPrompt)).toBe(true);
    generation = { ...generation, bytes: withPrompt };
    const key = await store();
    const clean = (await storage.get(key))!.body;
    expect(written(clean)).toBe(false);
    expect((await readRecord(storage, ref))?.image?.sha256).toBe(createHash('sha256').update(clean).digest('hex'));
    await storeGeneration(storage, { ref, seed: 5, generation, usdPerHour: 1, keepMetadata: true });
    expect((await storage.get(key))?.body).toEqual(withPrompt);
  });

  it('leaves no list in the record where there is nothing but the image', async () => {
    generation = { ...generation, files: [] };
    await store();
    expect(Object.keys((await readRecord(storage, ref)) ?? {})).not.toContain('files');
  });

  it('is found again after a crash between image and record, the image being the one without a number', async () => {
    const key = await store();
    const before = await readRecord(storage, ref);
    await storage.delete(keys.record('acme', 'r1', 7));
    expect(await find()).toBe(key);
    const after = await readRecord(storage, ref);
    expect(after?.image).toEqual(before?.image);
    expect(after?.files).toEqual(before?.files);
    expect(after?.host).toBeNull();
  });

  it('names the masks of regions in record and key, so that they are known again after a crash', async () => {
    generation.files.push({ ...generation.files[1]!, name: 'm.png', mask: 'garment' });
    await store();
    const stored = (await readRecord(storage, ref))?.files;
    expect(stored?.map(({ key, mask }) => [basename(key), mask])).toEqual([
      ['0007.1.mp4', undefined],
      ['0007.2.png', undefined],
      ['0007.3.garment.png', 'garment'],
    ]);
    await storage.delete(keys.record('acme', 'r1', 7));
    await find();
    expect((await readRecord(storage, ref))?.files).toEqual(stored);
  });

  it('is drawn anew after a crash before the image was there', async () => {
    const key = await store();
    await storage.delete(keys.record('acme', 'r1', 7));
    await storage.delete(key);
    expect(await find()).toBeUndefined();
  });

  it('is never looked for on the first try of the first run', async () => {
    await store();
    expect(await findDrawn(storage, ref, { seed: 5, isFirstTry: true })).toBeUndefined();
  });
});

describe('input files of a plan', () => {
  it('are read from storage, as a stream, when the provider asks', async () => {
    await storage.put(keys.input('acme', 'abc'), 'bytes');
    const files = [
      { name: 'cull/acme/abc.png', sha256: 'abc' },
      { name: 'cull/acme/def.png', sha256: 'def' },
    ];
    const [there, gone] = inputFiles(storage, 'acme', { files } as PlanDoc);
    const opened = await there!.open();
    expect(opened.size).toBe(5);
    expect(await text(opened.body)).toBe('bytes');
    await expect(gone?.open()).rejects.toMatchObject({ code: 'STORAGE_MISSING' });
  });
});
