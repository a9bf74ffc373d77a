/** `tune --rank`: what ranks, fitted to human verdicts. */
import { readFile } from 'node:fs/promises';
import { CullError } from '../errors.js';
import { didYouMean } from '../selection/closest.js';
import { replacePart } from '../selection/policy-edit.js';
import { parsePolicy, type Dimensions } from '../selection/policy-file.js';
import type { Joined } from '../selection/tuning/examples.js';
import { fitRanker, type RankReport } from '../selection/tuning/ranker.js';
import type { Policy } from '../selection/types.js';
import { findFile } from './release.js';
import type { Output } from './output.js';
import { writeTuned } from './tuned-folder.js';
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
    /** What scorers measure, and that with the policy's questions. */
    measured: Dimensions;
    known: Dimensions;
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
  // what is written is a policy, or nothing is
  parsePolicy(text, { file: policyFile, dimensions: options.measured });
  const folder = await writeTuned(options.out, {
    'policy.yaml': text,
    'report.json': `${JSON.stringify(report, null, 2)}\n`,
  });
  output.document(report);
  output.text(rankText(report));
  output.note(`policy.yaml and report.json are in ${folder}`);
  return (report.heldOut.gain?.low ?? 0) > 0;
}
