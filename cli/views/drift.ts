/** Drift in words: what a release does otherwise than before, and what could not be compared. */
import type { DriftDocument } from '../commands/drift.js';
import type { DriftKind, DriftSide, DriftTest, ReleaseDrift } from '../../selection/drift.js';
import { numberText } from '../../selection/words.js';
import { printable } from './format.js';

/**
 * A report for a terminal: plain text.
 *
 * @example
 * process.stdout.write(driftReport(document));
 */
export function driftReport({ tenant, since, reference, level, releases }: DriftDocument): string {
  const head = `Requests of ${tenant} since ${since} against those from ${reference.from} to ${reference.to}; at most ${numberText(100 * level)} % false alarms among what is called drifted`;
  return printable([head, ...releases.map(releaseText)].join('\n\n'));
}

function releaseText({ release, requests, candidates, tests, tooFew, refused }: ReleaseDrift): string {
  const drifted = tests.filter((test) => test.drifted).sort((a, b) => a.corrected - b.corrected);
  const verdict =
    drifted.length === 0
      ? `nothing of ${tests.length} has drifted`
      : `${drifted.length} of ${tests.length} have drifted`;
  return [
    `${release.slice(0, 19)}: ${verdict}`,
    `  ${candidates.recent} candidates of ${requests.recent} requests, before ${candidates.reference} of ${requests.reference}`,
    ...drifted.map((test) => `  ${driftWords(test)}`),
    ...(tooFew.length === 0
      ? []
      : [`  too few to compare: ${tooFew.map(({ what, name }) => thing(what, name)).join(', ')}`]),
    ...refused.map(
      ({ dimension, measures }) => `  not compared: ${dimension}, measured by ${measures.join(' and by ')}`,
    ),
  ].join('\n');
}

/** `rejected by noise.sigma: 12.1 % -> 31 % (corrected p 0.0004, worth 80 and 64 candidates)`. */
function driftWords({ what, name, reference, recent, distance, corrected }: DriftTest): string {
  const value = ({ value }: DriftSide): string =>
    what === 'score' ? `median ${numberText(value)}` : `${numberText(100 * value)} %`;
  const apart = what === 'score' ? `, distance ${numberText(distance)}` : '';
  const worth = `worth ${Math.round(reference.effective)} and ${Math.round(recent.effective)} candidates`;
  return `${thing(what, name)}: ${value(reference)} -> ${value(recent)}${apart} (corrected p ${corrected.toPrecision(2)}, ${worth})`;
}

function thing(what: DriftKind, name: string): string {
  switch (what) {
    case 'pass':
      return 'candidates that pass';
    case 'gate':
      return `rejected by ${name}`;
    case 'measured':
      return `${name} could be measured`;
    case 'score':
      return name;
  }
}
