import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { noise, txt2img, type Graph } from './graphs.js';
import { closeAll, run, start, submit, types } from './harness.js';

afterEach(closeAll);

const frames: Graph = {
  '0': node('EmptyImage', { width: 32, height: 16, batch_size: 3, color: 255 }),
  '1': node('ImageAddNoise', { image: ['0', 0], seed: 1, strength: 0.5 }),
};
const sound: Graph = { '1': node('EmptyAudio', { duration: 1, sample_rate: 44100, channels: 2 }) };
const anim = { images: ['1', 0], filename_prefix: 'm/a', fps: 6 };

function node(class_type: string, inputs: Record<string, unknown>): Graph[string] {
  return { class_type, inputs };
}

/** A graph that ends in one saver, the output it has, and how its file begins. */
const SAVERS: readonly [name: string, graph: Graph, output: object, type: string, start: string][] = [
  [
    'SaveAnimatedWEBP',
    { ...frames, '2': node('SaveAnimatedWEBP', { ...anim, lossless: true, quality: 80, method: 'default' }) },
    { images: [{ filename: 'a_00001_.webp', subfolder: 'm', type: 'output' }], animated: [true] },
    'image/webp',
    'RIFF',
  ],
  [
    'SaveAnimatedPNG',
    { ...frames, '2': node('SaveAnimatedPNG', { ...anim, compress_level: 4 }) },
    { images: [{ filename: 'a_00001_.png', subfolder: 'm', type: 'output' }], animated: [true] },
    'image/png',
    '\x89PNG',
  ],
  [
    'SaveWEBM',
    { ...frames, '2': node('SaveWEBM', { ...anim, codec: 'vp9', crf: 32 }) },
    { images: [{ filename: 'a_00001_.webm', subfolder: 'm', type: 'output' }], animated: [true] },
    'video/webm',
    '\x1a\x45\xdf\xa3',
  ],
  [
    'SaveVideo',
    {
      ...frames,
      '3': node('CreateVideo', { images: ['1', 0], fps: 6 }),
      '2': node('SaveVideo', { video: ['3', 0], filename_prefix: 'm/a', format: 'auto', codec: 'auto' }),
    },
    { images: [{ filename: 'a_00001_.mp4', subfolder: 'm', type: 'output' }], animated: [true] },
    'video/mp4',
    '\0\0\0\x20ftypisom',
  ],
  [
    'SaveAudio',
    { ...sound, '2': node('SaveAudio', { audio: ['1', 0], filename_prefix: 'm/a' }) },
    { audio: [{ filename: 'a_00001.flac', subfolder: 'm', type: 'output' }] },
    'audio/flac',
    'fLaC',
  ],
  [
    'SaveAudioMP3',
    { ...sound, '2': node('SaveAudioMP3', { audio: ['1', 0], filename_prefix: 'm/a', quality: 'V0' }) },
    { audio: [{ filename: 'a_00001.mp3', subfolder: 'm', type: 'output' }] },
    'audio/mpeg',
    '\xff\xfb',
  ],
  [
    'SaveText',
    {
      '1': node('PrimitiveString', { value: 'hello' }),
      '2': node('SaveText', { text: ['1', 0], filename_prefix: 'm/a', format: 'txt' }),
    },
    { text: ['hello'], files: [{ filename: 'a_00001.txt', subfolder: 'm', type: 'output' }] },
    'text/plain',
    'hello',
  ],
  [
    'SaveGLB',
    {
      ...txt2img({ seed: 1, prefix: 'x', size: 64, steps: 1 }),
      '9': node('VAEDecodeHunyuan3D', {
        samples: ['3', 0],
        vae: ['4', 2],
        num_chunks: 8000,
        octree_resolution: 256,
      }),
      '10': node('VoxelToMesh', { voxel: ['9', 0], algorithm: 'basic', threshold: 0.6 }),
      '2': node('SaveGLB', { mesh: ['10', 0], filename_prefix: 'm/a' }),
    },
    { '3d': [{ filename: 'a_00001_.glb', subfolder: 'm', type: 'output' }] },
    'model/gltf-binary',
    'glTF\x02',
  ],
  [
    'SaveLatent',
    {
      '1': node('EmptyLatentImage', { width: 64, height: 64, batch_size: 1 }),
      '2': node('SaveLatent', { samples: ['1', 0], filename_prefix: 'm/a' }),
    },
    { latents: [{ filename: 'a_00001_.latent', subfolder: 'm', type: 'output' }] },
    'application/octet-stream',
    '',
  ],
];

