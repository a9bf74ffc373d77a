import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createReadStream } from 'node:fs';
import { Option, type Command } from 'commander';
import { createScorePool, type ScorePool } from '../../activities/scoring/pool.js';
import { readConfig } from '../../config.js';
import { CullError, messageOf } from '../../errors.js';
import type { Policy, Scores, Verdict } from '../../selection/types.js';
import { wholeNumber } from '../options.js';
import { createOutput, type Output } from '../output.js';
import { GENERIC_POLICY, readPolicy } from '../release.js';

interface Line {
  file: string;
  prompt?: string;
  references?: string[];
  label?: unknown;
}

/** One line of `score --json`. */
export interface ScoredFile {
  file: string;
  label: unknown;
  scores: Scores;
  verdict: Verdict | null;
  /** Why the file could not be read; null otherwise. */
  error: string | null;
}

/** `comfy-cull score`: measure and judge local images; no server. */
export function addScore(program: Command): void {
  program
    .command('score')
    .description('measure and judge image files on this machine')
    .argument('[files...]', 'images')
    .option('-p, --policy <file>', 'policy file', GENERIC_POLICY)
    .option('--from <file>', 'NDJSON lines { file, prompt?, references?, label? } from a file, or - for standard input')
    .addOption(
      new Option('--explain <what>', 'all: run every scorer; gates: stop after a hard failure of the cheap ones')
        .choices(['all', 'gates'])
        .default('gates'),
    )
    .option('-t, --threads <n>', 'scoring threads', wholeNumber)
    .option('--json', 'NDJSON: one { file, label, scores, verdict, error } an image, in the order given')
    .action(
      async (
        files: string[],
        options: { policy: string; from?: string; explain: 'all' | 'gates'; threads?: number; json?: true },
      ) => {
        const output = createOutput({ json: options.json === true });
        const config = readConfig(process.env);
        if (files.length === 0 && options.from === undefined)
          throw new CullError('USAGE', 'no image was given', {
            hint: 'name image files, or --from a file of NDJSON lines',
          });
        const policy = await readPolicy(options.policy, config.scorers);
        const threads = options.threads ?? config.scoreThreads;
        const pool = await createScorePool({ threads, scorerModules: config.scorers });
        try {
          let unread = 0;
          for await (const scored of inOrder(lines(files, options.from), threads + 2, (line) =>
            scoreFile(pool, policy, { line, explain: options.explain }),
          )) {
            if (scored.error !== null) unread++;
            print(output, scored);
          }
          process.exitCode = unread === 0 ? 0 : 1;
        } finally {
          await pool.close();
        }
      },
    );
}

async function* lines(files: string[], from: string | undefined): AsyncGenerator<Line> {
  for (const file of files) yield { file };
  if (from === undefined) return;
  const input = from === '-' ? process.stdin : createReadStream(from);
  const reader = createInterface({ input, crlfDelay: Infinity });
  let number = 0;
  try {
    for await (const text of reader) {
      number++;
      if (text.trim() !== '') yield parseLine(text, `${from === '-' ? 'stdin' : from}:${number}`);
    }
  } catch (error) {
    if (error instanceof CullError) throw error;
    throw new CullError('USAGE', `${from} cannot be read: ${messageOf(error)}`, { hint: 'check the path' });
  }
}

function parseLine(text: string, where: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CullError('USAGE', `${where} is not JSON: ${messageOf(error)}`, {
      hint: 'write one { "file": "a.png" } a line',
    });
  }
  if (typeof value !== 'object' || value === null || typeof (value as Line).file !== 'string')
    throw new CullError('USAGE', `${where} has no "file"`, { hint: 'write one { "file": "a.png" } a line' });
  return value as Line;
}

async function scoreFile(
  pool: ScorePool,
  policy: Policy,
  ask: { line: Line; explain: 'all' | 'gates' },
): Promise<ScoredFile> {
  const { file, prompt, references = [], label = null } = ask.line;
  try {
    const [bytes, ...others] = await Promise.all([file, ...references].map((path) => readFile(path)));
    if (!bytes) throw new Error('it is empty');
    const { scores, verdict, undecodable } = await pool.score({
      bytes,
      policy,
      explain: ask.explain,
      references: others,
      ...(prompt === undefined ? {} : { prompt }),
    });
    return { file, label, scores, verdict, error: undecodable ? undecodable.detail : null };
  } catch (error) {
    return { file, label, scores: {}, verdict: null, error: messageOf(error) };
  }
}

/** Maps with at most `atOnce` in work, and gives the answers in the order of the questions; reads no further ahead than that. */
async function* inOrder<A, B>(
  source: AsyncIterable<A>,
  atOnce: number,
  map: (item: A) => Promise<B>,
): AsyncGenerator<B> {
  const running: Promise<B>[] = [];
  for await (const item of source) {
    running.push(map(item));
    if (running.length >= atOnce) yield await (running.shift() as Promise<B>);
  }
  for (const answer of running) yield await answer;
}

function print(output: Output, scored: ScoredFile): void {
  output.document(scored);
  const { file, verdict, error } = scored;
  if (!verdict || error !== null) output.text(`${file}: not scored: ${error ?? 'no verdict'}`);
  else {
    output.text(`${file}: ${verdict.band}`);
    for (const { gate, tier, reason } of verdict.failed) output.text(`  ${tier} ${gate}: ${reason}`);
  }
}
