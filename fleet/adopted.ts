/** What dead predecessors left in the ComfyUIs and is still wanted: the next attempt attaches to it, even where its handle did not reach Temporal. */
import type { GenerationJob, Handle, Provider } from '../providers/provider.js';
import type { Mark } from '../providers/comfyui/mark.js';
import { isName, keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { CandidateRecord } from '../workflows/contract.js';

type Candidate = Pick<GenerationJob, 'tenant' | 'request' | 'candidate'>;
const nameOf = ({ tenant, request, candidate }: Candidate): string => `${tenant}/${request}/${candidate}`;

export class Adopted {
  readonly #handles = new Map<string, Handle>();
  readonly #looking = new Set<Promise<unknown>>();

  /** Somebody looks through a ComfyUI; who asks meanwhile waits for that. */
  during<T>(look: Promise<T>): Promise<T> {
    this.#looking.add(look);
    const done = (): unknown => this.#looking.delete(look);
    look.then(done, done);
    return look;
  }

  keep(found: readonly { mark: Mark; handle: Handle }[]): void {
    for (const { mark, handle } of found) this.#handles.set(nameOf(mark), handle);
  }

  /** Where the candidate is. Told once: an attempt that fails there must not be sent there again. */
  async take(candidate: Candidate): Promise<Handle | undefined> {
    await Promise.allSettled(this.#looking);
    const name = nameOf(candidate);
    const handle = this.#handles.get(name);
    this.#handles.delete(name);
    return handle;
  }
}

/**
 * Whether a candidate is still to be drawn: its request is one of this storage and has not ended, and its picture is not stored yet.
 *
 * A request that is not in this storage belongs to another installation; its prompts are left alone, as wanted.
 */
export async function isWanted(storage: Storage, { tenant, request, candidate }: Candidate): Promise<boolean> {
  if (!isName(tenant) || !isName(request) || !(await storage.head(keys.request(tenant, request)))) return true;
  if (await storage.head(keys.result(tenant, request))) return false;
  const record = await storage.get(keys.record(tenant, request, candidate));
  return !record || (JSON.parse(record.body.toString('utf8')) as CandidateRecord).image === null;
}

/** A provider whose attempts find what a predecessor left, where they have no handle of their own. */
export function withAdopted<P extends Provider>(provider: P, adopted: Adopted): P {
  return {
    ...provider,
    async generate(job: GenerationJob, run: GenerateRun) {
      const resume = run.resume || job.fresh ? undefined : await adopted.take(job);
      if (!resume) return provider.generate(job, run);
      await run.onSubmitted(resume);
      return provider.generate(job, { ...run, resume });
    },
  };
}
type GenerateRun = Parameters<Provider['generate']>[1];
