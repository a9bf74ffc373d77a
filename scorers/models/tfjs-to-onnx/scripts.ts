import { CullError } from '../../../errors.js';
import type { GraphModelJson } from './graph-model.js';

/**
 * A graph model in UMD scripts, as npm's nsfwjs ships it: one script exports the model as an object literal, each further one base64 of a part of the
 * weights. The scripts are read, not run.
 *
 * @throws CullError MODEL_INVALID naming the script in which the model or the weights are not found
 *
 * @example
 * const { model, weights } = readScripts({ model: await read('model.min.js'), weights: [await read('group1-shard1of2.min.js'), …] });
 */
export function readScripts(scripts: { model: string; weights: readonly string[] }): {
  model: GraphModelJson;
  weights: Uint8Array;
} {
  return { model: literal(scripts.model), weights: Buffer.concat(scripts.weights.map(base64)) };
}

function literal(script: string): GraphModelJson {
  const [found] = /\{format:"graph-model".*\}(?=\},\{\}\]\},\{\},)/s.exec(script) ?? [];
  if (found === undefined)
    throw unreadable('the script of the model', 'there is no object with the format graph-model');
  // minified JavaScript to JSON: names get quotes, !0 and !1 are true and false, .5 is 0.5; texts stay as they are
  const json = found.replace(/"(?:[^"\\]|\\.)*"|[A-Za-z_$][\w$]*(?=:)|![01]|(?<![\w.])\.(?=\d)/g, (part) => {
    if (part.startsWith('"')) return part;
    if (part.startsWith('!')) return part === '!0' ? 'true' : 'false';
    return part === '.' ? '0.' : `"${part}"`;
  });
  try {
    return JSON.parse(json) as GraphModelJson;
  } catch (error) {
    throw unreadable('the script of the model', 'its object cannot be read', error);
  }
}

function base64(script: string, index: number): Uint8Array {
  const [, found] = /exports="([A-Za-z0-9+/]+=*)"/.exec(script) ?? [];
  if (found === undefined) throw unreadable(`script ${index + 1} of the weights`, 'it exports no base64');
  return Buffer.from(found, 'base64');
}

const unreadable = (what: string, why: string, cause?: unknown): CullError =>
  new CullError('MODEL_INVALID', `${what} cannot be read: ${why}`, {
    hint: 'pull the model again; another version of the package writes its scripts differently',
    cause,
  });
