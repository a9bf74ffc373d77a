import { CullError } from '../../../errors.js';
import type { GraphModelJson, WeightSpec } from './graph-model.js';
import type { DataType } from './onnx.js';

export interface Constant {
  dims: readonly number[];
  type: DataType;
  data: Float32Array | Int32Array | Uint8Array;
}

const BYTES: Record<string, number> = { float32: 4, int32: 4, bool: 1, uint8: 1, uint16: 2, float16: 2 };

/**
 * The weights of a graph model by name, dequantised: uint8 and uint16 by `stored * scale + min` (whole numbers rounded), float16 widened,
 * as tfjs-core's `decodeWeights` does.
 *
 * @throws CullError MODEL_INVALID for a type that is not known, or too few bytes
 */
export function decodeWeights(
  name: string,
  manifest: GraphModelJson['weightsManifest'],
  bytes: Uint8Array,
): Map<string, Constant> {
  const weights = new Map<string, Constant>();
  let offset = 0;
  for (const spec of manifest.flatMap((group) => group.weights)) {
    const stored = spec.quantization?.dtype ?? spec.dtype;
    const width = BYTES[stored];
    if (width === undefined || !(spec.dtype === 'float32' || spec.dtype === 'int32' || spec.dtype === 'bool'))
      throw new CullError(
        'MODEL_INVALID',
        `the weight ${spec.name} of ${name} is ${stored} for ${spec.dtype}, which is not known`,
        {
          hint: 'convert the model with weights in float32, float16, uint16 or uint8',
        },
      );
    const length = spec.shape.reduce((product, size) => product * size, 1);
    const end = offset + length * width;
    if (end > bytes.length)
      throw new CullError(
        'MODEL_INVALID',
        `the weights of ${name} end in the middle of ${spec.name}: ${bytes.length} bytes`,
        {
          hint: 'pull the model again; the weights belong to another model, or were cut',
        },
      );
    // copied: a typed array must begin at a multiple of its width
    weights.set(spec.name, {
      dims: spec.shape,
      type: spec.dtype,
      data: decode(spec, stored, new Uint8Array(bytes.subarray(offset, end)).buffer),
    });
    offset = end;
  }
  return weights;
}

function decode({ dtype, quantization }: WeightSpec, stored: string, buffer: ArrayBuffer): Constant['data'] {
  if (stored === 'bool') return new Uint8Array(buffer);
  if (stored === 'float32') return new Float32Array(buffer);
  if (stored === 'int32') return new Int32Array(buffer);
  if (stored === 'float16') return Float32Array.from(new Uint16Array(buffer), widen);
  const { scale = 1, min = 0 } = quantization ?? {};
  const whole = stored === 'uint8' ? new Uint8Array(buffer) : new Uint16Array(buffer);
  return dtype === 'int32'
    ? Int32Array.from(whole, (value) => Math.round(value * scale + min))
    : Float32Array.from(whole, (value) => value * scale + min);
}

/** IEEE 754 binary16, by its bits, as a number. */
function widen(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
