/** What `tune` says on a terminal. */
import { promiseText } from '../../selection/tuning/held-out.js';
import { percent } from './chart.js';
import { numberText, printable, wrap } from './format.js';
import type { TuningDoc } from './tuning-report.js';

/**
 * The statement, the thresholds that change, what it costs; readable at 80 columns.
 *
 * @example
 * process.stdout.write(tuningText(report));
 */
export function tuningText(report: TuningDoc): string {
  const { thresholds, heldOut, before, labels, withoutScores, disagreements } = report;
  const { promise, goodDelivered } = heldOut;
  const width = Math.max(0, ...thresholds.map(({ gate }) => gate.length));
  const bounds = thresholds.map(({ gate, at, side, from, to, interval }) => {
    const now = from === to ? 'stays' : `-> ${numberText(to, [from])}`;
    const between = interval ? `  (${numberText(interval.low)} to ${numberText(interval.high)})` : '';
    return `  ${gate.padEnd(width)}  ${at} ${side} ${numberText(from)} ${now}${between}`;
  });
  const meaning = thresholds.some(({ interval }) => interval)
    ? ' (in brackets: where other jobs like these would put them)'
    : '';
  const was =
    before.delivered === 0 ? 'nothing passed' : `${percent(before.defective / before.delivered)} were defective`;
  const kept = goodDelivered ? `${percent(goodDelivered.value)} of the good ones pass` : 'no good one was held out';
  const out = [
    [labels.partlyJudged, 'pictures judged at some gates only'],
    [labels.notMeasured, 'pictures without a score for some gate'],
    [withoutScores, 'labelled pictures without scores'],
  ].flatMap(([count, why]) => (count === 0 ? [] : [`${count ?? 0} ${why ?? ''}`]));
  return printable(
    [
      ...wrap(promiseText(promise), 80),
      '',
      ...(bounds.length === 0 ? ['Thresholds: there are none'] : [`Thresholds${meaning}`, ...bounds]),
      '',
      ...wrap(`Held out: ${kept}; with the thresholds as they were, ${was} of ${before.delivered} that passed.`, 80),
      ...wrap(labels.origin.speaksOf, 80),
      ...(out.length === 0 ? [] : wrap(`Left out: ${out.join(', ')}.`, 80)),
      ...(labels.stopped === 0 ? [] : wrap(`${stoppedText(labels.stopped)}.`, 80)),
      ...(disagreements.length === 0
        ? []
        : wrap(`People differ on ${disagreements.length} pictures; they count as failed.`, 80)),
    ].join('\n'),
  );
}

/** What pictures on which some gates were not run count as. */
export const stoppedText = (pictures: number): string =>
  `${pictures} pictures were not measured at every gate, as one had rejected them: where none that was run rejects them now, the defective ones count as passing, the good ones as rejected (score --explain all runs every scorer)`;
