import { LRUCache } from 'lru-cache';
import type { Graph } from '../../templates/types.js';
import { extensionOf } from '../file-kinds.js';
import type { GenerationJob, InputFile } from '../provider.js';
import type { ComfyClient } from './client.js';
import { orAbort } from './patience.js';

/**
 * Input files of one host, images and masks alike: each is sent once per tenant, as a stream, to `cull/<tenant>/<sha256>.<extension>`
 * in ComfyUI's input folder. Equal names are equal files, so ComfyUI leaves one that it has as it is.
 */
export class Uploads {
  readonly #client: ComfyClient;
  /** The name that ComfyUI gave, by tenant and content. */
  readonly #sent = new LRUCache<string, Promise<string>>({ max: 2_000 });

  constructor(client: ComfyClient) {
    this.#client = client;
  }

  /** Sends the job's files and puts the names that ComfyUI gave them into a copy of the graph. */
  async place(job: Pick<GenerationJob, 'tenant' | 'files'>, graph: Graph, signal: AbortSignal): Promise<Graph> {
    const names = new Map<string, string>();
    for (const file of job.files) names.set(file.name, await this.#once(job.tenant, file, signal));
    if ([...names].every(([asked, stored]) => asked === stored)) return graph;
    const placed = structuredClone(graph);
    for (const { inputs } of Object.values(placed)) {
      for (const [field, value] of Object.entries(inputs)) {
        const stored = typeof value === 'string' ? names.get(value) : undefined;
        if (stored !== undefined) inputs[field] = stored;
      }
    }
    return placed;
  }

  /** The host lost its input folder: send again. */
  forget(job: Pick<GenerationJob, 'tenant' | 'files'>): void {
    for (const file of job.files) this.#sent.delete(keyOf(job.tenant, file));
  }

  async #once(tenant: string, file: InputFile, signal: AbortSignal): Promise<string> {
    const key = keyOf(tenant, file);
    const known = this.#sent.get(key);
    // Who was sending may have given up; that is no reason for us to.
    const name = await orAbort(known?.catch(() => undefined) ?? Promise.resolve(undefined), signal);
    if (name !== undefined) return name;
    const mine = this.#sent.get(key);
    if (mine && mine !== known) return await this.#once(tenant, file, signal);
    const sending = this.#send(tenant, file, signal);
    this.#sent.set(key, sending);
    sending.catch(() => {
      if (this.#sent.get(key) === sending) this.#sent.delete(key);
    });
    return await sending;
  }

  async #send(tenant: string, file: InputFile, signal: AbortSignal): Promise<string> {
    const { size, body } = await file.open();
    return await this.#client.uploadImage({ subfolder: `cull/${tenant}`, name: nameOf(file), body, size }, { signal });
  }
}

const nameOf = ({ name, sha256 }: InputFile): string => {
  const extension = extensionOf(name);
  return extension === '' ? sha256 : `${sha256}.${extension}`;
};

const keyOf = (tenant: string, file: InputFile): string => `${tenant}/${nameOf(file)}`;
