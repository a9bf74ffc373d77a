import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ComfyClient, createComfyProvider, type ComfyProvider } from '../../../providers/comfyui/index.js';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { address, jobFor, startFake, watch, type Fake } from './support.js';

/** What counts as a candidate's output: its image, the files beside it, and whether they are this prompt's own. */

let png: Buffer;
let animation: Buffer;
const cleanUp: (() => unknown)[] = [];
beforeAll(async () => {
  const frame = (background: string) =>
    sharp({ create: { width: 8, height: 6, channels: 3, background } })
      .png()
      .toBuffer();
  png = await frame('grey');
  animation = await sharp([await frame('red'), await frame('blue')], { join: { animated: true } })
    .gif()
    .toBuffer();
});
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

function provider(of: { url: string }): ComfyProvider {
  const made = createComfyProvider({ host: address(of.url), timeouts: { giveUpMs: 3_000, refusedMs: 500 } });
  cleanUp.push(() => made.close());
  return made;
}

async function sandbox(): Promise<TestSandbox> {
  const comfy = await startSandbox();
  cleanUp.push(() => comfy.close());
  return comfy;
}

type File = { filename: string; subfolder?: string; type?: string };
const file = (filename: string, over: Partial<File> = {}) => ({ filename, subfolder: '', type: 'output', ...over });

/** A ComfyUI whose prompts end with these outputs. Every file there is a PNG, but for `bytes`. */
async function ending(outputs: unknown, bytes: Record<string, Buffer> = {}): Promise<Fake & { ids: string[] }> {
  const ids: string[] = [];
  const server = await startFake({
    'POST /prompt': ({ body }) => {
      const { prompt_id } = JSON.parse(body) as { prompt_id: string };
      ids.push(prompt_id);
      return { prompt_id, number: 1, node_errors: {} };
    },
    'GET /api/jobs/([^/]+)': ({ params: [id = ''] }) =>
      ids.includes(id) ? { status: 'completed', outputs } : { status: 404, text: '{"error":"Job not found"}' },
    'GET /view': ({ request }) =>
      bytes[new URL(request.url ?? '', 'http://x').searchParams.get('filename') ?? ''] ?? png,
  });
  cleanUp.push(() => server.close());
  return Object.assign(server, { ids });
}

