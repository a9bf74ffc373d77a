/** What scorers compare a picture with, as far as a template knows: photos, regions, expectations. */
import { z } from 'zod';
import { isLink, nodeName } from './check.js';
import { meant } from './suggest.js';
import type { Bindings, Graph } from './types.js';

const inputName = z.string().min(1);
const word = z.string().regex(/^[A-Za-z][A-Za-z0-9]*$/, 'is not a name of letters and digits');
const literal = z.union([z.string(), z.number(), z.boolean()]);
const nodeId = z.union([z.string().min(1), z.number().int()]).transform(String);

/** Fields of the bindings file. */
export const comparedFields = {
  references: z.array(inputName).min(1).optional(),
  named: z.record(word, inputName).optional(),
  masks: z.record(word, nodeId).optional(),
  expect: z.record(word, z.union([z.strictObject({ input: inputName }), literal, z.array(literal)])).optional(),
};

/** Nodes that show or send images but keep none that could be fetched later. */
export const NOT_KEPT: ReadonlySet<string> = new Set(['PreviewImage', 'SaveImageWebsocket']);

type Path = (string | number)[];
type Compared = Pick<Bindings, 'references' | 'named' | 'masks' | 'expect'>;

/**
 * Checks that every input named here is declared (an image where a photo is meant) and that every mask comes from a node that saves
 * pictures and is no output: an output's picture is the candidate.
 *
 * @returns the fields that are there; a bindings file without them keeps the hash of its release
 */
export function checkCompared(
  given: Compared,
  of: { graph: Graph; bindings: Pick<Bindings, 'inputs' | 'output'> },
  fail: (message: string, at: { path: Path; hint: string }) => unknown,
): Compared {
  const { inputs, output } = of.bindings;
  const known = Object.keys(inputs);
  const checkInput = (name: string, path: Path): void => {
    if (!Object.hasOwn(inputs, name)) fail(`there is no input "${name}"`, { path, hint: meant(name, known) });
  };
  const checkImage = (name: string, path: Path): void => {
    checkInput(name, path);
    if (inputs[name]?.type !== 'image')
      fail(`input "${name}" is no image`, { path, hint: 'name the input of a LoadImage node' });
  };
  given.references?.forEach((name, i) => checkImage(name, ['references', i]));
  for (const [key, name] of Object.entries(given.named ?? {})) checkImage(name, ['named', key]);
  for (const [key, value] of Object.entries(given.expect ?? {}))
    if (typeof value === 'object' && 'input' in value) checkInput(value.input, ['expect', key]);
  for (const [key, id] of Object.entries(given.masks ?? {})) {
    const path: Path = ['masks', key];
    const node = Object.hasOwn(of.graph, id) ? of.graph[id] : undefined;
    if (!node) fail(`mask node ${id} is not in the graph`, { path, hint: meant(id, Object.keys(of.graph)) });
    else if (NOT_KEPT.has(node.class_type) || !Object.values(node.inputs).some(isLink))
      fail(`mask ${nodeName(id, of.graph)} keeps no picture`, {
        path,
        hint: 'use a SaveImage node (after MaskToImage)',
      });
    else if (output.includes(id))
      fail(`mask ${nodeName(id, of.graph)} is an output too`, { path, hint: 'a mask has a SaveImage node of its own' });
  }
  const { references, named, masks, expect } = given;
  return {
    ...(references && { references }),
    ...(named && { named }),
    ...(masks && { masks }),
    ...(expect && { expect }),
  };
}
