/** The bare `session.run` of each model, and CLIP from a frame beside its bare session and beside transformers.js. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeFrame } from '../../../scorers/frame.js';
import { pictureEmbedding } from '../../../scorers/clip/clip.js';
import { MANIFEST } from '../../../scorers/models/manifest.js';
import type { Tensor } from '../../../scorers/models/models.js';
import { openModels, type ThreadModels } from '../../../scorers/models/sessions.js';
import { syntheticInput } from '../../../scorers/models/synthetic.js';
import { VIT_B_32, writeRandomClip } from '../../support/random-clip.js';
import type { BenchImage } from './images.js';
import { median, medianOf, timed } from './timing.js';

/** Milliseconds of one run, batch 1 (or as the golden has it), free sides 640. */
export async function timeSessions(models: ThreadModels, rounds: number): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { id, source, inputs, golden } of MANIFEST) {
    if (source.kind !== 'npm') continue;
    const model = await models.open(id);
    const feeds: Record<string, Tensor> = {};
    for (const input of inputs) {
      const dims = golden?.inputs[input.name] ?? input.dims.map((dim, axis) => dim ?? (axis === 0 ? 1 : 640));
      feeds[input.name] = { type: 'float32', data: syntheticInput(input, dims), dims };
    }
    found[id] = await medianOf(rounds, () => model.run(feeds));
  }
  return found;
}

export interface ClipTiming {
  /** ViT-B/32 with random weights: the real shape. */
  shape: string;
  /** From an existing frame: preprocessing and the tower. */
  oursMs: number;
  /** `session.run` alone. */
  bareMs: number;
  /** bare / ours: our rate as a share of the bare session's. */
  rate: number;
  /** Processor and model of transformers.js on the same pixels, one thread. */
  transformersMs: number;
}

export async function timeClip(images: readonly BenchImage[], rounds: number): Promise<ClipTiming> {
  const root = await mkdtemp(join(tmpdir(), 'bench-clip-'));
  const folder = join(root, 'random', 'clip');
  try {
    await writeRandomClip(folder, VIT_B_32);
    const models = openModels({ folder: root, use: { clip: folder } });
    const tower = await models.open('clip/vision');
    const pixels: Tensor = { type: 'float32', data: new Float32Array(3 * 224 * 224).fill(0.1), dims: [1, 3, 224, 224] };
    const theirs = await transformersClip(root);
    const all = { ours: [] as number[], bare: [] as number[], theirs: [] as number[] };
    for (const { png } of images) {
      const decoded = await decodeFrame(png, { models });
      if (!decoded.ok) throw new Error(decoded.detail);
      const { frame } = decoded;
      // in turns, so that a machine that slows down slows all three
      for (let round = 0; round <= rounds; round++) {
        const ms = {
          ours: await timed(() => pictureEmbedding(models, frame)),
          bare: await timed(() => tower.run({ [tower.inputNames[0] ?? 'pixel_values']: pixels })),
          theirs: await timed(() => theirs(frame)),
        };
        if (round === 0) continue;
        for (const who of ['ours', 'bare', 'theirs'] as const) all[who].push(ms[who]);
      }
    }
    const [oursMs, bareMs] = [median(all.ours), median(all.bare)];
    return {
      shape: 'ViT-B/32, random weights',
      oursMs,
      bareMs,
      rate: bareMs / oursMs,
      transformersMs: median(all.theirs),
    };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function transformersClip(root: string) {
  const { AutoProcessor, CLIPVisionModelWithProjection, env, RawImage } = await import('@huggingface/transformers');
  env.allowRemoteModels = false;
  env.localModelPath = root;
  const options = { dtype: 'fp32', session_options: { intraOpNumThreads: 1, interOpNumThreads: 1 } } as const;
  const processor = await AutoProcessor.from_pretrained('random/clip', {});
  const model = await CLIPVisionModelWithProjection.from_pretrained('random/clip', options);
  return async ({ rgb, width, height }: { rgb: Uint8Array; width: number; height: number }): Promise<void> => {
    const inputs: unknown = await processor(new RawImage(new Uint8ClampedArray(rgb), width, height, 3));
    await model(inputs as Parameters<typeof model>[0]);
  };
}
