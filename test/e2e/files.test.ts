/** Files on both ends: input images reach ComfyUI, and what a template makes besides the image reaches the one who asked. */
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeOut } from '../../cli/out-folder.js';
import { readRelease } from '../../cli/release.js';
import { ComfyClient } from '../../providers/comfyui/index.js';
import type { Graph } from '../../templates/types.js';
import { INPUTS, openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

let sandbox: TestSandbox;
let pipeline: Pipeline;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-files-'));
  sandbox = await startSandbox({ secondsPerImage: 0.05 });
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
});
afterAll(async () => {
  await pipeline.close();
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

/** The product template with a second output: a small version of the picture. */
async function withThumbnail() {
  const path = join(folder, 'product.json');
  const graph = JSON.parse(await readFile('examples/templates/product.json', 'utf8')) as Graph;
  graph['20'] = {
    class_type: 'ImageScale',
    inputs: { image: ['8', 0], upscale_method: 'bilinear', width: 32, height: 32, crop: 'disabled' },
  };
  graph['21'] = { class_type: 'SaveImage', inputs: { images: ['20', 0], filename_prefix: 'small' } };
  await writeFile(path, JSON.stringify(graph));
  await cp('examples/templates/product.template.yaml', join(folder, 'product.template.yaml'));
  const bindings = await readFile(join(folder, 'product.template.yaml'), 'utf8');
  await writeFile(join(folder, 'product.template.yaml'), bindings.replace("output: '9'", "output: ['9', '21']"));
  return readRelease(path, { policyPath: 'examples/policies/generic.yaml', scorers: [], allowNodes: [] });
}

test('a second output is kept with every candidate and delivered with the winners', async () => {
  const request = await pipeline.generate({
    release: await withThumbnail(),
    inputs: INPUTS,
    deliver: 2,
    candidates: 6,
  });
  const { result, records } = await pipeline.end(request);
  expect(result.counts).toMatchObject({ drawn: 6, scored: 6, lost: 0 });
  for (const { image, files, candidate } of records) {
    expect(image).toMatchObject({ width: 128, height: 128 });
    expect(files).toMatchObject([
      { key: `default/requests/${request}/candidates/000${candidate}.1.png`, kind: 'image', contentType: 'image/png' },
    ]);
  }
  expect(result.delivered.length).toBeGreaterThan(0);
  const out = await writeOut(pipeline.cull, result, join(folder, 'out'));
  for (const { rank, candidate, files = [] } of result.delivered) {
    expect(files).toMatchObject([{ kind: 'image', url: expect.stringContaining(`000${candidate}.1.png`) as string }]);
    const name = `0${rank}-candidate-000${candidate}`;
    expect(await readdir(out)).toEqual(expect.arrayContaining([`${name}.png`, `${name}.1.png`]) as string[]);
    expect(await sharp(join(out, `${name}.1.png`)).metadata()).toMatchObject({ width: 32, height: 32 });
  }
});

test('an input image reaches ComfyUI once, under its content, and is what is drawn on', async () => {
  const path = join(folder, 'photo.json');
  const graph: Graph = {
    '1': { class_type: 'LoadImage', inputs: { image: 'example.png' } },
    '2': { class_type: 'ImageAddNoise', inputs: { image: ['1', 0], seed: 0, strength: 0.1 } },
    '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: 'x' } },
  };
  await writeFile(path, JSON.stringify(graph));
  await writeFile(
    join(folder, 'photo.template.yaml'),
    "name: photo\ninputs: { photo: { node: '1', field: image, required: true } }\nseed: { node: '2', field: seed }\noutput: '3'\n",
  );
  const release = await readRelease(path, {
    policyPath: 'examples/policies/generic.yaml',
    scorers: [],
    allowNodes: [],
  });
  const photo = await sharp({ create: { width: 96, height: 64, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  const given = await pipeline.cull.putInput(photo, { name: 'holiday/Face.JPG' });
  const sha256 = createHash('sha256').update(photo).digest('hex');
  expect(given).toEqual({ image: sha256, extension: '.jpg' });
  const request = await pipeline.generate({ release, inputs: { photo: given }, deliver: 1, candidates: 4 });
  const { result, records } = await pipeline.end(request);
  expect(result.counts).toMatchObject({ drawn: 4, scored: 4 });
  for (const { image } of records) {
    expect(image).toMatchObject({ width: 96, height: 64 });
    const drawn = await pipeline.cull.storage.get(image?.key ?? '');
    const { channels } = await sharp(drawn?.body).stats();
    expect(channels.map(({ mean }) => Math.round(mean / 100))).toEqual([2, 0, 0]);
  }
  const history = await new ComfyClient({ url: sandbox.url }).history({ maxItems: 4 });
  expect(history.map((entry) => entry.graph['1']?.inputs.image)).toEqual(
    Array.from({ length: 4 }, () => `cull/default/${sha256}.jpg`),
  );
});
