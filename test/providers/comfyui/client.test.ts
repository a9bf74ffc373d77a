import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ComfyClient, type ImageRef } from '../../../providers/comfyui/index.js';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { jobFor } from './support.js';

/** Every method, against the sandbox: the newest, one that cannot cancel by its jobs, one without jobs, features and ids. */

let sandbox: TestSandbox;
let comfy: ComfyClient;

/** Submits the noise graph. @returns its id */
async function submit(over: { id?: string; front?: boolean; extraData?: Record<string, unknown>; seed?: number } = {}) {
  const { id = randomUUID(), seed = 1, ...more } = over;
  const { graph } = await jobFor('noise', { seed, inputs: { width: 64, height: 48 } });
  const answer = await comfy.submit({ graph, promptId: id, clientId: 'me', ...more });
  expect(answer).toMatchObject({ status: 200, json: { prompt_id: expect.any(String) as string } });
  const used = (answer.json as { prompt_id: string }).prompt_id;
  expect((await comfy.supports()).promptIds).toBe(used === id);
  return used;
}

const inState = (id: string, state: string) =>
  vi.waitFor(async () => expect((await comfy.job(id)).state).toBe(state), { timeout: 20_000, interval: 20 });

async function drawn(over: Parameters<typeof submit>[0] = {}): Promise<string> {
  const id = await submit(over);
  await inState(id, 'succeeded');
  return id;
}

/** One that runs until it is stopped, and two that wait. */
async function busy(): Promise<[running: string, ...waiting: string[]]> {
  await sandbox.config({ secondsPerImage: 3_600 });
  const running = await submit();
  await inState(running, 'running');
  return [running, await submit(), await submit()];
}

/** A sandbox of that version for the tests of a `describe`. */
function on(profile: '0.33.0' | '0.16.3' | '0.3.40'): void {
  beforeAll(async () => {
    sandbox = await startSandbox({ profile });
  });
  afterAll(() => sandbox.close());
  beforeEach(async () => {
    await sandbox.config({ secondsPerImage: 0 });
    comfy = new ComfyClient({ url: sandbox.url });
  });
  afterEach(async () => {
    await comfy.clearQueue();
    // Whatever runs is ours here.
    await fetch(`${sandbox.url}/interrupt`, { method: 'POST' });
    await vi.waitFor(async () => expect(await comfy.queueDepth()).toBe(0), { timeout: 20_000, interval: 20 });
    await sandbox.reset();
  });
}

