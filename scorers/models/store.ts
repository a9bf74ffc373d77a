/** What is in the models folder: which models are there, and whether they still are what was pulled. */
import { existsSync, readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { messageOf } from '../../errors.js';
import type { ScorerSpec } from '../scorer.js';
import { folderOf, sourceWords, type ModelEntry } from './entry.js';
import { entryOf, MANIFEST, ROLES } from './manifest.js';
import { damaged, hashFile, PULLED, readPulled, recipeOf, type Pulled } from './pulled.js';
import { differences, runSynthetic } from './synthetic.js';

/**
 * - `present`: as pulled.
 * - `own`: put there by hand, taken as it is.
 * - `outdated`: pulled by a version of Cull that made it otherwise.
 * - `damaged`: a file is gone or has another length.
 */
export type ModelState = 'present' | 'own' | 'missing' | 'outdated' | 'damaged';

export interface ModelRow {
  id: string;
  state: ModelState;
  /** What is wrong, where it is damaged. */
  problem: string | null;
  about: string;
  /** Where it comes from; with the commit, once pulled from the hub. */
  source: string;
  /** Bytes on disk; of what would be fetched, where it is missing. */
  bytes: number;
  licence: { code: string; weights: string };
  /** Roles that it plays by default. */
  roles: string[];
  /** Ids of the scorers that want it. */
  scorers: string[];
}

/** Scorers of any kind: only what they declare matters here. */
type Wanting = Readonly<{ spec: Pick<ScorerSpec, 'id' | 'models'> }>;

/**
 * Every model of the manifest, then those of the hub and of people that are in the folder besides.
 *
 * @example
 * (await listModels('.cull/models', builtInScorers)).filter(({ state }) => state === 'missing');
 */
export async function listModels(folder: string, scorers: readonly Wanting[] = []): Promise<ModelRow[]> {
  const known = await Promise.all(MANIFEST.map((entry) => rowOf(folder, entry, scorers)));
  const more = (await others(folder)).flatMap((id) => entryOf(id) ?? []);
  return [...known, ...(await Promise.all(more.map((entry) => rowOf(folder, entry, scorers))))];
}

async function rowOf(folder: string, entry: ModelEntry, scorers: readonly Wanting[]): Promise<ModelRow> {
  const { id, about, licence } = entry;
  const at = join(folder, id);
  const pulled = await readPulled(at);
  const wrong = pulled === undefined ? [] : await damaged(at, pulled);
  const roles = Object.entries(ROLES).flatMap(([role, by]) => (by === id ? [role] : []));
  return {
    id,
    state: stateOf(entry, { at, pulled, whole: wrong.length === 0 }),
    problem: wrong.length === 0 ? null : wrong.join(', '),
    about,
    source: pulled?.source ?? sourceWords(entry),
    bytes: sum(pulled === undefined ? entry.files : Object.values(pulled.files)),
    licence,
    roles,
    scorers: scorers
      .filter(({ spec }) => spec.models.some((model) => model.id === id || roles.includes(model.id)))
      .map(({ spec }) => spec.id),
  };
}

function stateOf(
  entry: ModelEntry,
  { at, pulled, whole }: { at: string; pulled: Pulled | undefined; whole: boolean },
): ModelState {
  if (pulled === undefined) return networksIn(at, entry).length > 0 ? 'own' : 'missing';
  if (!whole) return 'damaged';
  const made = entryOf(pulled.id);
  return made !== undefined && pulled.recipe === recipeOf(made) ? 'present' : 'outdated';
}

export interface Verification {
  id: string;
  ok: boolean;
  /** What was found wrong; empty where all is well. */
  problems: string[];
  /**
   * - `golden`: files hash to what was pulled, and the network answers the synthetic input as it did when the manifest was written.
   * - `runs`: files hash to what was pulled, and the networks load; no golden answer is known.
   * - `own`: put there by hand: the networks load.
   */
  by: 'golden' | 'runs' | 'own';
}

/**
 * Re-hashes a model's files, opens its networks, and runs the golden input where there is one. Undefined: it is not there.
 *
 * @example
 * (await verifyModel('.cull/models', 'blazeface'))?.ok;
 */
export async function verifyModel(folder: string, id: string): Promise<Verification | undefined> {
  const at = join(folder, folderOf(id));
  const pulled = await readPulled(at);
  const entry = entryOf(pulled?.id ?? id);
  if (entry === undefined) return undefined;
  const networks = networksIn(at, entry);
  if (pulled === undefined && networks.length === 0) return undefined;

  const problems = pulled === undefined ? [] : await damaged(at, pulled);
  if (problems.length === 0)
    for (const [name, { sha256 }] of Object.entries(pulled?.files ?? {})) {
      const found = await hashFile(join(at, name));
      if (found !== sha256) problems.push(`${name} has sha256 ${found}, not ${sha256}`);
    }
  if (problems.length === 0) problems.push(...(await tryNetworks(entry, at, networks)));
  const by = pulled === undefined ? 'own' : entry.golden === undefined ? 'runs' : 'golden';
  return { id: entry.id, ok: problems.length === 0, problems, by };
}

async function tryNetworks({ golden, inputs }: ModelEntry, at: string, networks: string[]): Promise<string[]> {
  try {
    for (const name of networks) {
      if (golden === undefined)
        await (await InferenceSession.create(join(at, name), { logSeverityLevel: 3, intraOpNumThreads: 1 })).release();
      else {
        return differences(golden, await runSynthetic(join(at, name), { inputs, dims: golden.inputs }));
      }
    }
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

/** The network files of a model that are there, of whatever variant. */
function networksIn(at: string, { parts }: ModelEntry): string[] {
  if (parts === undefined) return existsSync(join(at, 'model.onnx')) ? ['model.onnx'] : [];
  const folder = join(at, 'onnx');
  if (!existsSync(folder)) return [];
  const isNetwork = (name: string): boolean => parts.some((part) => name.startsWith(`${part}_model`));
  return readdirSync(folder)
    .filter((name) => name.endsWith('.onnx') && isNetwork(name))
    .map((name) => `onnx/${name}`);
}

/** Repositories of the hub, `owner/name`, that were pulled besides. */
async function others(folder: string): Promise<string[]> {
  const ids: string[] = [];
  for (const owner of await folders(folder))
    for (const name of await folders(join(folder, owner)))
      if (existsSync(join(folder, owner, name, PULLED))) ids.push(`${owner}/${name}`);
  return ids;
}

const folders = async (at: string): Promise<string[]> =>
  (await readdir(at, { withFileTypes: true }).catch(() => []))
    .filter((one) => one.isDirectory() && !one.name.startsWith('.'))
    .map(({ name }) => name)
    .sort();

const sum = (files: readonly { bytes: number }[]): number => files.reduce((total, { bytes }) => total + bytes, 0);
