/** Runs a network on a synthetic picture, and compares with its golden answer. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { InputSpec } from './entry.js';
import type { Golden } from './goldens.js';

/** How far an element may be off, as a share of the largest golden value of its output: other processors round otherwise. */
export const GOLDEN_TOLERANCE = 1e-3;
/** And at least so far: a probability near 0 is e to the power of a large logit, whose rounding it makes larger. */
const GOLDEN_FLOOR = 1e-6;

/**
 * A picture like lines of coarse print, the same everywhere: whole-number arithmetic, then one division. Networks answer noise with nothing.
 *
 * @param dims of the input; a free one chosen
 * @returns row by row in the layout; values within the range
 * @example
 * syntheticInput({ layout: 'NHWC', range: [0, 1] }, [1, 192, 192, 3]);
 */
export function syntheticInput(
  { layout, range: [low, high] }: Pick<InputSpec, 'layout' | 'range'>,
  dims: readonly number[],
): Float32Array {
  const [, a = 1, b = 1, c = 1] = dims;
  const data = new Float32Array(dims.reduce((product, dim) => product * dim, 1));
  for (let i = 0; i < data.length; i++) {
    const last = i % c;
    const middle = Math.floor(i / c) % b;
    const first = Math.floor(i / (b * c)) % a;
    const [y, x, channel] = layout === 'NHWC' ? [first, middle, last] : [middle, last, first];
    const isLine = y % 24 >= 6 && y % 24 < 18 && x % 40 < 34;
    const ink = isLine ? ((x >> 2) * 5 + (y >> 2) * 3 + (x >> 3) * (y >> 3)) % 4 : 3;
    data[i] = low + ((high - low) * (ink * 80 + channel * 5)) / 250;
  }
  return data;
}

/** Every output of a network for its synthetic input. `dims`: by input name. */
export async function runSynthetic(
  file: string,
  { inputs, dims }: { inputs: readonly InputSpec[]; dims: Golden['inputs'] },
): Promise<Record<string, Float32Array>> {
  const session = await InferenceSession.create(file, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  try {
    const feeds = inputs.map((input) => {
      const shape = dims[input.name] ?? [];
      return [input.name, new Tensor('float32', syntheticInput(input, shape), shape)] as const;
    });
    const outputs = await session.run(Object.fromEntries(feeds));
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { data }]) => [name, Float32Array.from(data as Float32Array)]),
    );
  } finally {
    await session.release();
  }
}

/**
 * What differs from the golden outputs, in words; empty where all is well.
 *
 * @example
 * differences(golden, await runSynthetic(file, { inputs: entry.inputs, dims: golden.inputs }));
 */
export function differences(golden: Golden, outputs: Readonly<Record<string, Float32Array>>): string[] {
  return Object.entries(golden.outputs).flatMap(([name, samples]) => {
    const found = outputs[name];
    if (found === undefined) return [`there is no output ${name}`];
    const largest = Math.max(...samples.map(([, value]) => Math.abs(value)));
    return samples.flatMap(([index, value]) => {
      const is = found[index] ?? Number.NaN;
      return Math.abs(is - value) <= Math.max(GOLDEN_TOLERANCE * largest, GOLDEN_FLOOR)
        ? []
        : [`${name}[${index}] is ${is}, not ${value}`];
    });
  });
}