describe.each(['0.33.0', '0.16.3', '0.3.40'] as const)('ComfyUI %s', (profile) => {
  on(profile);
  const isOld = profile === '0.3.40';

  describe('the queue', () => {
    it('shows what runs and what waits, in the order of execution', async () => {
      const [running, ...waiting] = await busy();
      const first = await submit({ front: true, extraData: { cull: { pool: 'p' } } });
      const { running: runs, pending } = await comfy.queue();
      expect(runs.map((item) => item.promptId)).toEqual([running]);
      expect(pending.map((item) => item.promptId)).toEqual([first, ...waiting]);
      expect(pending.map((item) => item.number)).toEqual([...pending].map((item) => item.number).sort((x, y) => x - y));
      expect(pending[0]).toMatchObject({ extraData: { cull: { pool: 'p' }, client_id: 'me' }, outputs: ['4'] });
      expect(pending[0]?.graph['4']?.class_type).toBe('SaveImage');
      expect(await comfy.queueDepth()).toBe(4);
      await comfy.clearQueue();
      expect(await comfy.queueDepth()).toBe(1);
      expect((await comfy.job(running)).state).toBe('running');
    });

    it('is left by the prompts that are named, and by no other', async () => {
      const [running, one = '', two = ''] = await busy();
      await comfy.dequeue([one, running, randomUUID()]);
      await comfy.dequeue([]);
      expect((await comfy.queue()).pending.map((item) => item.promptId)).toEqual([two]);
      expect((await comfy.job(running)).state).toBe('running');
    });
  });

  describe('prompts that have ended', () => {
    it('are told one by one', async () => {
      const id = await drawn({ extraData: { cull: { request: 'r' } } });
      const job = await comfy.job(id);
      expect(job.outputs['4']).toHaveLength(1);
      expect(job.files).toEqual([{ ...job.outputs['4']?.[0], node: '4', list: 'images' }]);
      const { createdAt = 0, startedAt = 0, endedAt = 0 } = job.timing;
      expect([createdAt, startedAt, endedAt]).toEqual([createdAt, startedAt, endedAt].sort((x, y) => x - y));
      expect(createdAt).toBeGreaterThan(0);
      const entry = await comfy.historyEntry(id);
      expect(entry).toMatchObject({ promptId: id, outputs: ['4'], extraData: { cull: { request: 'r' } }, job });
      expect(entry?.graph['4']?.class_type).toBe('SaveImage');
      expect(await comfy.historyEntry(randomUUID())).toBeUndefined();
      expect(await comfy.job(randomUUID())).toEqual({
        state: 'unknown',
        outputs: {},
        files: [],
        texts: {},
        cached: [],
        timing: {},
      });
    });

    it('are told by pages, and forgotten', async () => {
      const ids: string[] = [];
      for (let seed = 1; seed <= 4; seed++) ids.push(await drawn({ seed }));
      const idsOf = async (page: Parameters<typeof comfy.history>[0]) =>
        (await comfy.history(page)).map((entry) => entry.promptId);
      expect(await idsOf({})).toEqual(ids);
      expect(await idsOf({ maxItems: 2 })).toEqual(ids.slice(2));
      expect(await idsOf({ maxItems: 2, offset: 1 })).toEqual(ids.slice(1, 3));
      expect(await idsOf({ maxItems: 0 })).toEqual([]);
      await comfy.deleteHistory(ids.slice(0, 1));
      await comfy.deleteHistory([]);
      expect(await idsOf({})).toEqual(ids.slice(1));
      await comfy.clearHistory();
      expect(await idsOf({})).toEqual([]);
    });
  });

  describe('the list of jobs', () => {
    it('is filtered, sorted and cut into pages', async () => {
      const ended = [await drawn({ seed: 1 }), await drawn({ seed: 2 })];
      const [running, ...waiting] = await busy();
      const idsOf = async (query: Parameters<typeof comfy.jobs>[0]) =>
        (await comfy.jobs(query)).jobs.map((one) => one.promptId);
      expect((await idsOf({})).sort()).toEqual([...ended, running, ...waiting].sort());
      expect(await idsOf({ status: ['succeeded'], sortOrder: 'asc' })).toEqual(ended);
      expect(await idsOf({ status: ['running'] })).toEqual([running]);
      expect((await idsOf({ status: ['pending', 'running'], sortBy: 'duration' })).sort()).toEqual(
        [running, ...waiting].sort(),
      );
      const page = await comfy.jobs({ status: ['succeeded'], limit: 1, offset: 0, sortOrder: 'asc' });
      expect(page).toMatchObject({
        total: 2,
        hasMore: true,
        jobs: [{ promptId: ended[0], state: 'succeeded', outputsCount: 1 }],
      });
      expect(await comfy.jobs({ workflowId: 'none' })).toEqual({ jobs: [], total: 0, hasMore: false });
    });
  });

  describe('files', () => {
    const fileOf = async (id: string): Promise<ImageRef> => (await comfy.job(id)).files[0] as ImageRef;

    it('come as they are, smaller, or by channel', async () => {
      const file = await fileOf(await drawn());
      const bytes = (await comfy.view(file)) as Uint8Array;
      expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 64, height: 48 });
      expect(Buffer.from(bytes).includes('"class_type"')).toBe(true);
      const webp = await comfy.view(file, { preview: { format: 'webp', quality: 10 } });
      expect((await sharp(webp).metadata()).format).toBe('webp');
      expect((await sharp(await comfy.view(file, { preview: { format: 'jpeg' } })).metadata()).format).toBe('jpeg');
      const rgb = (await comfy.view(file, { channel: 'rgb' })) as Uint8Array;
      expect(await sharp(rgb).raw().toBuffer()).toEqual(await sharp(bytes).removeAlpha().raw().toBuffer());
      expect(Buffer.from(rgb).includes('"class_type"')).toBe(false);
      expect((await sharp(await comfy.view(file, { channel: 'a' })).metadata()).channels).toBe(4);
    });

    it('come as a stream, too', async () => {
      const file = await fileOf(await drawn());
      const found = await comfy.viewStream(file);
      expect(found?.contentType).toBe('image/png');
      const bytes = await buffer(found?.stream ?? Readable.from([]));
      expect(bytes.length).toBe(found?.size);
      expect(bytes).toEqual(Buffer.from((await comfy.view(file)) ?? []));
    });

    it('are undefined where they are not there', async () => {
      const file = { filename: 'none.png', subfolder: '', type: 'output' };
      expect(await comfy.view(file)).toBeUndefined();
      expect(await comfy.viewStream(file)).toBeUndefined();
    });

    it('fail as COMFY_UNREACHABLE when they are cut off, also half-way through a stream', async () => {
      const file = await fileOf(await drawn());
      await sandbox.config({ fault: { cutViews: 2 } });
      await expect(comfy.view(file)).rejects.toMatchObject({ code: 'COMFY_UNREACHABLE' });
      const found = await comfy.viewStream(file);
      await expect(buffer(found?.stream ?? Readable.from([]))).rejects.toMatchObject({ code: 'COMFY_UNREACHABLE' });
    });
  });

  describe('uploads', () => {
    const png = () =>
      sharp({ create: { width: 9, height: 7, channels: 4, background: '#f00a' } })
        .png()
        .toBuffer();

    it('are stored under the name that is answered', async () => {
      const place = { subfolder: 'cull/acme', name: 'ab.png' };
      const bytes = await png();
      expect(await comfy.uploadImage({ ...place, body: bytes })).toBe('cull/acme/ab.png');
      expect(await comfy.uploadImage({ ...place, body: bytes })).toBe('cull/acme/ab.png');
      expect(await comfy.uploadImage({ ...place, body: Buffer.from('other') })).toBe('cull/acme/ab (1).png');
      expect(await comfy.uploadImage({ ...place, body: Buffer.from('new'), overwrite: true })).toBe('cull/acme/ab.png');
      const stored = await comfy.view({ filename: 'ab.png', subfolder: 'cull/acme', type: 'input' });
      expect(Buffer.from(stored ?? []).toString()).toBe('new');
      expect(await comfy.uploadImage({ name: 'a "b"\r\n.png', body: bytes, type: 'temp' })).toMatch(/^a .*\.png$/);
      await expect(comfy.uploadImage({ ...place, subfolder: '../x', body: bytes })).rejects.toMatchObject({
        code: 'COMFY_REFUSED',
        retry: false,
      });
    });

    it('put the transparency of a mask on the colours of the original', async () => {
      await comfy.uploadImage({ subfolder: 'cull/acme', name: 'photo.png', body: await png() });
      const mask = await sharp({ create: { width: 9, height: 7, channels: 4, background: '#0000' } })
        .png()
        .toBuffer();
      const original = { filename: 'photo.png', subfolder: 'cull/acme', type: 'input' };
      const upload = { subfolder: 'cull/acme', name: 'masked.png', body: mask };
      expect(await comfy.uploadMask({ ...upload, original })).toBe('cull/acme/masked.png');
      const stored = await comfy.view({ filename: 'masked.png', subfolder: 'cull/acme', type: 'input' });
      expect([...(await sharp(stored).raw().toBuffer()).subarray(0, 4)]).toEqual([255, 0, 0, 0]);
    });

    it('say so where ComfyUI has not the original of a mask and yet answers 200', async () => {
      const original = { filename: 'none.png', subfolder: '', type: 'input' };
      await expect(comfy.uploadMask({ name: 'mask.png', body: await png(), original })).rejects.toMatchObject({
        code: 'COMFY_REFUSED',
        message: expect.stringContaining('none.png (input)') as string,
      });
    });
  });

  describe('what it is and has', () => {
    it('tells its version, memory and features', async () => {
      const { system, devices } = await comfy.systemStats();
      expect(system.ramTotal).toBeGreaterThan(system.ramFree);
      expect(devices[0]).toMatchObject({ type: 'cpu', index: null, vramTotal: system.ramTotal });
      expect(await comfy.version()).toBe(system.version);
      expect(await comfy.supports()).toEqual({
        version: profile,
        promptIds: !isOld,
        features: !isOld,
        partialExecution: !isOld,
        interruptById: !isOld,
        jobs: !isOld,
        cancel: profile === '0.33.0',
        cancelMany: profile === '0.33.0',
      });
      const { maxUploadBytes, supportsPreviewMetadata, flags } = await comfy.features();
      expect([maxUploadBytes, supportsPreviewMetadata]).toEqual(isOld ? [null, false] : [100 * 1024 * 1024, true]);
      expect('max_upload_size' in flags).toBe(!isOld);
    });

    it('tells its node classes', async () => {
      const all = await comfy.objectInfo();
      const sampler = await comfy.objectInfo('KSampler');
      expect(all.KSampler).toEqual(sampler);
      expect(sampler?.inputs).toMatchObject({
        steps: { required: true, type: 'INT', min: 1, default: 20 },
        model: { required: true, type: 'MODEL' },
        sampler_name: { type: 'COMBO', options: expect.arrayContaining(['euler']) as unknown[] },
      });
      expect(sampler?.outputs).toEqual([{ name: 'LATENT', type: 'LATENT', isList: false }]);
      expect(all.SaveImage?.outputNode).toBe(true);
      expect(await comfy.objectInfo('NoSuchNode')).toBeUndefined();
    });

    it('tells its models, and takes a request for memory', async () => {
      expect(await comfy.models()).toContain('checkpoints');
      expect((await comfy.models('checkpoints'))?.[0]).toMatch(/\.safetensors$/);
      expect(await comfy.models('no/such folder')).toBeUndefined();
      expect(await comfy.embeddings()).toEqual([]);
      expect(await comfy.extensions()).toEqual([]);
      await comfy.free({ unloadModels: true, freeMemory: true });
    });
  });
});

