import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.js';

// compiled, this file lies in dist/stack/
const ROOT = import.meta.url.endsWith('.ts') ? '../' : '../../';
const FOLDER = fileURLToPath(new URL(`${ROOT}examples/models/cull/sandbox-clip`, import.meta.url));

/**
 * The tiny CLIP that reads prompts beside the embedded sandboxes: it knows their painter's pictures and no others, so it serves nothing else.
 * Undefined where another CLIP is configured (`CULL_USE_MODELS=clip=…`), or this one is not there.
 *
 * @example
 * sandboxClip(config); // '/…/examples/models/cull/sandbox-clip'
 */
export const sandboxClip = ({ useModels }: Pick<Config, 'useModels'>): string | undefined =>
  useModels['clip'] === undefined && existsSync(FOLDER) ? FOLDER : undefined;

/** What a command says of it. */
export const SANDBOX_CLIP_NOTE =
  "prompts are compared by the sandbox CLIP, a tiny model of the simulated ComfyUIs' own pictures";
