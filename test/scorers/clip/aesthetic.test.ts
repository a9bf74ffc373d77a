import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageEmbedding } from '../../../scorers/clip/clip.js';
import { decodeFrame, type Frame } from '../../../scorers/frame.js';
import { aesthetic } from '../../../scorers/generic/aesthetic.js';
import { noModels, type Models } from '../../../scorers/models/models.js';
import { openModels } from '../../../scorers/models/sessions.js';
import { encodeModel } from '../../../scorers/models/tfjs-to-onnx/onnx.js';
import { SMALL_CLIP, writeRandomClip } from '../../support/random-clip.js';
import { assess, draw, png } from '../synthetic.js';

/** A linear head: the sum of the numbers, each times its weight, plus 5. */
const linearHead = (weights: Float32Array): Uint8Array =>
  encodeModel({
    name: 'head',
    nodes: [{ op: 'Gemm', inputs: ['embedding', 'weight', 'bias'], outputs: ['score'], attributes: {} }],
    initializers: [
      { name: 'weight', type: 'float32', dims: [weights.length, 1], data: weights },
      { name: 'bias', type: 'float32', dims: [1], data: Float32Array.of(5) },
    ],
    inputs: [{ name: 'embedding', type: 'float32', dims: [-1, weights.length] }],
    outputs: [{ name: 'score', type: 'float32', dims: [-1, 1] }],
  });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-aesthetic-'));
  await writeRandomClip(join(folder, 'clip'), SMALL_CLIP);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function frame(models: Models): Promise<Frame> {
  const decoded = await decodeFrame(await png(draw(80, 60, (x, y) => [3 * x, 4 * y, 99])), { models });
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.frame;
}

async function withHead(weights: Float32Array): Promise<Models> {
  await mkdir(join(folder, 'aesthetic'), { recursive: true });
  await writeFile(join(folder, 'aesthetic/model.onnx'), linearHead(weights));
  return openModels({ folder });
}

describe('aesthetic', () => {
  it("is the head's answer to the embedding", async () => {
    const weights = Float32Array.from({ length: SMALL_CLIP.dimensions }, (_, i) => Math.sin(i));
    const image = await frame(await withHead(weights));
    const expected = (await imageEmbedding(image)).reduce((sum, value, i) => sum + value * weights[i]!, 5);
    const { 'aesthetic.score': found } = await assess(aesthetic, image);
    expect(found).toMatchObject({ status: 'ok', raw: expect.closeTo(expected, 5) as number });
  });

  it('is missed where the head is for another CLIP, with both sizes', async () => {
    const { 'aesthetic.score': found } = await assess(aesthetic, await frame(await withHead(new Float32Array(512))));
    expect(found).toMatchObject({ status: 'unassessable', reason: 'model-missing' });
    expect(JSON.stringify(found)).toMatch(/reads 512 numbers, this CLIP gives 32/);
  });

  it('is missed without a head, and without a CLIP', async () => {
    const missing = { status: 'unassessable', reason: 'model-missing', facts: { model: 'aesthetic' } };
    expect((await assess(aesthetic, await frame(noModels)))['aesthetic.score']).toMatchObject(missing);
    const models = await withHead(new Float32Array(32));
    const without: Models = {
      opened: models.opened,
      open: (id) => (id === 'aesthetic' ? models.open(id) : noModels.open(id)),
      folder: (id) => noModels.folder(id),
    };
    const { 'aesthetic.score': found } = await assess(aesthetic, await frame(without));
    expect(found).toMatchObject({ ...missing, facts: { model: 'clip' } });
  });
});
