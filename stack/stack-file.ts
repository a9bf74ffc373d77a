/** `.cull/stack.json`: what runs, where, and how to speak to it. Written by the keeper only. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.js';

/** What a running stack was started with; a command with other settings cannot share it. */
export interface StackSettings {
  /** Empty, and no file: two sandbox ComfyUIs. */
  comfyUrls: string[];
  comfyFile: string | null;
  /** Address and options; never a secret, those are in the environment. */
  storage: Config['storage'];
  scorers: string[];
  allowNodes: string[];
  comfyUsdPerHour: number | null;
  scoreThreads: number;
  models: string;
  useModels: Record<string, string>;
  executionProviders: string[];
}

export interface StackDoc {
  /** Random; tells one stack from the next. */
  id: string;
  /** The keeper's process. */
  pid: number;
  /** Where the keeper listens, on loopback, and the secret it wants in `x-cull-token`. */
  control: { port: number; token: string };
  phase: 'starting' | 'ready' | 'failed' | 'ending';
  /** What is being done, for people. */
  step: string;
  error: { code: string; message: string; hint?: string } | null;
  temporal: { address: string; pid: number } | null;
  worker: { pid: number } | null;
  comfyui: { url: string; pid: number | null; sandbox: boolean }[];
  settings: StackSettings;
}

/** Photos that the embedded sandboxes know (sandbox/photos/README.md); the demo puts them there. */
export const photosFolder = (dir: string): string => join(dir, 'photos');

export const stackFile = (dir: string): string => join(dir, 'stack.json');

export async function readStack(dir: string): Promise<StackDoc | undefined> {
  try {
    return JSON.parse(await readFile(stackFile(dir), 'utf8')) as StackDoc;
  } catch {
    return undefined;
  }
}

/** Whole or not at all; readable by its owner only, for the token. */
export async function writeStack(dir: string, stack: StackDoc): Promise<void> {
  await mkdir(dir, { recursive: true });
  const temporary = `${stackFile(dir)}.${process.pid}`;
  await writeFile(temporary, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, stackFile(dir));
}

export const removeStack = (dir: string): Promise<void> => rm(stackFile(dir), { force: true });
