/** A worker process on the shared Temporal server, its sandboxes and a storage of its own: what an end-to-end test needs. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRelease } from '../../cli/release.js';
import { Cull, type Watched } from '../../client/cull.js';
import type { GenerateOptions } from '../../client/request.js';
import { embeddedTarget } from '../../client/temporal.js';
import { openStorage, type Storage } from '../../storage/index.js';
import type { CandidateRecord, ResultDoc } from '../../workflows/contract.js';
import { startWorker, type WorkerProcess } from './worker-process.js';

export interface Pipeline {
  readonly dir: string;
  readonly cull: Cull;
  readonly worker: WorkerProcess;
  /** The variables with which a command line or another worker joins in. */
  readonly env: Record<string, string>;
  /** Starts a request of `examples/templates/product.json`, 128 x 128 and model free of charge, with the given differences. */
  generate(options?: Partial<GenerateOptions>): Promise<string>;
  /** Waits for the end; `seen` is called with every step. */
  end(request: string, seen?: (step: Watched) => void): Promise<{ result: ResultDoc; records: CandidateRecord[] }>;
  close(): Promise<void>;
}

export const PROMPT = 'product photo of a green bottle on a white background';
export const INPUTS = { prompt: PROMPT, width: 128, height: 128 };

export async function openPipeline(options: {
  address: string;
  comfyUrls: string[];
  env?: Record<string, string>;
  /** Of the client; `env` is to name the same for the worker. @default a folder of their own */
  storage?: Storage;
}): Promise<Pipeline> {
  const { address, comfyUrls } = options;
  const dir = await mkdtemp(join(tmpdir(), 'cull-e2e-'));
  const storage = options.storage ?? openStorage(join(dir, 'storage'));
  const env = {
    CULL_DIR: join(dir, '.cull'),
    CULL_STORAGE: join(dir, 'storage'),
    CULL_COMFYUI_URLS: comfyUrls.join(','),
    TEMPORAL_ADDRESS: address,
    ...options.env,
  };
  const worker = await startWorker(env);
  const cull = await Cull.connect({ target: embeddedTarget(address), storage, tenant: 'default' });
  const policyPath = 'examples/policies/generic.yaml';
  const release = await readRelease('examples/templates/product.json', { policyPath, scorers: [], allowNodes: [] });
  return {
    dir,
    cull,
    worker,
    env,
    generate: (differences = {}) =>
      cull.generate({ release, inputs: INPUTS, deliver: 1, candidates: 4, seed: 1, ...differences }),
    async end(request, seen = () => undefined) {
      const watching = cull.watch(request);
      for (;;) {
        const step = await watching.next();
        if (step.done) return { result: step.value, records: await cull.records(request) };
        seen(step.value);
      }
    },
    async close() {
      await cull.close();
      await worker.kill('SIGTERM');
      await rm(dir, { recursive: true, force: true });
    },
  };
}
