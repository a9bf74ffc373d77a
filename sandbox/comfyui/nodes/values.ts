import { PythonError } from '../graph.js';
import { numeric } from '../json.js';
import type { EncodedPixels } from '../png.js';

/** One image between nodes. 8 bits a sample, where the real server keeps floats. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  /** RGB, row by row. */
  readonly data: Buffer;
  /** The pixels as PNG chunks, where they exist already. */
  readonly encoded?: EncodedPixels;
  /** sha256 of the file that it was loaded from, hex; scaled it is still that photo, changed otherwise it is not. */
  readonly source?: string;
}

/** A plane between nodes: 255 is inside. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}

export type Images = readonly Picture[];

export interface Latent {
  readonly width: number;
  readonly height: number;
  readonly batch: number;
  /** What the latent decodes to; an empty latent has none. */
  readonly pictures?: Images;
  /** The pictures come from an image and not from a sampler. */
  readonly isEncoded?: boolean;
}

export interface Model {
  readonly checkpoint: string;
}

export interface Conditioning {
  readonly text: string;
}

/** The value of a linked input. Validation has matched the types of the two ends, which is why the caller may name the type. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- names the type in place of a cast at each call
export function linked<T>(inputs: Readonly<Record<string, unknown>>, name: string): T {
  const value = inputs[name];
  if (value === undefined || value === null) throw new PythonError('TypeError', `${name} is None`);
  return value as T;
}

export function number(inputs: Readonly<Record<string, unknown>>, name: string): number {
  const value = numeric(inputs[name]);
  if (value === undefined) throw new PythonError('TypeError', `${name} is not a number`);
  return Number(value);
}

export function text(inputs: Readonly<Record<string, unknown>>, name: string): string {
  const value = inputs[name];
  if (typeof value !== 'string') throw new PythonError('TypeError', `${name} is not a string`);
  return value;
}
