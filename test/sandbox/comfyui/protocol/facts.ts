import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const version = z.string().regex(/^\d+\.\d+\.\d+$/);
const fact = z.union([
  z.string(),
  z.strictObject({
    says: z.string(),
    since: version.optional(),
    until: version.optional(),
    on: z.literal('cpu').optional(),
  }),
]);
const file = z.strictObject({
  facts: z.record(z.string(), fact),
  unchecked: z.array(z.strictObject({ says: z.string(), why: z.string() })),
});

/** Something that a client can observe of a ComfyUI server. */
export interface Fact {
  readonly id: string;
  readonly says: string;
  /** First version with it. */
  readonly since?: string | undefined;
  /** First version without it. */
  readonly until?: string | undefined;
  /** Only where nodes compute on the CPU. */
  readonly on?: 'cpu' | undefined;
}

const read = file.parse(parse(readFileSync(new URL('../../../fixtures/comfyui/facts.yaml', import.meta.url), 'utf8')));

/** All facts by id, in the order of the file. */
export const FACTS: ReadonlyMap<string, Fact> = new Map(
  Object.entries(read.facts).map(([id, one]) => [id, typeof one === 'string' ? { id, says: one } : { id, ...one }]),
);

/** What is known and not checked, with the reason. */
export const UNCHECKED: readonly { says: string; why: string }[] = read.unchecked;

/** Negative where version `a` is older than `b`. */
export const compareVersions = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });

/** Whether a fact is one of a version. */
export function holds({ since, until }: Fact, of: string): boolean {
  if (since !== undefined && compareVersions(of, since) < 0) return false;
  return until === undefined || compareVersions(of, until) < 0;
}
