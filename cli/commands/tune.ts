import { InvalidArgumentError, Option, type Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { requestsSince } from '../../client/finished.js';
import { storedLabels } from '../../client/labels.js';
import { readConfig } from '../../config.js';
import { joinLabels } from '../../selection/tuning/examples.js';
import type { Label } from '../../selection/tuning/labels.js';
import { questionDimensions } from '../../selection/questions.js';
import { rewritePolicy } from '../../selection/tuning/policy-text.js';
import { tune } from '../../selection/tuning/tune.js';
import { openStorage } from '../../storage/index.js';
import { checkName } from '../../storage/keys.js';
import type { Storage } from '../../storage/storage.js';
import { dimensionsOf, loadScorers } from '../../scorers/registry.js';
import { labelsOf } from '../label-rows.js';
import { collect, since, wholeNumber } from '../options.js';
import { createOutput } from '../output.js';
import { findFile, readPolicy } from '../release.js';
import { candidateOf, picturesOf, storedPictures } from '../scored-pictures.js';
import { tuneRank } from '../rank-tuning.js';
import { checkTunedOut, writeTuned } from '../tuned-folder.js';
import { tuningReport } from '../views/tuning-report.js';
import { tuningText } from '../views/tuning-text.js';

/** What was asked for is not shown by the labels. */
const NOT_SHOWN = 3;

interface TuneCommand {
  policy: string;
  labels?: string;
  scores: string[];
  since?: string;
  maxDefectRate: number;
  confidence: number;
  heldOut: number;
  seed: number;
  disagreement: 'error' | 'fail';
  rank?: string | true;
  out?: string;
  json?: true;
}

/** `comfy-cull tune`: thresholds from human verdicts, with a stated error bound; no server. */
export function addTune(program: Command): void {
  program
    .command('tune')
    .description('propose thresholds from human verdicts, and say what they show')
    .requiredOption('-p, --policy <file>', 'policy file whose thresholds are tuned')
    .option('-l, --labels <file>', "NDJSON or CSV, - is standard input; without: the tenant's labels")
    .option(
      '-s, --scores <file>',
      'manifest.ndjson, or what score --json printed; repeat for more; without: storage',
      collect,
      [],
    )
    .option('--since <when>', 'only requests of storage made since then: 7d, 12h, 2w, or a date (UTC)', since)
    .option('--max-defect-rate <share>', 'largest share of defective pictures among those that pass', share, 0.05)
    .option('--confidence <share>', 'of the statement', share, 0.95)
    .option(
      '--held-out <share>',
      'share of the jobs that judges the thresholds and has no part in choosing them',
      share,
      0.5,
    )
    .option(
      '--rank [dimensions]',
      'fit what ranks instead of thresholds: a logistic model on these dimensions (commas between); without: on those that rank now',
    )
    .option('--seed <n>', 'of the split', wholeNumber, 1)
    .addOption(
      new Option('--disagreement <what>', 'two people differ on a picture: error, or the picture counts as failed')
        .choices(['error', 'fail'])
        .default('error'),
    )
    .option('-o, --out <folder>', 'where policy.yaml, report.json and report.html go (default: out/tune, out/rank)')
    .option('--json', 'one JSON document: report.json')
    .action(async (options: TuneCommand) => {
      const output = createOutput({ json: options.json === true });
      const config = readConfig(process.env);
      const out = options.out ?? (options.rank === undefined ? 'out/tune' : 'out/rank');
      await checkTunedOut(out, findFile(options.policy));
      const policy = await readPolicy(options.policy, config.scorers);
      const storage = openStorage(config.storage);
      const tenant = checkName('tenant', config.tenant);
      const labels =
        options.labels === undefined ? await storedLabels(storage, tenant) : await labelsOf(options.labels);
      const pictures =
        options.scores.length > 0
          ? await picturesOf(options.scores)
          : await storedPictures(storage, {
              tenant,
              requests: await requestsOf(storage, { tenant, labels, since: options.since }),
              since: options.since ?? '',
              onProblem: output.note,
            });
      const unknown = options.labels === undefined || options.since !== undefined ? 'leave-out' : 'error';
      const joined = joinLabels(labels, pictures, { policy, unknown, disagreement: options.disagreement });
      const { maxDefectRate, confidence, heldOut, seed } = options;
      const known = dimensionsOf(await loadScorers(config.scorers));
      if (options.rank !== undefined) {
        const shown = await tuneRank(joined, {
          policyFile: options.policy,
          policy,
          known: { ...known, ...questionDimensions(policy.questions ?? {}) },
          measured: known,
          dimensions: options.rank === true ? undefined : options.rank,
          ...{ seed, heldOut, confidence, out, output },
        });
        process.exitCode = shown ? 0 : NOT_SHOWN;
        return;
      }
      const tuned = tune(joined.examples, { policy, maxDefectRate, confidence, heldOut, seed });
      const text = rewritePolicy(await readFile(findFile(options.policy), 'utf8'), {
        changes: tuned.report.changes,
        policy: tuned.policy,
        file: options.policy,
        dimensions: known,
      });

      const { unknown: withoutScores, otherGates, disagreements } = joined;
      const report = { ...tuned.report, withoutScores: withoutScores.length, otherGates, disagreements };
      const folder = await writeTuned(out, {
        'policy.yaml': text,
        'report.json': `${JSON.stringify(report, null, 2)}\n`,
        'report.html': tuningReport(report),
      });
      output.document(report);
      output.text(tuningText(report));
      output.note(`policy.yaml, report.json and report.html are in ${folder}`);
      process.exitCode = report.heldOut.promise.shown ? 0 : NOT_SHOWN;
    });
}

/** The requests that labels name; all since a day where one is given, or where labels name pictures by file or hash. */
async function requestsOf(
  storage: Storage,
  { tenant, labels, since: from }: { tenant: string; labels: readonly Label[]; since: string | undefined },
): Promise<string[]> {
  const named = labels.map(({ picture }) => candidateOf(picture)?.request);
  if (from !== undefined || named.includes(undefined)) return requestsSince(storage, { tenant, since: from ?? '' });
  return [...new Set(named.flatMap((request) => request ?? []))];
}

function share(value: string): number {
  const number = Number(value);
  if (!(number > 0 && number < 1))
    throw new InvalidArgumentError('it must be a share above 0 and below 1: 0.05 is 5 %');
  return number;
}