describe.each(['0.33.0', '0.16.3'] as const)('cancelling on %s', (profile) => {
  on(profile);

  it('tells what happened', async () => {
    const [running, waiting = '', next = ''] = await busy();
    expect(await comfy.cancel(waiting)).toBe('dequeued');
    expect(await comfy.cancel(waiting)).toBe('not-there');
    expect(await comfy.cancel(running)).toBe('interrupted');
    await inState(next, 'running');
    expect((await comfy.job(running)).state).toBe('cancelled');
    expect(await comfy.cancel(running)).toBe('not-there');
    expect(await comfy.interrupt(waiting)).toBe(true);
    expect((await comfy.job(next)).state).toBe('running');
    expect(await comfy.interrupt(next)).toBe(true);
    await inState(next, 'cancelled');
  });

  it('takes many at once', async () => {
    const [running, ...waiting] = await busy();
    const other = await submit();
    expect(await comfy.cancelMany([running, ...waiting])).toEqual({ cancelled: true, leftToFinish: [] });
    await inState(other, 'running');
    expect(await comfy.cancelMany([running, ...waiting])).toEqual({ cancelled: false, leftToFinish: [] });
    expect(await comfy.cancelMany([])).toEqual({ cancelled: false, leftToFinish: [] });
  });
});

describe('cancelling on 0.3.40, which would stop whatever runs', () => {
  on('0.3.40');

  it('leaves what runs to finish', async () => {
    const [running, waiting = '', next = ''] = await busy();
    expect(await comfy.interrupt(running)).toBe(false);
    expect(await comfy.cancel(running)).toBe('left-to-finish');
    expect(await comfy.cancel(waiting)).toBe('dequeued');
    expect(await comfy.cancelMany([running, next])).toEqual({ cancelled: true, leftToFinish: [running] });
    expect((await comfy.queue()).running.map((item) => item.promptId)).toEqual([running]);
    expect(await comfy.queueDepth()).toBe(1);
  });
});
