import { existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { InferenceSession, listSupportedBackends, Tensor as OrtTensor } from 'onnxruntime-node';
import { CullError, messageOf } from '../../errors.js';
import { folderOf } from './entry.js';
import { entryOf, ROLES } from './manifest.js';
import type { Unassessable } from '../scorer.js';
import { modelMissing, type Model, type Models, type Tensor } from './models.js';
import { hashFile, readPulled } from './pulled.js';

/** Where models are and what they run on. Plain data: it travels to the scoring threads. */
export interface ModelOptions {
  /** Folder with the pulled models: `<folder>/<id>/model.onnx`. */
  folder: string;
  /**
   * Which model plays a role, or stands for an id, where it is not the default: `{ clip: './my-clip#quantized', faceBox: 'yunet' }`. An id (of
   * the manifest, or owner/name of the hub) lies in `folder`; what starts with `.` or `/` is a folder of its own, relative to the working
   * directory. Behind a #: the dtype suffix of its network files.
   */
  use?: Readonly<Record<string, string>>;
  /**
   * onnxruntime's execution providers, best first: `cuda`, `dml`, `coreml`, `webgpu`, `cpu`. The first that can be had runs a model; without
   * `cpu` in the list nothing falls back to it. @default ['cpu']
   */
  executionProviders?: readonly string[];
}

/** The models of a thread, and what to write beside the scores that they make. */
export interface ThreadModels extends Models {
  /**
   * sha256 of every network that plays `id`, by what it is opened as; empty where it is not there. Whether one was opened yet does not
   * matter, so that a score says the same whatever its thread measured before.
   */
  hashes(id: string): Promise<Readonly<Record<string, string>>>;
  /** Milliseconds so far in which models were read, hashed and opened: once per thread, whichever scorer asks first. */
  loadingMs(): number;
}

/** Suffixes of a network's file name by what its weights are stored in, most exact first; the layout of transformers.js. */
const DTYPES = ['', '_fp16', '_quantized', '_int8', '_uint8', '_q4', '_q4f16', '_bnb4'];

/**
 * Opens models in onnxruntime, each once, one thread each: `session.run` blocks the thread that calls it, so this belongs in a scoring thread, and
 * more threads per model would only compete with the other scoring threads.
 *
 * @throws CullError CONFIG_INVALID where none of the execution providers is in this onnxruntime
 * @example
 * const models = openModels({ folder: '.cull/models' });
 * const { scores } = await (await models.open('blazeface')).run({ input });
 */
export function openModels(options: ModelOptions): ThreadModels {
  const providers = checkedProviders(options.executionProviders);
  const opening = new Map<string, Promise<Model>>();
  const opened = new Map<string, string>();
  const hashing = new Map<string, Promise<string>>();
  const clock = createStopwatch();
  const hashOnce = (file: string): Promise<string> => {
    const hash = hashing.get(file) ?? clock.during(hashFile(file));
    hashing.set(file, hash);
    return hash;
  };
  const load = async (asked: string): Promise<Model> => {
    const [name = '', part] = splitPart(asked);
    const { folder, dtype, missing } = resolveModel(name, options);
    const path = networkFile(folder, { part, dtype });
    if (path === undefined) throw missing;
    const file = join(folder, path);
    const sha256 = await hashOnce(file);
    const pulled = (await readPulled(folder))?.files[path]?.sha256;
    if (pulled !== undefined && pulled !== sha256) throw corrupt(name, file, `it is not the file that was pulled`);
    const session = await createSession(file, providers).catch((error: unknown) => {
      throw corrupt(name, file, messageOf(error), error);
    });
    opened.set(asked, sha256);
    return modelOf(asked, { sha256, session });
  };
  return {
    opened,
    open(id) {
      const known = opening.get(id);
      if (known !== undefined) return known;
      const fresh = clock.during(load(id));
      opening.set(id, fresh);
      // one that is missing may be pulled while the thread lives; one that is broken stays so, and is not read for every image
      fresh.catch((error: unknown) => !(error instanceof CullError) && opening.delete(id));
      return fresh;
    },
    async hashes(id) {
      const { folder, dtype } = resolveModel(id, options);
      const parts = [undefined, ...(entryOf(ROLES[id] ?? id)?.parts ?? [])];
      const found: Record<string, string> = {};
      for (const part of parts) {
        const path = networkFile(folder, { part, dtype });
        if (path !== undefined) found[part === undefined ? id : `${id}/${part}`] = await hashOnce(join(folder, path));
      }
      return found;
    },
    loadingMs: () => clock.ms(),
    async folder(id) {
      const { folder, missing } = resolveModel(id, options);
      await access(folder).catch(() => Promise.reject(missing));
      return folder;
    },
  };
}

/**
 * Where a model, or the one that plays a role, lies; with which dtype it was asked for; and what to say where it is not there.
 *
 * @example
 * resolveModel('identity', { folder: '/models', use: { identity: 'sface' } }).folder; // '/models/sface'
 */
export function resolveModel(
  name: string,
  { folder, use = {} }: ModelOptions,
): { folder: string; dtype: string | undefined; missing: Unassessable } {
  const target = use[name] ?? ROLES[name] ?? name;
  const [path = '', dtype] = target.split('#');
  const isFolder = isAbsolute(path) || /^\.{1,2}([\\/]|$)/.test(path);
  return {
    folder: isFolder ? resolve(path) : join(folder, folderOf(path)),
    dtype,
    missing: modelMissing(name, isFolder ? { folder: resolve(path) } : { pull: target }),
  };
}

/** How long one or more of some promises were open: what overlaps counts once. */
function createStopwatch(): { during<T>(work: Promise<T>): Promise<T>; ms(): number } {
  let [open, since, sum] = [0, 0, 0];
  return {
    during(work) {
      if (open++ === 0) since = performance.now();
      const ended = (): void => {
        if (--open === 0) sum += performance.now() - since;
      };
      work.then(ended, ended);
      return work;
    },
    ms: () => sum + (open === 0 ? 0 : performance.now() - since),
  };
}

/** `clip/vision` is a network of the role `clip`; `owner/name` is none of anything. */
function splitPart(asked: string): string[] {
  const at = asked.lastIndexOf('/');
  return at > 0 && asked.slice(0, at) in ROLES ? [asked.slice(0, at), asked.slice(at + 1)] : [asked];
}

function networkFile(
  folder: string,
  { part, dtype }: { part: string | undefined; dtype: string | undefined },
): string | undefined {
  const names = (dtype === undefined ? DTYPES : [`_${dtype}`]).map((suffix) =>
    part === undefined ? `model${suffix}.onnx` : `onnx/${part}_model${suffix}.onnx`,
  );
  return names.find((name) => existsSync(join(folder, name)));
}

/** The providers that this onnxruntime has, in the order asked for. */
export function checkedProviders(asked: readonly string[] = ['cpu']): string[] {
  const there = listSupportedBackends().map(({ name }) => name);
  const usable = asked.filter((name) => there.includes(name));
  if (usable.length > 0) return usable;
  throw new CullError('CONFIG_INVALID', `onnxruntime here has no execution provider ${asked.join(' or ')}`, {
    hint: `CULL_EXECUTION_PROVIDERS may name ${there.join(', ')}, best first`,
  });
}

/** One provider after the other: a library that a provider needs may be missing on this machine. */
async function createSession(file: string, providers: readonly string[]): Promise<InferenceSession> {
  const failures: string[] = [];
  for (const provider of providers)
    try {
      return await InferenceSession.create(file, {
        executionProviders: [provider],
        intraOpNumThreads: 1,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        logSeverityLevel: 3,
      });
    } catch (error) {
      failures.push(`${provider}: ${messageOf(error)}`);
    }
  throw new Error(failures.join('; '));
}

function modelOf(id: string, { sha256, session }: { sha256: string; session: InferenceSession }): Model {
  return {
    id,
    sha256,
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    inputDims: Object.fromEntries(
      session.inputMetadata.flatMap((input) => (input.isTensor ? [[input.name, input.shape]] : [])),
    ),
    async run(feeds) {
      const inputs = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, toOrt(tensor)]));
      const outputs = await session.run(inputs);
      return Object.fromEntries(
        Object.entries(outputs).map(([name, { type, data, dims }]) => [name, { type, data, dims } as Tensor]),
      );
    },
  };
}

const corrupt = (id: string, file: string, why: string, cause?: unknown): CullError =>
  // the remedy is in the message too: a score keeps only that
  new CullError(
    'MODEL_CORRUPT',
    `the model ${id} (${file}) cannot be used: ${why}; comfy-cull models pull ${id} --again`,
    {
      hint: `comfy-cull models pull ${id} --again`,
      ...(cause !== undefined && { cause }),
    },
  );

const toOrt = ({ type, data, dims }: Tensor): OrtTensor => new OrtTensor(type as 'float32', data as Float32Array, dims);
