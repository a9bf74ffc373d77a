import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { changed, noise, txt2img } from './graphs.js';
import { closeAll, pixels, run, start } from './harness.js';

afterEach(closeAll);

describe('pictures', () => {
  it('depend on prompt and seed, and on nothing else', async () => {
    const { comfy, s } = await start();
    const graph = txt2img({ seed: 5, prefix: 'a' });
    const blue = changed(graph, '6', { text: 'a blue mug on a white background' });
    await run(s, { n: 1, graph });
    await run(s, { n: 2, graph: blue });
    await run(s, { n: 3, graph: changed(graph, '3', { steps: 9 }) });
    const [a, b, c] = await Promise.all([1, 2, 3].map((n) => pixels(comfy.url, `filename=a_0000${n}_.png`)));
    expect(b).not.toBe(a);
    expect(c).toBe(a);
  });

  it('come from a pool when asked, and still differ by seed', async () => {
    const { comfy, s } = await start({ prerendered: { pictures: 2 } });
    const seeds = [1, 3, 5, 2 ** 53 - 1];
    for (const [n, seed] of seeds.entries()) await run(s, { n, graph: txt2img({ seed, prefix: 'a', size: 256 }) });
    const hashes = await Promise.all(seeds.map((_, n) => pixels(comfy.url, `filename=a_0000${n + 1}_.png`)));
    expect(new Set(hashes).size).toBe(seeds.length);
    expect(Object.keys(await comfy.labels())).toHaveLength(seeds.length);
  });

  it('of a model-free graph repeat for a seed', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    await run(s, { n: 2, graph: noise({ seed: 2, prefix: 'a' }) });
    await run(s, { n: 3, graph: noise({ seed: 1, prefix: 'a' }) });
    const [a, b, c] = await Promise.all([1, 2, 3].map((n) => pixels(comfy.url, `filename=a_0000${n}_.png`)));
    expect([b === a, c === a]).toEqual([false, true]);
  });

  it('scale and crop to the size asked for', async () => {
    const { comfy, s } = await start();
    const scaled = { image: ['3', 0], upscale_method: 'lanczos', width: 32, height: 0, crop: 'center' };
    const graph = changed(
      { ...noise({ seed: 1, prefix: 'a' }), '5': { class_type: 'ImageScale', inputs: scaled } },
      '4',
      {
        images: ['5', 0],
      },
    );
    await run(s, { n: 1, graph });
    const png = Buffer.from(await (await fetch(`${comfy.url}/view?filename=a_00001_.png&channel=rgb`)).arrayBuffer());
    expect(await sharp(png).metadata()).toMatchObject({ width: 32, height: 32, channels: 3 });
    expect(png.includes('tEXt')).toBe(false);
  });

  it('take on an uploaded mask', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    const clear = { r: 0, g: 0, b: 0, alpha: 0 };
    const mask = await sharp({ create: { width: 16, height: 16, channels: 4, background: clear } })
      .png()
      .toBuffer();
    await s.upload('/upload/mask', {
      image: ['m.png', mask],
      original_ref: JSON.stringify({ filename: 'a_00001_.png' }),
    });
    const masked = Buffer.from(await (await fetch(`${comfy.url}/view?filename=m.png&type=input`)).arrayBuffer());
    expect((await sharp(masked).stats()).channels[3]).toMatchObject({ min: 0, max: 0 });
  });
});