describe('files beside the image', () => {
  it('are passed through: video, sound, 3D, text and further images of the declared nodes', async () => {
    const bytes = { 'v.mp4': Buffer.from('video'), 's.flac': Buffer.from('sound'), 'm.glb': Buffer.from('model') };
    const server = await ending(
      {
        '4': { images: [file('a.png'), file('b.png')], text: ['a red', 'mug'] },
        '5': { images: [file('v.mp4')], animated: [true] },
        '6': { audio: [file('s.flac')], '3d': [file('m.glb')] },
        '7': { images: [file('not-declared.png')] },
        '8': { images: [file('preview.png', { type: 'temp' })] },
      },
      bytes,
    );
    const job = await jobFor('noise');
    const drawn = await watch(provider(server), { ...job, output: ['5', '4', '6', '8'] }).result;
    expect(drawn).toMatchObject({ format: 'png', width: 8, height: 6 });
    expect(
      drawn.files.map(({ bytes: content, ...about }) => ({ ...about, content: Buffer.from(content).toString() })),
    ).toEqual([
      { name: 'v.mp4', kind: 'video', contentType: 'video/mp4', content: 'video' },
      { name: 'b.png', kind: 'image', contentType: 'image/png', content: png.toString() },
      { name: 's.flac', kind: 'audio', contentType: 'audio/flac', content: 'sound' },
      { name: 'm.glb', kind: 'model3d', contentType: 'model/gltf-binary', content: 'model' },
      { name: '4.txt', kind: 'text', contentType: 'text/plain; charset=utf-8', content: 'a red\nmug' },
    ]);
  });

  it('has the masks of regions by name, and never takes one for the image', async () => {
    const server = await ending({ '4': { images: [file('a.png')] }, '3': { images: [file('m.png'), file('n.png')] } });
    const job = { ...(await jobFor('noise')), masks: { garment: '3', hair: '9' } };
    const drawn = await watch(provider(server), job).result;
    expect(drawn.files.map(({ name, mask }) => ({ name, mask }))).toEqual([{ name: 'm.png', mask: 'garment' }]);
    const alone = await ending({ '3': { images: [file('m.png')] } });
    await expect(watch(provider(alone), job).result).rejects.toMatchObject({ code: 'COMFY_OUTPUT_MISSING' });
  });

  it('come from the nodes of ComfyUI itself, named after the candidate', async () => {
    const comfy = await sandbox();
    const job = await jobFor('noise');
    const node = (class_type: string, inputs: Record<string, unknown>) => ({ class_type, inputs });
    const prefix = { filename_prefix: 'x' };
    const graph = {
      ...job.graph,
      '10': node('EmptyImage', { width: 32, height: 16, batch_size: 3, color: 255 }),
      '11': node('ImageAddNoise', { image: ['10', 0], seed: job.seed, strength: 0.5 }),
      '12': node('CreateVideo', { images: ['11', 0], fps: 6 }),
      '13': node('SaveVideo', { video: ['12', 0], format: 'auto', codec: 'auto', ...prefix }),
      '14': node('EmptyAudio', { duration: 1, sample_rate: 44100, channels: 2 }),
      '15': node('SaveAudio', { audio: ['14', 0], ...prefix }),
      '16': node('PrimitiveString', { value: 'hello' }),
      '17': node('SaveText', { text: ['16', 0], format: 'txt', ...prefix }),
      '18': node('SaveAnimatedWEBP', {
        images: ['11', 0],
        fps: 6,
        lossless: true,
        quality: 80,
        method: 'default',
        ...prefix,
      }),
      '20': node('SaveImage', { images: ['10', 0], ...prefix }),
    };
    const output = ['4', '13', '15', '17', '18'];
    const drawn = await watch(provider(comfy), { ...job, graph, output, masks: { all: '20' } }).result;
    expect(drawn).toMatchObject({ format: 'png', width: 256, height: 256 });
    const stem = `${String(job.candidate).padStart(4, '0')}-1_0000`;
    expect(drawn.files.map(({ name, kind }) => [name, kind])).toEqual([
      [expect.stringMatching(`^${stem}.*\\.mp4$`), 'video'],
      [expect.stringMatching(`^${stem}.*\\.flac$`), 'audio'],
      [expect.stringMatching(`^${stem}.*\\.txt$`), 'text'],
      [expect.stringMatching(`^${stem}.*\\.webp$`), 'image'],
      [expect.stringMatching(`^${stem}.*\\.png$`), 'image'],
    ]);
    expect(drawn.files[4]?.mask).toBe('all');
    expect(Buffer.from(drawn.files[2]?.bytes ?? []).toString()).toBe('hello');
    // The animation alone: its first frame is the image.
    const next = await jobFor('noise', { request: 'r2' });
    const animated = await watch(provider(comfy), { ...next, graph, output: ['18'] }).result;
    expect(animated).toMatchObject({ format: 'png', width: 32, height: 16, files: [{ kind: 'image' }] });
  });

  it('are the animation itself where the image is its first frame', async () => {
    const server = await ending({ '4': { gifs: [file('a.gif')] } }, { 'a.gif': animation });
    const drawn = await watch(provider(server), await jobFor('noise')).result;
    expect(drawn).toMatchObject({ format: 'png', width: 8, height: 6, files: [{ name: 'a.gif', kind: 'image' }] });
    expect(Buffer.compare(Buffer.from(drawn.files[0]?.bytes ?? []), animation)).toBe(0);
    expect((await sharp(drawn.bytes).stats()).dominant.r).toBeGreaterThan(200);
  });

  it('alone are no candidate: scorers need an image, and the next one would have none either', async () => {
    const server = await ending({ '4': { images: [file('v.mp4')] } });
    const { result } = watch(provider(server), await jobFor('noise'));
    await expect(result).rejects.toMatchObject({ code: 'TEMPLATE_INVALID', retry: false });
    await expect(result).rejects.toThrow('saved v.mp4 but no image');
  });
});

