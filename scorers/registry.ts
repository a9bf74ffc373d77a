import { pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { CullError, messageOf } from '../errors.js';
import * as builtIn from './built-in.js';
import { entryOf, ROLES } from './models/manifest.js';
import { httpScorers } from './outside/http.js';
import { questionSpec } from './outside/vision-model.js';
import { takesFile, type AnyScorer, type DimensionSpec, type ModelRef, type Scorer } from './scorer.js';

/** The scorers that are always there (`built-in.ts`), in the order of their names. */
export const builtInScorers: readonly Scorer[] = Object.values(builtIn).toSorted((a, b) =>
  a.spec.id < b.spec.id ? -1 : 1,
);

/**
 * The built-in scorers plus those from outside (`CULL_SCORERS=./mine.js,package,http://10.0.0.5:9000`). A module exports
 * `scorers: Scorer[]` or `scorer: Scorer`. A specifier that starts with `.` or `/` is a file, relative to `from`; one that starts with
 * `http:` or `https:` is a machine that measures image files (docs/scorers-from-outside.md); anything else is a package found from `from`.
 *
 * @throws CullError SCORER_INVALID naming the module and what is wrong with it, SCORER_UNREACHABLE naming the address.
 *
 * @example
 * const scorers = await loadScorers(['./brand-colour.js']);
 * Object.keys(dimensionsOf(scorers)); // ['resolution.longSide', …, 'brandColour.distance']
 */
export async function loadScorers(
  specifiers: readonly string[] = [],
  { from = process.cwd() } = {},
): Promise<readonly AnyScorer[]> {
  const scorers: AnyScorer[] = [...builtInScorers];
  for (const specifier of specifiers) {
    for (const scorer of await (isAddress(specifier) ? httpScorers(specifier) : importScorers(specifier, from))) {
      const wrong = problemOf(scorer, scorers);
      if (wrong !== undefined)
        throw new CullError('SCORER_INVALID', `the scorers of ${specifier} cannot be used: ${wrong}`, {
          hint: 'docs/adding-a-scorer.md has the contract; or take the module out of CULL_SCORERS',
        });
      scorers.push(scorer);
    }
  }
  return scorers;
}

/**
 * Every dimension that some scorers measure.
 *
 * @example
 * dimensionsOf(builtInScorers)['noise.sigma'].unit; // 'grey levels'
 */
export function dimensionsOf(scorers: readonly AnyScorer[]): Record<string, DimensionSpec> {
  return Object.assign({}, ...scorers.map((scorer) => scorer.spec.dimensions)) as Record<string, DimensionSpec>;
}

/**
 * Scorer id -> version, the one of questions to a vision model among them.
 *
 * @example
 * versionsOf(builtInScorers)['sharpness']; // '1.1.0'
 */
export const versionsOf = (scorers: readonly AnyScorer[]): Record<string, string> =>
  Object.fromEntries([...scorers.map(({ spec }) => spec), questionSpec].map(({ id, version }) => [id, version]));

/**
 * The models that scores of some scorers name: a model of several networks by its parts. What a scorer on another machine names is not known here.
 *
 * @example
 * modelNamesOf(builtInScorers); // { hashed: ['clip/vision', …, 'facemesh', …], named: ['vlm'] }
 */
export function modelNamesOf(scorers: readonly AnyScorer[]): { hashed: string[]; named?: string[] } {
  const hashed = scorers.filter((one) => !takesFile(one)).flatMap(({ spec }) => spec.models.flatMap(networksOf));
  return { hashed: [...new Set(hashed)].sort(), ...(!scorers.some(takesFile) && { named: ['vlm'] }) };
}

/** As the threads name them. */
function networksOf({ id }: ModelRef): string[] {
  const { parts } = entryOf(ROLES[id] ?? id) ?? {};
  return parts === undefined ? [id] : parts.map((part) => `${id}/${part}`);
}

/** Whether a specifier of CULL_SCORERS names a machine. */
export const isAddress = (specifier: string): boolean => /^https?:\/\//.test(specifier);

async function importScorers(specifier: string, from: string): Promise<Scorer[]> {
  let module: { scorers?: unknown; scorer?: unknown };
  try {
    const file = /^(\.{1,2})?\//.test(specifier)
      ? resolve(from, specifier)
      : createRequire(resolve(from, 'package.json')).resolve(specifier);
    module = (await import(pathToFileURL(file).href)) as typeof module;
  } catch (error) {
    throw new CullError('SCORER_INVALID', `the module ${specifier} cannot be loaded: ${messageOf(error)}`, {
      hint: 'name a JavaScript file (./mine.js) or an installed package in CULL_SCORERS',
      cause: error,
    });
  }
  const found = module.scorers ?? (module.scorer === undefined ? undefined : [module.scorer]);
  if (!Array.isArray(found) || found.length === 0)
    throw new CullError('SCORER_INVALID', `the module ${specifier} exports neither \`scorers\` nor \`scorer\``, {
      hint: 'export const scorers = [{ spec, assess }]',
    });
  return found as Scorer[];
}

/** What is wrong with a scorer from outside, or undefined. It comes untyped, so every field is checked. */
function problemOf(candidate: unknown, others: readonly AnyScorer[]): string | undefined {
  if (!isRecord(candidate) || !isRecord(candidate['spec'])) return 'a scorer is an object { spec, assess }';
  if (!('source' in candidate) && typeof candidate['assess'] !== 'function') return 'assess is not a function';
  const { id, version, tier, cost, models, source, dimensions } = candidate['spec'];
  if (typeof id !== 'string' || !/^[a-z][a-zA-Z0-9]*$/.test(id)) return `spec.id ${show(id)} is not in camelCase`;
  if (others.some((other) => other.spec.id === id)) return `there is already a scorer with the id ${id}`;
  if (typeof version !== 'string' || !/^\d+\.\d+\.\d+/.test(version))
    return `${id}: spec.version ${show(version)} is not a version like 1.0.0`;
  if (!['generic', 'useCase', 'business'].includes(tier as string))
    return `${id}: spec.tier ${show(tier)} is not generic, useCase or business`;
  if (!['cheap', 'model'].includes(cost as string)) return `${id}: spec.cost ${show(cost)} is not cheap or model`;
  if (!Array.isArray(models)) return `${id}: spec.models is not a list`;
  if (typeof source !== 'string' || source === '')
    return `${id}: spec.source does not say where the formula comes from`;
  if (!isRecord(dimensions) || Object.keys(dimensions).length === 0) return `${id}: spec.dimensions is empty`;
  for (const [name, declared] of Object.entries(dimensions)) {
    const wrong = dimensionProblem(id, name, declared);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function dimensionProblem(id: string, name: string, declared: unknown): string | undefined {
  if (!name.startsWith(`${id}.`) || !/^[a-z][a-zA-Z0-9]*$/.test(name.slice(id.length + 1)))
    return `dimension ${name} is not called ${id}.<camelCase>`;
  if (!isRecord(declared)) return `dimension ${name} is not declared as an object`;
  const { direction, unit, range } = declared;
  if (!['higher', 'lower', 'target'].includes(direction as string))
    return `dimension ${name}: direction ${show(direction)} is not higher, lower or target`;
  if (typeof unit !== 'string') return `dimension ${name}: unit is not a string`;
  const isRange = Array.isArray(range) && range.length === 2 && range.every((end) => typeof end === 'number');
  if (!isRange || !((range[0] as number) < (range[1] as number))) return `dimension ${name}: range is not [low, high]`;
  return undefined;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

const show = (value: unknown): string => (value === undefined ? 'undefined' : JSON.stringify(value));
