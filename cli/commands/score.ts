import { Option, type Command } from 'commander';
import { createScorePool, type ScorePool } from '../../activities/scoring/pool.js';
import { modelOptionsOf, readConfig } from '../../config.js';
import { CullError, messageOf } from '../../errors.js';
import type { Policy, Scores, Verdict } from '../../selection/types.js';
import { collect, wholeNumber } from '../options.js';
import { createOverlayFolder, type OverlayFolder } from '../overlay-folder.js';
import { createOutput, type Output } from '../output.js';
import { GENERIC_POLICY, readPolicy } from '../release.js';
import { LINE_FIELDS, readLine, scoreLines, type ScoreLine } from '../score-lines.js';
import { missingLines, noteMissing, type MissingModels } from '../views/missing-models.js';

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
    .option('--from <file>', `NDJSON lines { ${LINE_FIELDS} } from a file, or - for standard input`)
    .option('-r, --reference <file>', 'photo that every image is compared with; repeat for more', collect, [])
    .addOption(
      new Option('--explain <what>', 'all: run every scorer; gates: stop at the first hard failure')
        .choices(['all', 'gates'])
        .default('gates'),
    )
    .option('--overlay <folder>', 'draw boxes, landmarks and reasons on a copy of each image, in this folder')
    .option('-t, --threads <n>', 'scoring threads', wholeNumber)
    .option('--json', 'NDJSON: one { file, label, scores, verdict, error } an image, in the order given')
    .action(
      async (
        files: string[],
        options: {
          policy: string;
          from?: string;
          reference: string[];
          explain: 'all' | 'gates';
          overlay?: string;
          threads?: number;
          json?: true;
        },
      ) => {
        const output = createOutput({ json: options.json === true });
        const config = readConfig(process.env);
        if (files.length === 0 && options.from === undefined)
          throw new CullError('USAGE', 'no image was given', {
            hint: 'name image files, or --from a file of NDJSON lines',
          });
        const policy = await readPolicy(options.policy, config.scorers, { toMeasure: true });
        const threads = options.threads ?? config.scoreThreads;
        const pool = await createScorePool({
          threads,
          scorerModules: config.scorers,
          models: modelOptionsOf(config),
          recycling: { aboveMb: config.scoreMemoryMb },
          ...(config.vlm && { vlm: config.vlm }),
        });
        try {
          let unread = 0;
          const { from, reference: references, explain } = options;
          const overlays = options.overlay === undefined ? undefined : await createOverlayFolder(options.overlay);
          const missing: MissingModels = new Map();
          for await (const scored of inOrder(scoreLines(files, { from, references }), threads + 2, (line) =>
            scoreFile(pool, policy, { line, explain, overlays }),
          )) {
            if (scored.error !== null) unread++;
            noteMissing(scored.scores, missing);
            print(output, scored);
          }
          for (const line of missingLines(missing)) output.note(`not measured: ${line}`);
          process.exitCode = unread === 0 ? 0 : 1;
        } finally {
          await pool.close();
        }
      },
    );
}

async function scoreFile(
  pool: ScorePool,
  policy: Policy,
  ask: { line: ScoreLine; explain: 'all' | 'gates'; overlays: OverlayFolder | undefined },
): Promise<ScoredFile> {
  const { file, label = null } = ask.line;
  try {
    const task = await readLine(ask.line);
    const { scores, verdict, undecodable } = await pool.score({ ...task, policy, explain: ask.explain });
    if (ask.overlays && !undecodable) await ask.overlays.draw(file, { bytes: task.bytes, scores, verdict });
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
