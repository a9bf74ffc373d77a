import type { Dict } from '../graph.js';
import type { InputSpec } from './types.js';

/** Inputs that many nodes have. */

export const hidden = { prompt: 'PROMPT', extra_pnginfo: 'EXTRA_PNGINFO' } as const;

export function prefix(value: string): InputSpec {
  return ['STRING', { default: value, multiline: false }];
}

export function combo(options: readonly string[], value?: string): InputSpec {
  return ['COMBO', { ...(value === undefined ? {} : { default: value }), multiselect: false, options }];
}

export function framesPerSecond(value: number, limits: Dict = {}): InputSpec {
  return ['FLOAT', { default: value, min: 0.01, max: 1000, step: 0.01, ...limits }];
}
