import { createHash } from 'node:crypto';
import type { AnyScorer, Assessment } from '../../scorers/scorer.js';
import { judge } from '../../selection/judge.js';
import type { Score, Scores } from '../../selection/types.js';
import type { ScoreResult, ScoreTask, Stand, Undecodable } from './task.js';

/** `id@version`, as every score carries it. */
export const labelOf = ({ spec }: AnyScorer): string => `${spec.id}@${spec.version}`;

/** One score per dimension, the same for all. */
export function sameForAll(
  scorers: readonly AnyScorer[],
  what: Stand | { status: 'unassessable'; reason: string } | { status: 'notRun' },
): Scores {
  return Object.fromEntries(
    scorers.flatMap((scorer) =>
      Object.keys(scorer.spec.dimensions).map((id): [string, Score] => [id, { ...what, scorer: labelOf(scorer) }]),
    ),
  );
}

/** The result of an image that could not be decoded: every dimension unassessable, judged like any other. */
export function unread(
  { bytes, policy, request }: Pick<ScoreTask, 'bytes' | 'policy' | 'request'>,
  scorers: readonly AnyScorer[],
  undecodable: Undecodable,
): ScoreResult {
  const scores = sameForAll(scorers, { status: 'unassessable', reason: undecodable.reason });
  return {
    image: {
      width: 0,
      height: 0,
      format: 'unknown',
      bytes: bytes.byteLength,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      pixelSha256: null,
    },
    undecodable,
    scores,
    verdict: judge(scores, policy, request),
    stopped: false,
    embedding: null,
    timing: { decodeMs: 0, scorers: {}, began: {}, totalMs: 0 },
  };
}

/** A scorer from outside may answer anything; a number that is none must not reach a gate. */
export function checked(id: string, found: Assessment | undefined): Assessment {
  if (found === undefined) return { status: 'error', error: `the scorer gave no answer for ${id}` };
  if (found.status === 'ok' && !(Number.isFinite(found.raw) && Number.isFinite(found.quality)))
    return { status: 'error', error: `the scorer gave a value for ${id} that is not a number` };
  return found;
}
