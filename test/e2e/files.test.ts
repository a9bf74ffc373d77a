/** What a template makes besides the image reaches the one who asked: storage, manifest, result, `out/`. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { writeOut } from '../../cli/out-folder.js';
import { readRelease } from '../../cli/release.js';
import type { Graph } from '../../templates/types.js';
import { INPUTS, openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';

let sandbox: TestSandbox;
let pipeline: Pipeline;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-files-'));
  sandbox = await startSandbox({ secondsPerImage: 0.05 });
  pipeline = await openPipeline({ address: inject('temporalAddress'), comfyUrls: [sandbox.url] });
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
