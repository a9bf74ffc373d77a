import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CullError, messageOf } from '../errors.js';
import { parseBindings } from './bindings.js';
import { checkGraph, checkShape } from './check.js';
import { checkSeeds } from './check-seed.js';
import { inferBindings } from './infer.js';
import { meant } from './suggest.js';
import type { Graph, Template } from './types.js';

/**
 * Reads a template: `name.json` (a graph in API format) and, if there is one, `name.template.yaml` beside it. Without it
 * seed, output and inputs are found by name (infer.ts).
 *
 * @param path of either file
 * @param options.allowNodes node classes allowed besides ComfyUI's own safe ones; left out, classes are not checked
 * @throws CullError TEMPLATE_UI_FORMAT, TEMPLATE_INVALID (with the line in the bindings file), NODE_NOT_ALLOWED, SEED_OUT_OF_RANGE
 * @example
 * const template = await loadTemplate('examples/templates/txt2img.json', { allowNodes: [] });
 */
export async function loadTemplate(path: string, options: { allowNodes?: readonly string[] } = {}): Promise<Template> {
  const stem = path.replace(/(\.template\.ya?ml|\.json)$/i, '');
  const graphPath = stem === path ? path : `${stem}.json`;
  const graph = parseGraph(await readGraph(graphPath), graphPath, options.allowNodes);
  const template = (await readBindings(stem, graph)) ?? { graph, bindings: inferBindings(graph, basename(stem)) };
  checkSeeds(graph, template.bindings);
  return template;
}

async function readBindings(stem: string, graph: Graph): Promise<Template | undefined> {
  for (const source of [`${stem}.template.yaml`, `${stem}.template.yml`]) {
    const text = await readIfThere(source);
    if (text !== undefined) return parseBindings(text, { graph, source });
  }
  return undefined;
}

function parseGraph(text: string, source: string, allowNodes: readonly string[] | undefined): Graph {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new CullError('TEMPLATE_INVALID', `${source} is not JSON: ${messageOf(error)}`, {
      hint: 'export the workflow from ComfyUI again: Workflow > Export (API)',
      cause: error,
    });
  }
  return allowNodes === undefined ? checkShape(value, source) : checkGraph(value, { allowNodes, source });
}

async function readGraph(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const others = await readdir(dirname(path)).catch(() => []);
    const graphs = others.filter((name) => name.endsWith('.json'));
    throw new CullError('TEMPLATE_INVALID', `the template ${path} cannot be read: ${messageOf(error)}`, {
      hint: graphs.length === 0 ? `there is no .json file in ${dirname(path)}` : meant(basename(path), graphs),
      cause: error,
    });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CullError('TEMPLATE_INVALID', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** The path of the template's default policy, seen from where the template's own path is seen. */
export function policyPathOf(templatePath: string, template: Template): string | undefined {
  return template.policyPath === undefined ? undefined : join(dirname(templatePath), template.policyPath);
}
