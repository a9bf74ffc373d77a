import type { Graph } from '../templates/types.js';

export interface Health {
  ok: boolean;
  /** Why not, for people; undefined when ok. */
  reason?: string;
  /** Jobs of anybody that wait or run there. */
  queueDepth?: number;
  /** Of the card that draws, in bytes, at most some seconds old; absent where it is not known. */
  memory?: { totalBytes: number; freeBytes: number };
  /** Only a restart helps; `perhaps`: unless a job of somebody else's just takes long. */
  restart?: 'surely' | 'perhaps';
}

/** A file that the graph needs on the host. */
export interface InputFile {
  /** What the graph says in its place; its extension is kept. */
  name: string;
  /** Of its content, hex: what it is called on the host. */
  sha256: string;
  /** Reads it from its beginning, `size` bytes. Asked only where the host does not have it yet. */
  open(): Promise<{ size: number; body: AsyncIterable<Uint8Array> }>;
}

/** One candidate to draw. */
export interface GenerationJob {
  /** The pool it is drawn for; kept with the prompt. @default `default` */
  pool?: string;
  tenant: string;
  request: string;
  candidate: number;
  seed: number;
  /** 1 on the first try of this candidate; each try has its own prompt id. */
  attempt: number;
  /** True if this candidate was certainly never submitted: the look for an earlier prompt is left out. @default false */
  fresh?: boolean;
  /** Fully bound: inputs, models, seed. */
  graph: Graph;
  /** Nodes whose images and other files are the output. */
  output: string[];
  /** Region name -> node that saves its mask beside the image. */
  masks?: Record<string, string>;
  files: InputFile[];
}

/** Where a submitted job can be found again after a crash. Kept below 300 B: it travels in every heartbeat. */
export interface Handle {
  host: string;
  promptId: string;
  /** True once that prompt has failed: it is not asked for again. */
  failed?: boolean;
}

export interface Progress {
  /** Node id that runs, if known. */
  node?: string;
  step?: number;
  of?: number;
}

export type FileKind = 'image' | 'video' | 'audio' | 'text' | 'model3d' | 'other';

/** Something that the output nodes made besides the image: passed through, never scored. */
export interface OutputFile {
  /** As the host calls it, without folders. */
  name: string;
  kind: FileKind;
  /** MIME type. */
  contentType: string;
  bytes: Uint8Array;
  /** The region that it is the mask of. */
  mask?: string;
}

/** What came out of one candidate. */
export interface Generation {
  /** The image: what is scored. */
  bytes: Uint8Array;
  /** `png`, `jpeg` or `webp`: what the bytes really are. */
  format: string;
  width: number;
  height: number;
  /** Everything else that the output nodes made, in the order of the nodes. */
  files: OutputFile[];
  host: string;
  promptId: string;
  timing: { /** submit to start */ queuedMs: number; /** start to end, as the host reports it */ drawMs: number };
}

export interface Quote {
  /** USD; null where no price is known. */
  usd: number | null;
  /** Expected seconds; null where unknown. */
  seconds: number | null;
}

/** Who draws. One contract; a conformance suite holds every provider to it. */
export interface Provider {
  readonly id: string;
  /** The one machine it draws on, as in `Handle.host`; left out where there is no such thing. */
  readonly host?: string;
  readonly supports: { graph: boolean; seed: boolean; cancel: boolean; referenceImages: boolean };
  health(): Promise<Health>;
  quote(job: GenerationJob): Quote;
  /**
   * Draws one candidate, or finds it where an earlier try left it.
   *
   * `signal` cancels the job on the host. `resume` is the handle of an earlier try. `onSubmitted` is awaited before the
   * submit, so that the handle outlives a crash in between.
   *
   * @throws CullError COMFY_* per errors.ts
   */
  generate(
    job: GenerationJob,
    run: {
      signal: AbortSignal;
      resume?: Handle;
      onSubmitted(handle: Handle): Promise<void>;
      onProgress(progress: Progress): void;
    },
  ): Promise<Generation>;
}
