/** What `tune --rank` says on a terminal. */
import type { RankReport } from '../../selection/tuning/ranker.js';
import { numberText, printable, wrap } from './format.js';

/**
 * The weights, and how well they rank held-out pictures beside what ranked before; readable at 80 columns.
 *
 * @example
 * process.stdout.write(rankText(report));
 */
export function rankText({ dimensions, fittedOn, heldOut, labels }: RankReport): string {
  const { fitted, before, gain, passing } = heldOut;
  const area = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
  const width = Math.max(...dimensions.map(({ dimension }) => dimension.length));
  const weights = [...dimensions]
    .sort((a, b) => b.weight - a.weight)
    .map(({ dimension, weight, withoutValue }) => {
      const missing = withoutValue === 0 ? '' : `  (no value in ${withoutValue} pictures: quality 0)`;
      return `  ${dimension.padEnd(width)}  ${weight === 0 ? 'left out' : numberText(weight)}${missing}`;
    });
  const row = (name: string, now: string, was: string): string =>
    `  ${name.padEnd(34)}${now.padStart(8)}${was.padStart(10)}`;
  const out = [
    [labels.partlyJudged, 'pictures judged at some gates only'],
    [labels.notMeasured, 'pictures on which a dimension was not measured'],
  ].flatMap(([count, why]) => (count === 0 ? [] : [`${count ?? 0} ${why ?? ''}`]));
  return printable(
    [
      `Weights, fitted to ${fittedOn.pictures} pictures of ${fittedOn.jobs} requests (${fittedOn.good} good)`,
      ...weights,
      '',
      `Held out: ${heldOut.pictures} pictures of ${heldOut.jobs} requests (${heldOut.good} good)`,
      row('', 'fitted', 'before'),
      row('area under the ROC', area(fitted.areaUnderRoc), area(before.areaUnderRoc)),
      row(`  of the ${passing.pictures} that pass the gates`, area(passing.fitted), area(passing.before)),
      row('log loss', fitted.logLoss.toFixed(3), before.logLoss.toFixed(3)),
      ...(gain
        ? wrap(
            `The area gains ${gain.value.toFixed(3)}, ${gain.low.toFixed(3)} to ${gain.high.toFixed(3)} by resampled requests${gain.low > 0 ? '.' : ': the labels do not show that it ranks better.'}`,
            80,
          )
        : []),
      ...(out.length === 0 ? [] : wrap(`Left out: ${out.join(', ')}.`, 80)),
    ].join('\n'),
  );
}