describe('an output that is not there', () => {
  it('is drawn again here, once, under a new name', async () => {
    const comfy = await sandbox();
    // Each look at a file is repeated three times.
    await comfy.config({ fault: { missingViews: 4 } });
    const drawn = await watch(provider(comfy), await jobFor('noise')).result;
    const [first, second] = await new ComfyClient({ url: comfy.url }).history();
    expect(drawn.promptId).toBe(second?.promptId);
    expect(second?.graph['4']?.inputs.filename_prefix).not.toBe(first?.graph['4']?.inputs.filename_prefix);
  });

  it('is a missing output if it is missing again', async () => {
    const comfy = await sandbox();
    await comfy.config({ fault: { missingViews: 100 } });
    await expect(watch(provider(comfy), await jobFor('noise')).result).rejects.toMatchObject({
      code: 'COMFY_OUTPUT_MISSING',
    });
    expect(await comfy.log()).toHaveLength(2);
  });

  it("is not replaced by another prompt's file that a stale cache names", async () => {
    const server = await ending({ '4': { images: [file('0001-1_00001_.png', { subfolder: 'cull/acme/another' })] } });
    const { result } = watch(provider(server), await jobFor('noise'));
    await expect(result).rejects.toMatchObject({ code: 'COMFY_OUTPUT_MISSING' });
    await expect(result).rejects.toThrow('a file of another prompt');
    expect(server.asked.filter((line) => line.startsWith('GET /view'))).toEqual([]);
  });

  it.each(['cull/acme/r1', 'cull\\acme\\r1'])('is there if the name is its own, in %s', async (subfolder) => {
    const job = await jobFor('noise');
    const name = `${String(job.candidate).padStart(4, '0')}-1_00001_.png`;
    const server = await ending({ '4': { images: [file(name, { subfolder })] } });
    expect(await watch(provider(server), job).result).toMatchObject({ width: 8 });
  });
});

describe('a picture from the cache of ComfyUI', () => {
  it('of another candidate of the request is no new candidate', async () => {
    const comfy = await sandbox();
    const p = provider(comfy);
    const first = await jobFor('noise', { seed: 5 });
    const drawn = await watch(p, first).result;
    const { result } = watch(p, await jobFor('noise', { seed: 5 }));
    await expect(result).rejects.toMatchObject({
      code: 'COMFY_CACHED_OUTPUT',
      retry: false,
      details: { promptId: drawn.promptId },
    });
    await expect(result).rejects.toThrow(`repeats candidate ${first.candidate}`);
  });

  it('is right for a later try of the same candidate, and for another request that asks for the seed', async () => {
    const comfy = await sandbox();
    const p = provider(comfy);
    const job = await jobFor('noise', { seed: 5 });
    const pixels = async (of: { bytes: Uint8Array }) => (await sharp(of.bytes).raw().toBuffer()).toString('base64');
    const first = await watch(p, job).result;
    const later = await watch(p, { ...job, attempt: 2 }).result;
    const other = await watch(p, await jobFor('noise', { seed: 5, request: 'r2' })).result;
    expect(await pixels(later)).toBe(await pixels(first));
    expect(await pixels(other)).toBe(await pixels(first));
    expect(new Set([first, later, other].map((one) => one.promptId)).size).toBe(3);
    const history = await new ComfyClient({ url: comfy.url }).history();
    expect(history.map((entry) => entry.job.cached.includes('2'))).toEqual([false, true, true]);
  });
});

describe('every prompt', () => {
  it('says in queue and history whose it is', async () => {
    const comfy = await sandbox();
    const job = { ...(await jobFor('noise')), pool: 'big' };
    await watch(provider(comfy), job).result;
    const [entry] = await new ComfyClient({ url: comfy.url }).history();
    expect(entry?.extraData.cull).toEqual({
      pool: 'big',
      host: address(comfy.url).id,
      tenant: 'acme',
      request: 'r1',
      candidate: job.candidate,
    });
  });
});
