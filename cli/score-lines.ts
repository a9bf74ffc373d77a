/** What `score` is to measure: files on the command line, or NDJSON lines. */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { ScoreTask } from '../activities/scoring/task.js';
import { CullError, messageOf } from '../errors.js';

const file = z.string().min(1);
const files = z.record(z.string().min(1), file);
const line = z.object({
  file,
  prompt: z.string().optional(),
  negativePrompt: z.string().optional(),
  references: z.array(file).optional(),
  named: files.optional(),
  masks: files.optional(),
  expect: z.record(z.string().min(1), z.unknown()).optional(),
  request: z
    .object({
      inputs: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
      deliver: z.number().optional(),
    })
    .strict()
    .optional(),
  label: z.unknown().optional(),
});

/** One image to score: paths of files, and what it is compared with. */
export type ScoreLine = z.infer<typeof line>;

export const LINE_FIELDS = Object.keys(line.shape)
  .map((name) => (name === 'file' ? name : `${name}?`))
  .join(', ');

/**
 * The images to score, in order: those named, then the lines of `from` (`-`: standard input), each read when it is asked for.
 *
 * @param references go before those of a line
 * @throws CullError USAGE naming file and line
 */
export async function* scoreLines(
  paths: readonly string[],
  { from, references }: { from: string | undefined; references: readonly string[] },
): AsyncGenerator<ScoreLine> {
  for (const path of paths) yield { file: path, references: [...references] };
  if (from === undefined) return;
  const input = from === '-' ? process.stdin : createReadStream(from);
  const reader = createInterface({ input, crlfDelay: Infinity });
  let number = 0;
  try {
    for await (const text of reader) {
      number++;
      if (text.trim() === '') continue;
      const parsed = parseLine(text, `${from === '-' ? 'stdin' : from}:${number}`);
      yield { ...parsed, references: [...references, ...(parsed.references ?? [])] };
    }
  } catch (error) {
    if (error instanceof CullError) throw error;
    throw new CullError('USAGE', `${from} cannot be read: ${messageOf(error)}`, { hint: 'check the path' });
  }
}

function parseLine(text: string, where: string): ScoreLine {
  const hint = 'write one { "file": "a.png" } a line';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CullError('USAGE', `${where} is not JSON: ${messageOf(error)}`, { hint });
  }
  const parsed = line.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CullError('USAGE', `${where}: "${issue?.path.join('.') ?? ''}": ${issue?.message ?? 'is wrong'}`, { hint });
}

/**
 * The files of a line, read.
 *
 * @throws Error naming the file that cannot be read
 */
export async function readLine(asked: ScoreLine): Promise<Omit<ScoreTask, 'policy' | 'explain'>> {
  const { prompt, negativePrompt, expect, request } = asked;
  const named = async (of: Record<string, string> = {}): Promise<Record<string, Uint8Array>> =>
    Object.fromEntries(
      await Promise.all(Object.entries(of).map(async ([name, path]) => [name, await readFile(path)] as const)),
    );
  return {
    bytes: await readFile(asked.file),
    references: await Promise.all((asked.references ?? []).map((path) => readFile(path))),
    named: await named(asked.named),
    masks: await named(asked.masks),
    ...(expect !== undefined && { expect }),
    ...(request !== undefined && { request }),
    ...(prompt !== undefined && { prompt }),
    ...(negativePrompt !== undefined && { negativePrompt }),
  };
}
