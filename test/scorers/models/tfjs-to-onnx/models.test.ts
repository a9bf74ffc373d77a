import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp, { type Region } from 'sharp';
import { describe, expect, it } from 'vitest';
import { convertGraphModel } from '../../../../scorers/models/tfjs-to-onnx/convert.js';
import { GRAPH_MODELS, graphModel } from '../../../support/graph-models.js';
import { runInTfjs } from '../../../support/tfjs.js';
import { normals } from '../../synthetic.js';

/** What the smallest and the largest sample of a picture become. */
const RANGE: Record<string, readonly [number, number]> = {
  blazeface: [-1, 1],
  faceres: [0, 255],
  emotion: [-1, 1],
  handtrack: [-1, 1],
  centernet: [0, 255],
};

/**
 * The largest difference that is only rounding: of the largest value of an output, at least of 1. The worst found: 2.5e-5 (centernet's box sizes, 7e-3 of
 * 303 pixels), elsewhere 3e-6.
 */
const ROUNDING = 5e-5;

/** The two middle squares of a photo, scaled to the side. */
async function crops(side: number, channels: number): Promise<Uint8Array[]> {
  const photo = sharp('node_modules/@vladmandic/face-api/demo/sample1.jpg');
  const { width, height } = await photo.metadata();
  const scaled = (box: Region): Promise<Buffer> => {
    const crop = photo.clone().extract(box).resize(side, side, { fit: 'fill' });
    return (channels === 1 ? crop.greyscale() : crop).raw().toBuffer();
  };
  const short = Math.min(width, height);
  const square = (share: number): Region => {
    const length = Math.round(short * share);
    const [left, top] = [Math.round((width - length) / 2), Math.round((height - length) / 2)];
    return { left, top, width: length, height: length };
  };
  return Promise.all([scaled(square(1)), scaled(square(0.5))]);
}

function noise(length: number): Uint8Array {
  const next = normals(7);
  return Uint8Array.from({ length }, () => Math.min(255, Math.max(0, 128 + 60 * next())));
}

function compare(a: ArrayLike<number>, b: ArrayLike<number>): { cosine: number; worst: number; largest: number } {
  let [ab, aa, bb, worst, largest] = [0, 0, 0, 0, 0];
  for (let i = 0; i < b.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    ab += x * y;
    aa += x * x;
    bb += y * y;
    worst = Math.max(worst, Math.abs(x - y));
    largest = Math.max(largest, Math.abs(y));
  }
  return { cosine: ab / Math.sqrt(aa * bb), worst, largest };
}

describe('a converted model says what TensorFlow.js says', () => {
  it.each(GRAPH_MODELS)(
    '%s',
    async (id) => {
      const conversion = await graphModel(id);
      const session = await InferenceSession.create(convertGraphModel(conversion), {
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
      });
      const [input] = session.inputMetadata as readonly InferenceSession.TensorValueMetadata[];
      const dims = input!.shape.map((size) => (typeof size === 'number' ? size : 1));
      const [, side, , channels] = dims as [number, number, number, number];
      const [low, high] = RANGE[id] ?? [0, 1];
      const pictures = [...(await crops(side, channels)), noise(side * side * channels)];
      for (const bytes of pictures) {
        const data = Float32Array.from(bytes, (value) => low + ((high - low) * value) / 255);
        const got = await session.run({ [input!.name]: new Tensor('float32', data, dims) });
        const wanted = await runInTfjs(conversion, {
          inputs: { [input!.name]: { data, dims } },
          outputs: session.outputNames,
        });
        session.outputNames.forEach((name, i) => {
          const output = got[name]!;
          expect(output.dims, name).toEqual(wanted[i]!.dims);
          const { cosine, worst, largest } = compare(output.data as Float32Array, wanted[i]!.data);
          expect(cosine, name).toBeGreaterThanOrEqual(0.99999);
          expect(worst, name).toBeLessThan(ROUNDING * Math.max(1, largest));
        });
      }
    },
    300_000,
  ); // the first run pulls the packages
});
