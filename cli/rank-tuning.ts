/** `tune --rank`: what ranks, fitted to human verdicts. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CullError } from '../errors.js';
import { didYouMean } from '../selection/closest.js';
import { replacePart } from '../selection/policy-edit.js';
import type { Dimensions } from '../selection/policy-file.js';
import type { Joined } from '../selection/tuning/examples.js';
import { fitRanker, type RankReport } from '../selection/tuning/ranker.js';
import type { Policy } from '../selection/types.js';
import { findFile, readPolicy } from './release.js';
import type { Output } from './output.js';
import { rankText } from './views/rank-text.js';

/** `report.json` of `tune --rank`. */
export type RankDoc = RankReport & { withoutScores: number; disagreements: string[] };

/**
 * Fits, and writes `policy.yaml` (the policy with another `rank`) and `report.json`.
 *
 * @param options `dimensions`: as they were named, commas between; nothing: those that rank now
 * @returns whether held-out pictures show that it ranks better
 */
export async function tuneRank(
  joined: Joined,
  options: {
    policyFile: string;
    policy: Policy;
    known: Dimensions;
    scorers: string[];
    dimensions: string | undefined;
    seed: number;
    heldOut: number;
    confidence: number;
    out: string;
    output: Output;
  },
): Promise<boolean> {
  const { policyFile, policy, known, output } = options;
  const dimensions = options.dimensions?.split(',').map((name) => name.trim());
  const unknown = dimensions?.find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined)
    throw new CullError(
      'POLICY_UNKNOWN_DIMENSION',
      `nothing measures ${unknown}${didYouMean(unknown, Object.keys(known))}`,
      { hint: 'name dimensions, with commas between' },
    );
  const { seed, heldOut, confidence } = options;
  const fitted = fitRanker(joined.examples, { policy, seed, heldOut, confidence, ...(dimensions && { dimensions }) });
  const file = findFile(policyFile);
  const text = replacePart(await readFile(file, 'utf8'), {
    key: 'rank',
    value: { logistic: fitted.report.model },
    file: policyFile,
  });
  const report: RankDoc = {
    ...fitted.report,
    withoutScores: joined.unknown.length,
    disagreements: joined.disagreements,
  };
  const folder = resolve(options.out);
  await mkdir(folder, { recursive: true });
  const written = join(folder, 'policy.yaml');
  await writeFile(written, text);
  // what was written is what was fitted, or it is not kept for one
  await readPolicy(written, options.scorers);
  await writeFile(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  output.document(report);
  output.text(rankText(report));
  output.note(`policy.yaml and report.json are in ${folder}`);
  return (report.heldOut.gain?.low ?? 0) > 0;
}
