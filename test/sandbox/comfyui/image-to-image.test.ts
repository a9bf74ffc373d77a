/** LoadImage, VAEEncode and a KSampler below denoise 1: the photo with changes, and masks beside it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Labels } from '../../../sandbox/photos/index.js';
import { garmentPhoto, photo, pixelHash } from '../photos/synthetic.js';
import { changed, txt2img, type Graph } from './graphs.js';
import { closeAll, pixels, run, start } from './harness.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-photos-'));
});
afterEach(async () => {
  await closeAll();
  await rm(folder, { recursive: true, force: true });
});

const png = ({ data, width, height }: ReturnType<typeof photo>['picture']): Promise<Buffer> =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();

function redraw(ask: { seed: number; denoise: number; prefix: string }): Graph {
  const { seed, denoise, prefix } = ask;
  const graph = changed(txt2img({ seed, prefix, prompt: 'headshot on a grey background' }), '3', { denoise });
  return {
    ...graph,
    '5': { class_type: 'VAEEncode', inputs: { pixels: ['10', 0], vae: ['4', 2] } },
    '10': { class_type: 'LoadImage', inputs: { image: 'photo.png' } },
  };
}

async function open(sidecar: Record<string, unknown> | undefined) {
  const inputDir = join(folder, 'input');
  const photosDir = join(folder, 'photos');
  const { comfy, s } = await start({ inputDir, photosDir });
  const bytes = await png(photo().picture);
  await writeFile(join(inputDir, 'photo.png'), bytes);
  if (sidecar) {
    await mkdir(photosDir); // it may be made after the start
    await writeFile(join(photosDir, 'anna.png'), bytes);
    await writeFile(join(photosDir, 'anna.json'), JSON.stringify({ photo: 'anna.png', ...sidecar }));
  }
  return { comfy, s };
}

const own = pixelHash(photo().picture);

describe('image to image', () => {
  it('draws the photo with changes that the admin port knows, another for each seed, the same for the same', async () => {
    const { comfy, s } = await open(photo().regions as Record<string, unknown>);
    for (const [n, seed] of [1, 2, 1].entries())
      await run(s, { n: n + 1, graph: redraw({ seed, denoise: 0.4, prefix: `p${n}` }) });
    const drawn = await Promise.all(['p0', 'p1', 'p2'].map((p) => pixels(comfy.url, `filename=${p}_00001_.png`)));
    expect(drawn[0]).toBe(drawn[2]);
    expect(new Set([...drawn, own]).size).toBe(3);
    const labels = await comfy.labels();
    const first = labels[s.id(1)];
    expect(first).toMatchObject({ seed: 1, width: 160, height: 200 });
    expect(Object.keys((first?.labels as Labels).defects)).toContain('eyesCovered');
    // What it is told of the photo it uses: there is a person in front of a background.
    expect((first?.labels as Labels).background).not.toBeNull();
  });

  it('knows nothing of a photo that nobody wrote about', async () => {
    const { comfy, s } = await open(undefined);
    await run(s, { n: 1, graph: redraw({ seed: 1, denoise: 0.4, prefix: 'p' }) });
    expect(((await comfy.labels())[s.id(1)]?.labels as Labels).background).toBeNull();
  });

  it('changes nothing at denoise 0, and paints from the prompt at denoise 1', async () => {
    const { comfy, s } = await open(undefined);
    await run(s, { n: 1, graph: redraw({ seed: 1, denoise: 0, prefix: 'same' }) });
    expect(await pixels(comfy.url, 'filename=same_00001_.png')).toBe(own);
    await run(s, { n: 2, graph: redraw({ seed: 1, denoise: 1, prefix: 'new' }) });
    expect((await comfy.labels())[s.id(2)]).toMatchObject({ width: 160, height: 200 });
    expect(Object.keys((await comfy.labels())[s.id(2)]?.labels as Labels)).toContain('scene');
  });

  it('does not sample from an empty latent below denoise 1, nor twice', async () => {
    const { s } = await open(undefined);
    const empty = changed(txt2img({ seed: 1, prefix: 'x' }), '3', { denoise: 0.5 });
    const twice: Graph = redraw({ seed: 1, denoise: 0.5, prefix: 'x' });
    twice['20'] = { class_type: 'KSampler', inputs: { ...twice['3']!.inputs, latent_image: ['3', 0] } };
    twice['8']!.inputs['samples'] = ['20', 0];
    for (const [n, graph] of [empty, twice].entries()) {
      const error = (await run(s, { n: n + 1, graph })).find(({ type }) => type === 'execution_error');
      expect(error?.data.exception_type).toBe('NotImplementedError');
    }
  });

  it('gives masks as pictures: a channel of a file, or what is transparent in it', async () => {
    const { comfy, s } = await open(undefined);
    const { width, height, data } = garmentPhoto().picture;
    const alpha = Buffer.alloc(width * height, 255).fill(0, 0, width * 20);
    const holes = sharp(data, { raw: { width, height, channels: 3 } }).joinChannel(alpha, {
      raw: { width, height, channels: 1 },
    });
    await holes.png().toFile(join(folder, 'input', 'holes.png'));
    const save = (mask: [string, number]): Graph => ({
      '1': { class_type: 'LoadImage', inputs: { image: 'holes.png' } },
      '2': { class_type: 'LoadImageMask', inputs: { image: 'holes.png', channel: 'red' } },
      '3': { class_type: 'MaskToImage', inputs: { mask } },
      '4': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: `mask${mask[0]}` } },
    });
    await run(s, { n: 1, graph: save(['1', 1]) });
    await run(s, { n: 2, graph: save(['2', 0]) });
    const view = async (name: string): Promise<Buffer> => {
      const answer = await fetch(`${comfy.url}/view?filename=${name}_00001_.png`);
      return sharp(Buffer.from(await answer.arrayBuffer()))
        .raw()
        .toBuffer();
    };
    const [transparent, red] = [await view('mask1'), await view('mask2')];
    expect([transparent[0], transparent[3 * width * 20]]).toEqual([255, 0]);
    expect([0, 5000, 20000].map((i) => red[3 * i])).toEqual([0, 5000, 20000].map((i) => data[3 * i]));
  });
});
