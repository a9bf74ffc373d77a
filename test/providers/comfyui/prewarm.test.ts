import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ComfyClient } from '../../../providers/comfyui/index.js';
import { warmUp, warmUpOf } from '../../../providers/comfyui/prewarm.js';
import type { Graph } from '../../../templates/types.js';
import { startSandbox } from '../../support/sandbox.js';

const graph = JSON.parse(await readFile('examples/templates/product.json', 'utf8')) as Graph;
const output = Object.keys(graph).filter((id) => graph[id]?.class_type === 'SaveImage');

test('64 x 64, one step, nothing kept, the same models', () => {
  const small = warmUpOf(graph, output)!;
  expect(small['3']?.inputs).toMatchObject({ steps: 1, cfg: 7, model: ['4', 0] });
  expect(small['4']).toMatchObject({ inputs: graph['4']?.inputs });
  expect(small['5']?.inputs).toEqual({ width: 64, height: 64, batch_size: 1 });
  expect(small[output[0]!]).toMatchObject({ class_type: 'PreviewImage' });
  expect(JSON.stringify(small)).not.toContain('SaveImage');
});

test('none where a file is needed, or nothing is saved', () => {
  const loading = { ...graph, '99': { class_type: 'LoadImage', inputs: { image: 'a.png' } } };
  expect(warmUpOf(loading, output)).toBeUndefined();
  expect(warmUpOf(graph, ['3'])).toBeUndefined();
});

test('it runs on a ComfyUI that is idle, and not on one that is not', async () => {
  const comfy = await startSandbox({ secondsPerImage: 0.05 });
  const client = new ComfyClient({ url: comfy.url });
  const small = warmUpOf(graph, output)!;
  const signal = new AbortController().signal;
  expect(await warmUp(client, { graph: small, signal })).toBe(true);
  await comfy.config({ secondsPerImage: 60 });
  const busy = new AbortController();
  const running = warmUp(client, { graph: small, signal: busy.signal });
  while ((await client.queueDepth()) === 0);
  expect(await warmUp(client, { graph: small, signal })).toBe(false);
  busy.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  while ((await client.queueDepth()) > 0);
  await comfy.close();
});
