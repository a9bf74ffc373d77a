/** Verdicts of the sandbox's pictures, as record.ts kept them. */
import { readFile } from 'node:fs/promises';
import type { Trace } from './simulate.js';

export const TRACES = new URL('../../fixtures/stopping/traces.ndjson', import.meta.url);

/** One line: a request's prompt, and a letter per candidate: p for one that passes. */
export interface TraceLine {
  prompt: string;
  /** Of candidate 0; the others follow. */
  seed: number;
  painter: string;
  verdicts: string;
}

export async function readTraces(): Promise<{ passes: boolean[]; trace: Trace }[]> {
  const lines = (await readFile(TRACES, 'utf8')).trim().split('\n');
  return lines.map((line) => {
    const passes = (JSON.parse(line) as TraceLine).verdicts.split('').map((letter) => letter === 'p');
    return { passes, trace: { passes: (index) => passes[index] === true, duration: () => 1 } };
  });
}
