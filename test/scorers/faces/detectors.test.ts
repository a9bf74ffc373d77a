/** How the answers of face detectors are read, on answers written by hand. YuNet's weights are not on npm: its accuracy is not measured here. */
import { describe, expect, it } from 'vitest';
import { blazeface } from '../../../scorers/faces/blazeface.js';
import type { Detection } from '../../../scorers/faces/detection.js';
import { strongest } from '../../../scorers/image/strongest.js';
import { yunet } from '../../../scorers/faces/yunet.js';
import type { Model, Tensor } from '../../../scorers/models/models.js';

/** A network that always answers the same and keeps what it was asked. */
function fixed(outputs: Record<string, Tensor>): { model: Model; asked: Tensor[] } {
  const asked: Tensor[] = [];
  return {
    asked,
    model: {
      id: 'fixed',
      sha256: '0',
      inputNames: ['in'],
      outputNames: Object.keys(outputs),
      run(feeds) {
        asked.push(feeds['in']!);
        return Promise.resolve(outputs);
      },
    },
  };
}

const tensor = (...dims: number[]): { type: 'float32'; data: Float32Array; dims: number[] } => ({
  type: 'float32',
  data: new Float32Array(dims.reduce((a, b) => a * b)),
  dims,
});

describe('BlazeFace', () => {
  const answer = () => {
    const [s16, s32, v16, v32] = [tensor(1, 512, 1), tensor(1, 384, 1), tensor(1, 512, 16), tensor(1, 384, 16)];
    s16.data.fill(-10);
    s32.data.fill(-10);
    return { s16, s32, v16, v32 };
  };

  it('reads a box and points from the anchor of their cell, in both grids', async () => {
    const { s16, s32, v16, v32 } = answer();
    // the fine grid: second anchor of column 3, row 2, whose middle is (56, 40)
    const fine = (2 * 16 + 3) * 2 + 1;
    s16.data[fine] = 2;
    v16.data.set([4, -2, 20, 30, 1, 2, 3, 4, 5, 6, 7, 8], fine * 16);
    // the coarse one: last anchor of column 7, row 7, whose middle is (240, 240)
    const coarse = (7 * 8 + 7) * 6 + 5;
    s32.data[coarse] = 1;
    v32.data.set([0, 0, 60, 60], coarse * 16);
    const { model, asked } = fixed({ a: s16, b: v16, c: s32, d: v32 });
    const found = await blazeface.find(model, new Float32Array(256 * 256 * 3).fill(255));
    expect(asked[0]!.dims).toEqual([1, 256, 256, 3]);
    expect(asked[0]!.data[0]).toBe(1);
    expect(found).toHaveLength(2);
    expect(found[0]!.score).toBeCloseTo(1 / (1 + Math.exp(-2)), 6);
    expect(found[0]).toMatchObject({
      box: { left: 50, top: 23, width: 20, height: 30 },
      leftEye: [57, 42],
      rightEye: [59, 44],
      nose: [61, 46],
      mouth: [63, 48],
    });
    expect(found[1]!.box).toEqual({ left: 210, top: 210, width: 60, height: 60 });
  });

  it('sees nothing below one half', async () => {
    const { s16, s32, v16, v32 } = answer();
    s16.data[7] = -0.01;
    const found = await blazeface.find(
      fixed({ a: s16, b: v16, c: s32, d: v32 }).model,
      new Float32Array(256 * 256 * 3),
    );
    expect(found).toEqual([]);
  });
});

describe('YuNet', () => {
  const answer = (): Record<string, Tensor & { data: Float32Array }> =>
    Object.fromEntries(
      [8, 16, 32].flatMap((stride) => {
        const cells = (640 / stride) ** 2;
        return [
          [`cls_${stride}`, tensor(1, cells, 1)],
          [`obj_${stride}`, tensor(1, cells, 1)],
          [`bbox_${stride}`, tensor(1, cells, 4)],
          [`kps_${stride}`, tensor(1, cells, 10)],
        ];
      }),
    );

  it('reads box and points in strides from their cell, and scores with the root of both beliefs', async () => {
    const outputs = answer();
    const cell = 5 * 40 + 10;
    outputs['cls_16']!.data[cell] = 0.9;
    outputs['obj_16']!.data[cell] = 1.2;
    outputs['bbox_16']!.data.set([0.5, 0.25, Math.log(4), Math.log(5)], cell * 4);
    outputs['kps_16']!.data.set([-1, 0, 1, 0, 0, 1, -1, 2, 1, 3], cell * 10);
    const [found, ...others] = await yunet.find(fixed(outputs).model, new Float32Array(640 * 640 * 3));
    expect(others).toEqual([]);
    expect(found!.score).toBeCloseTo(Math.sqrt(0.9), 6);
    expect(found!.box.left).toBeCloseTo(10.5 * 16 - 32, 3);
    expect(found!.box.top).toBeCloseTo(5.25 * 16 - 40, 3);
    expect(found!.box.width).toBeCloseTo(64, 3);
    expect(found!.box.height).toBeCloseTo(80, 3);
    expect(found).toMatchObject({ leftEye: [144, 80], rightEye: [176, 80], nose: [160, 96], mouth: [160, 120] });
  });

  it('is given BGR planes', async () => {
    const { model, asked } = fixed(answer());
    const rgb = new Float32Array(640 * 640 * 3);
    rgb.set([11, 22, 33], 3);
    await yunet.find(model, rgb);
    const n = 640 * 640;
    expect(asked[0]!.dims).toEqual([1, 3, 640, 640]);
    expect([0, 1, 2].map((c) => asked[0]!.data[c * n + 1])).toEqual([33, 22, 11]);
  });
});

it('of faces that overlap the best stays', () => {
  const at = (left: number, score: number): Detection => ({
    box: { left, top: 0, width: 10, height: 10 },
    score,
    leftEye: [0, 0],
    rightEye: [0, 0],
    nose: [0, 0],
    mouth: [0, 0],
  });
  expect(strongest([at(0, 0.7), at(2, 0.9), at(30, 0.6)], 0.3).map(({ score }) => score)).toEqual([0.9, 0.6]);
});
