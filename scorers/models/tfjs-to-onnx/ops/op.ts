import type { CullError } from '../../../../errors.js';
import type { Builder, Value } from '../builder.js';
import type { Attributes } from '../graph-model.js';
import type { DataType } from '../onnx.js';

/** One node of the graph model, as the rule for its kind sees it. */
export interface Op {
  /** The kind: `Conv2D`. */
  kind: string;
  /** The node's name; the values made for it are called after it. */
  name: string;
  attr: Attributes;
  inputs: readonly Value[];
  b: Builder;
  /** The error that names the node: `throw op.refuse('…')`. */
  refuse(why: string): CullError;
}

/** Adds the nodes for one op; gives its outputs. */
export type Rule = (op: Op) => Value | readonly Value[];

/** @throws CullError MODEL_INVALID where the input is not there */
export function input(op: Op, index: number): Value {
  const value = op.inputs[index];
  if (value === undefined) throw op.refuse(`input ${index} is missing`);
  return value;
}

/** The numbers of an input that must be known while converting (a shape, axes). */
export function known(op: Op, index: number): number[] {
  const { constant } = input(op, index);
  if (constant === undefined) throw op.refuse(`input ${index} is computed, only a constant can be converted`);
  return Array.from(constant.data);
}

/** The single number of such an input. */
export function knownScalar(op: Op, index: number): number {
  const [value, ...more] = known(op, index);
  if (value === undefined || more.length > 0) throw op.refuse(`input ${index} is not one number`);
  return value;
}

/** A value in TensorFlow's order. */
export const tf = (name: string, dims: readonly number[], type: DataType = 'float32'): Value => ({
  name,
  dims,
  type,
  layout: 'tf',
});

/** -1 counts from the end. */
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

export const sizeOf = (dims: readonly number[]): number => dims.reduce((product, size) => product * size, 1);
