/** The templates that redraw photos, on a real ComfyUI: their graphs are accepted, photos and masks arrive. Not how good the picture is. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { createComfyProvider } from '../../providers/comfyui/index.js';
import type { GenerationJob, InputFile } from '../../providers/provider.js';
import { bind, bindSeed, checkInputs, loadTemplate } from '../../templates/index.js';
import { address, watch } from '../providers/comfyui/support.js';
import { realServer } from '../sandbox/comfyui/protocol/real.js';

const SIDE = 64;

const comfy = await realServer();
const provider = createComfyProvider({ host: address(comfy.url) });
afterAll(() => provider.close());

/** Half of it dark, half of it light: whoever reads it can tell that it is this one. */
async function picture(dark: string, light: string): Promise<InputFile> {
  const half = { create: { width: SIDE / 2, height: SIDE, channels: 3 as const, background: light } };
  const bytes = await sharp({ create: { width: SIDE, height: SIDE, channels: 3, background: dark } })
    .composite([{ input: half, left: SIDE / 2, top: 0 }])
    .png()
    .toBuffer();
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return {
    name: `cull/test/${sha256}.png`,
    sha256,
    open: () => Promise.resolve({ size: bytes.length, body: bodyOf(bytes) }),
  };
}

async function* bodyOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function jobFor(name: 'headshot' | 'garment', photos: Record<string, InputFile>): Promise<GenerationJob> {
  const path = fileURLToPath(new URL(`../../examples/templates/${name}.json`, import.meta.url));
  const { graph, bindings } = await loadTemplate(path);
  const files = Object.fromEntries(Object.entries(photos).map(([input, file]) => [input, file.name]));
  const inputs = checkInputs({ bindings }, { ...files, checkpoint: comfy.checkpoint, steps: 2 });
  const seed = 7;
  return {
    tenant: 'test',
    request: `${name}-${process.pid}-${Date.now()}`,
    candidate: 0,
    attempt: 1,
    seed,
    graph: bindSeed(bind({ graph, bindings }, inputs), bindings.seed, seed),
    output: bindings.output,
    ...(bindings.masks && { masks: bindings.masks }),
    files: Object.values(photos),
  };
}

it(`${comfy.version} redraws a photo by the headshot template`, async () => {
  const job = await jobFor('headshot', { photo: await picture('#203040', '#c0a080') });
  expect(await watch(provider, job).result).toMatchObject({ format: 'png', width: SIDE, height: SIDE, files: [] });
});

it(`${comfy.version} redraws a garment, and the mask comes with it as it was given`, async () => {
  const photos = {
    photo: await picture('#203040', '#408040'),
    mask: await picture('#000', '#fff'),
    garment: await picture('#fff', '#408040'),
  };
  const drawn = await watch(provider, await jobFor('garment', photos)).result;
  expect(drawn).toMatchObject({ width: SIDE, height: SIDE });
  expect(drawn.files.map(({ mask, kind }) => [mask, kind])).toEqual([['garment', 'image']]);
  const { data, info } = await sharp(drawn.files[0]?.bytes).greyscale().raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([SIDE, SIDE]);
  expect([data[0], data[SIDE / 2 - 1], data[SIDE / 2], data[SIDE - 1]]).toEqual([0, 0, 255, 255]);
});