describe('files of other kinds', () => {
  it.each(SAVERS)('%s', async (_, graph, output, type, beginning) => {
    const { comfy, s } = await start();
    const events = await run(s, { n: 1, graph });
    expect(types(events)).toContain('execution_success');
    expect(events.find((e) => e.type === 'executed')!.data.output).toEqual(output);
    const history = (await s.get(`/history/${s.id(1)}`)) as Record<string, { outputs: object }>;
    expect(history[s.id(1)]!.outputs).toEqual({ '2': output });
    expect(await s.get(`/api/jobs/${s.id(1)}`)).toMatchObject({ status: 'completed', outputs_count: 1 });
    const [file] = Object.values(output)
      .flat()
      .filter((item) => typeof item === 'object') as { filename: string }[];
    const answer = await fetch(`${comfy.url}/view?filename=${file!.filename}&subfolder=m`);
    expect(answer.headers.get('content-type')).toBe(type);
    expect(
      Buffer.from(await answer.arrayBuffer())
        .toString('latin1')
        .slice(0, beginning.length),
    ).toBe(beginning);
    expect((await comfy.log())[0]!.saved).toBe(1);
  });

  it('animations have all their frames', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: SAVERS[0]![1] });
    const webp = Buffer.from(await (await fetch(`${comfy.url}/view?filename=a_00001_.webp&subfolder=m`)).arrayBuffer());
    expect(await sharp(webp, { animated: true }).metadata()).toMatchObject({ pages: 3, width: 32, pageHeight: 16 });
    await run(s, { n: 2, graph: SAVERS[1]![1] });
    const png = Buffer.from(await (await fetch(`${comfy.url}/view?filename=a_00002_.png&subfolder=m`)).arrayBuffer());
    expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width: 32, height: 16 });
    expect(png.toString('latin1').match(/fcTL/g)).toHaveLength(3);
    expect(png.readUInt32BE(png.indexOf('acTL') + 4)).toBe(3);
  });

  it('sounds that are only listened to go to the temporary folder', async () => {
    const { s } = await start();
    const graph = { ...sound, '2': node('PreviewAudio', { audio: ['1', 0] }) };
    const events = await run(s, { n: 1, graph });
    expect(events.find((e) => e.type === 'executed')!.data.output).toMatchObject({ audio: [{ type: 'temp' }] });
  });

  it('older versions name sounds as they name pictures, and have no SaveText', async () => {
    const { s } = await start({ profile: '0.18.2' });
    const events = await run(s, { n: 1, graph: SAVERS[4]![1] });
    expect(events.find((e) => e.type === 'executed')!.data.output).toMatchObject({
      audio: [{ filename: 'a_00001_.flac' }],
    });
    await submit(s, { n: 2, graph: SAVERS[6]![1] });
    expect(s.transcript.http.at(-1)!.response.body).toMatchObject({ error: { type: 'missing_node_type' } });
  });

  it('a shown text is no output that counts, and is preferred to nothing only', async () => {
    const text = {
      '20': node('PrimitiveString', { value: 'hi' }),
      '21': node('PreviewAny', { source: ['20', 0] }),
    };
    const { s } = await start();
    await run(s, { n: 1, graph: text });
    expect(await s.get(`/api/jobs/${s.id(1)}`)).toMatchObject({
      outputs_count: 0,
      preview_output: { content: 'hi', nodeId: '21', mediaType: 'text' },
    });
    await run(s, { n: 2, graph: { ...noise({ seed: 1, prefix: 'a' }), ...text } });
    expect(await s.get(`/api/jobs/${s.id(2)}`)).toMatchObject({
      outputs_count: 1,
      preview_output: { filename: 'a_00001_.png' },
    });
  });
});

