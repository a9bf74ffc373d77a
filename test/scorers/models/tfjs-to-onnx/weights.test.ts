import { describe, expect, it } from 'vitest';
import { permute } from '../../../../scorers/models/tfjs-to-onnx/builder.js';
import type { WeightSpec } from '../../../../scorers/models/tfjs-to-onnx/graph-model.js';
import { decodeWeights } from '../../../../scorers/models/tfjs-to-onnx/weights.js';

function decode(spec: Omit<WeightSpec, 'name'>, bytes: Uint8Array): number[] {
  const weight = decodeWeights('mine', [{ weights: [{ name: 'w', ...spec }] }], bytes).get('w');
  return Array.from(weight!.data);
}
const bytesOf = (data: Uint16Array | Float32Array | Int32Array): Uint8Array => new Uint8Array(data.buffer);

describe('weights as they are stored', () => {
  it('float16: normal, subnormal, signed, the largest, infinity', () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x8000, 0x7bff, 0x7c00, 0xfc00);
    const wanted = [1, -2, 0.333251953125, 2 ** -24, -0, 65504, Infinity, -Infinity];
    const spec = { shape: [8], dtype: 'float32', quantization: { dtype: 'float16' } };
    expect(decode(spec, bytesOf(halves))).toEqual(wanted);
  });
  it('uint8 and uint16: stored * scale + min', () => {
    const of = (dtype: string) => ({ shape: [3], dtype: 'float32', quantization: { dtype, scale: 0.5, min: -10 } });
    expect(decode(of('uint8'), Uint8Array.of(0, 1, 255))).toEqual([-10, -9.5, 117.5]);
    expect(decode(of('uint16'), bytesOf(Uint16Array.of(0, 1, 65535)))).toEqual([-10, -9.5, 32757.5]);
  });
  it('whole numbers are rounded', () => {
    const spec = { shape: [3], dtype: 'int32', quantization: { dtype: 'uint8', scale: 0.4, min: 0 } };
    expect(decode(spec, Uint8Array.of(1, 2, 3))).toEqual([0, 1, 1]);
  });
  it('one after the other, at any offset of the file, whoever owns the buffer', () => {
    const file = Buffer.concat([Uint8Array.of(9), Uint8Array.of(7), bytesOf(Float32Array.of(1.5, -2))]);
    const weights = [
      { name: 'a', shape: [], dtype: 'int32', quantization: { dtype: 'uint8', scale: 1, min: 0 } },
      { name: 'b', shape: [2], dtype: 'float32' },
    ];
    const decoded = decodeWeights('mine', [{ weights }], file.subarray(1));
    expect(Array.from(decoded.get('a')!.data)).toEqual([7]);
    expect(Array.from(decoded.get('b')!.data)).toEqual([1.5, -2]);
  });
  it('a type that is not known is named', () => {
    expect(() => decode({ shape: [1], dtype: 'complex64' }, new Uint8Array(8))).toThrow(
      /weight w of mine is complex64/,
    );
  });
});

it('axes in another order', () => {
  const constant = { dims: [2, 3, 1], type: 'float32' as const, data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  expect(permute(constant, [1, 2, 0])).toEqual({
    dims: [3, 1, 2],
    type: 'float32',
    data: Float32Array.of(1, 4, 2, 5, 3, 6),
  });
});
