import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Graph } from '../../templates/types.js';
import type { GenerationJob } from '../provider.js';
import type { ComfyClient } from './client.js';

type File = GenerationJob['files'][number];

/** Input files of one host: each is sent once. */
export class Uploads {
  readonly #client: ComfyClient;
  /** Stored name by asked name. Names hold a hash of the content, so equal names are equal files. */
  readonly #sent = new LRUCache<string, Promise<string>>({ max: 2_000 });

  constructor(client: ComfyClient) {
    this.#client = client;
  }

  /**
   * Sends the job's files and puts the names that ComfyUI gave them into the graph.
   *
   * A file goes into the folder its name says, else into `cull/<tenant>` under the hash of its content.
   */
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
    for (const file of job.files) this.#sent.delete(`${job.tenant}:${file.name}`);
  }

  async #once(tenant: string, file: File, signal: AbortSignal): Promise<string> {
    const key = `${tenant}:${file.name}`;
    const sent = this.#sent.get(key) ?? this.#send(tenant, file, signal);
    this.#sent.set(key, sent);
    try {
      return await sent;
    } catch (error) {
      this.#sent.delete(key);
      // The one who was sending gave up; that is no reason for us to.
      if (signal.aborted) throw error;
      const mine = this.#send(tenant, file, signal);
      this.#sent.set(key, mine);
      mine.catch(() => this.#sent.delete(key));
      return await mine;
    }
  }

  async #send(tenant: string, file: File, signal: AbortSignal): Promise<string> {
    const bytes = new Uint8Array(await file.bytes());
    const slash = file.name.lastIndexOf('/');
    const extension = /\.[A-Za-z0-9]{1,5}$/.exec(file.name)?.[0] ?? '';
    const place =
      slash > 0
        ? { subfolder: file.name.slice(0, slash), name: file.name.slice(slash + 1) }
        : { subfolder: `cull/${tenant}`, name: createHash('sha256').update(bytes).digest('hex') + extension };
    return await this.#client.uploadImage({ ...place, body: bytes }, { signal });
  }
}