describe('file names', () => {
  it('count on from the highest number of their prefix, and are used again after a clean-up', async () => {
    const outputDir = await mkdtemp(join(tmpdir(), 'sandbox-test-'));
    const { s } = await start({ cache: 'none', outputDir });
    await run(s, { n: 1, graph: SAVERS[0]![1] });
    expect(JSON.stringify(await run(s, { n: 2, graph: SAVERS[1]![1] }))).toContain('a_00002_.png');
    await rm(join(outputDir, 'm', 'a_00002_.png'));
    expect(JSON.stringify(await run(s, { n: 3, graph: SAVERS[1]![1] }))).toContain('a_00002_.png');
    await rm(outputDir, { recursive: true });
  });

  it('know the size, the date and the place in the batch', async () => {
    const { s } = await start();
    const graph = {
      ...frames,
      '2': node('SaveImage', { images: ['1', 0], filename_prefix: '%width%x%height%_%year%_%nope%_%batch_num%' }),
    };
    const events = await run(s, { n: 1, graph });
    const { images } = events.find((e) => e.type === 'executed')!.data.output as { images: { filename: string }[] };
    const year = new Date().getFullYear();
    expect(images.map((i) => i.filename)).toEqual([0, 1, 2].map((i) => `32x16_${year}_%nope%_${i}_0000${i + 1}_.png`));
  });
});

describe('downloads', () => {
  it.each([
    ['page.html', '0.33.0', 'application/octet-stream', 'attachment; filename="page.html"', 'no-store'],
    ['page.html', '0.27.0', 'application/octet-stream', 'attachment; filename="page.html"', null],
    ['page.html', '0.18.2', 'application/octet-stream', 'filename="page.html"', null],
    ['a.svg', '0.33.0', 'application/octet-stream', 'attachment; filename="a.svg"', 'no-store'],
    ['a.svg', '0.18.2', 'image/svg+xml', 'filename="a.svg"', null],
    ['a.unknown', '0.33.0', 'application/octet-stream', 'filename="a.unknown"', null],
  ] as const)('%s from %s comes as %s', async (name, profile, type, disposition, cache) => {
    const { comfy, s } = await start({ profile });
    await s.upload('/upload/image', { image: [name, 'x'] });
    const { headers } = await fetch(`${comfy.url}/view?type=input&filename=${name}`);
    expect(headers.get('content-type')).toBe(type);
    expect(headers.get('content-disposition')).toBe(disposition);
    expect(headers.get('cache-control')).toBe(cache);
  });
});

describe('requests', () => {
  it('of the wrong method are told the right ones', async () => {
    const { comfy } = await start();
    const answer = await fetch(`${comfy.url}/prompt`, { method: 'PUT', body: '{}' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET,HEAD,POST']);
  });

  it('to clear or delete with a list as body change nothing', async () => {
    const { comfy, s } = await start();
    for (const path of ['/queue', '/history']) {
      expect((await fetch(comfy.url + path, { method: 'POST', body: '[]' })).status, path).toBe(200);
    }
    await s.post('/prompt', { prompt: { '1': { class_type: 'EmptyImage', inputs: null } } });
    expect(s.transcript.http.at(-1)!.response.status).toBe(500);
  });

  it('with workflow metadata that is no object fail in SaveImage, and break the list of jobs', async () => {
    const { comfy, s } = await start();
    const extra_data = { extra_pnginfo: 'x' };
    const prompt = noise({ seed: 1, prefix: 'a' });
    await s.post('/prompt', { prompt, prompt_id: s.id(1), client_id: s.alice, extra_data });
    await s.ended(s.alice, s.id(1));
    const error = s.transcript.ws[s.alice]!.find((e) => e.type === 'execution_error')!.data;
    expect(error).toMatchObject({ node_type: 'SaveImage', exception_type: 'TypeError' });
    expect((await fetch(`${comfy.url}/api/jobs`)).status).toBe(500);
    await s.post('/history', { delete: [s.id(1)] });
    expect((await fetch(`${comfy.url}/api/jobs`)).status).toBe(200);
  });
});
