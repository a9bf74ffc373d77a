import type { Faults } from './faults.js';
import type { ProfileVersion } from './profile.js';

/** Paints one picture; `sandbox/painter` is the shipped one. Same arguments, same pixels. */
export type Paint = (ask: { prompt: string; seed: number; width: number; height: number }) => Promise<Painted>;

export interface Painted {
  /** RGB, 8 bits a sample, row by row, no padding: width * height * 3 bytes. */
  readonly data: Buffer;
  /** What is wrong with the picture. Read by tests through the admin port, and by nobody else. */
  readonly labels: unknown;
}

/** Ready pictures for throughput runs: 256 x 256 requests take one instead of being painted. */
export interface PrerenderedOptions {
  /** @default 64 */
  readonly pictures?: number;
  /** Where the pool is kept between starts. Without it every start paints its own. */
  readonly folder?: string;
}

/** What is kept of computed nodes from one prompt to the next: --cache-lru, --cache-none, or neither of them. */
export const CACHE_MODES = ['default', 'lru', 'none'] as const;
export type CacheMode = (typeof CACHE_MODES)[number];

/** ComfyUI's --preview-method; all but `none` look the same here. */
export const PREVIEW_METHODS = ['none', 'auto', 'latent2rgb', 'taesd'] as const;
export type PreviewMethod = (typeof PREVIEW_METHODS)[number];

/** How a sandbox ComfyUI is set up. Every field may be left out. */
export interface SandboxOptions {
  /** 0 takes a free port. @default 0 */
  readonly port?: number;
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** Port of the admin server (labels, log, faults); 0 takes a free one. Without it there is no admin server. */
  readonly adminPort?: number;
  /** Seconds a KSampler takes, or a graph without one. 0 is as fast as it can. @default 0 */
  readonly secondsPerImage?: number;
  /** Where SaveImage writes; survives the process. Without it a temporary folder, removed on close. */
  readonly outputDir?: string;
  /** Where uploads land and LoadImage reads. Without it a temporary folder, removed on close. */
  readonly inputDir?: string;
  /** Folder with photos for image-to-image jobs, and what is known about each in a .json beside it (sandbox/photos/README.md). */
  readonly photosDir?: string;
  /** @default false */
  readonly prerendered?: boolean | PrerenderedOptions;
  /** Names that CheckpointLoaderSimple accepts. @default DEFAULT_CHECKPOINTS */
  readonly checkpoints?: readonly string[];
  /** Write the graph into each PNG, as ComfyUI does unless started with --disable-metadata. @default true */
  readonly metadata?: boolean;
  /** The ComfyUI version to be. @default '0.33.0' */
  readonly profile?: ProfileVersion;
  /** @default 'default' */
  readonly cache?: CacheMode;
  /** Pictures that a sampler sends while it works, unless the prompt's extra_data says otherwise. @default 'none' */
  readonly previewMethod?: PreviewMethod;
  /** Seconds it takes to load a checkpoint that is not loaded. @default 0 */
  readonly loadSeconds?: number;
  /** Checkpoints that stay loaded; the one used longest ago goes. @default 1 */
  readonly modelsHeld?: number;
  /** Serve HTTPS: PEM texts. The admin server stays on plain HTTP. @default plain HTTP */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Headers that every request and websocket has to carry, with these values; 401 otherwise. @default none */
  readonly requiredHeaders?: Readonly<Record<string, string>>;
  /** Where the log of the admin server is kept, so that it outlives the process. @default in memory only */
  readonly logFile?: string;
  /** Faults from the start on. @default none */
  readonly fault?: Partial<Faults>;
  /** @default the painter of sandbox/painter */
  readonly paint?: Paint;
}

export const DEFAULT_CHECKPOINTS: readonly string[] = [
  'sd_xl_base_1.0.safetensors',
  'v1-5-pruned-emaonly-fp16.safetensors',
];
