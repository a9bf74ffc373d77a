/** Arbitrary scores, policies and candidates for the property tests, and short makers for the examples. */
import fc from 'fast-check';
import type {
  Audit,
  Diversity,
  Gate,
  Policy,
  Score,
  Scores,
  SelectionCandidate,
  ThresholdGate,
} from '../../selection/types.js';
import { judge } from '../../selection/judge.js';

export const DIMENSIONS = ['sharpness.tileP90', 'exposure.clippedShare', 'text.backgroundChars', 'noise.sigma'];

export const ok = (raw: number, quality = raw): Score => ({ status: 'ok', raw, quality, scorer: 'test@1.0.0' });

export const threshold = (
  gate: Partial<ThresholdGate> & Pick<ThresholdGate, 'dimension' | 'accept'>,
): ThresholdGate => ({
  kind: 'threshold',
  id: gate.dimension,
  tier: 'generic',
  on: 'quality',
  onUnassessable: 'reject',
  ...gate,
});

export const policyOf = (gates: Gate[], more: Partial<Policy> = {}): Policy => ({
  policy: 'test',
  gates,
  rank: {},
  diversity: { minDistance: 0 },
  deliverReview: false,
  params: {},
  ...more,
});

const onUnassessable = fc.constantFrom('reject', 'review', 'ignore');
const dimension = fc.constantFrom(...DIMENSIONS);
const quality = fc.integer({ min: 0, max: 100 });

const score: fc.Arbitrary<Score> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.double({ min: 0, max: 10, noNaN: true }), quality).map(([r, q]) => ok(r, q)) },
  fc.constantFrom<Score>(
    { status: 'unassessable', reason: 'no-subject', scorer: 'test@1.0.0' },
    { status: 'notRun', scorer: 'test@1.0.0' },
    { status: 'error', error: 'boom', scorer: 'test@1.0.0' },
  ),
);

export const scoresArbitrary: fc.Arbitrary<Scores> = fc.dictionary(dimension, score, { noNullPrototype: true });

const gate: fc.Arbitrary<Gate> = fc.oneof(
  fc
    .record({ dimension, on: fc.constantFrom('raw', 'quality'), min: quality, slack: quality, onUnassessable })
    .map(({ min, slack, ...rest }) => threshold({ ...rest, accept: { min }, review: { min: min - slack } })),
  fc
    .record({
      rule: fc.constantFrom(
        'scores.noise.sigma.raw < 5.0',
        'scores.text.backgroundChars.raw == 0 || scores.sharpness.tileP90.quality > 50',
        'scores.missing.dimension.raw > 1.0',
        'not an expression (',
      ),
      onUnassessable,
    })
    .map(({ rule, onUnassessable }): Gate => ({
      kind: 'rule',
      id: 'rule',
      tier: 'business',
      rule,
      reason: 'the rule says no',
      onUnassessable,
      dimensions: [],
    })),
);

export const policyArbitrary: fc.Arbitrary<Policy> = fc
  .record({
    gates: fc.array(gate, { maxLength: 5 }),
    rank: fc.dictionary(dimension, fc.integer({ min: 1, max: 5 }), { noNullPrototype: true }),
    rankModel: fc.option(
      fc.record({
        intercept: fc.double({ min: -4, max: 4, noNaN: true }),
        weights: fc.dictionary(dimension, fc.double({ min: 0.001, max: 0.1, noNaN: true }), { noNullPrototype: true }),
      }),
      { nil: undefined },
    ),
    minDistance: fc.constantFrom(0, 0.05, 0.2, 0.6),
    deliverReview: fc.boolean(),
  })
  .map(({ gates, rank, rankModel, minDistance, deliverReview }) => {
    const ranking = rankModel ? { rank: {}, rankModel } : { rank };
    return policyOf(gates, { ...ranking, diversity: { minDistance }, deliverReview });
  });

/** A few bits set, so that near-duplicates are common. */
const fingerprint = fc.array(fc.integer({ min: 0, max: 63 }), { maxLength: 8 }).map((bits) =>
  bits
    .reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n)
    .toString(16)
    .padStart(16, '0'),
);

/** On a circle: some the same, some opposite. */
const unitVector = fc
  .integer({ min: 0, max: 11 })
  .map((hour) => [Math.cos((hour * Math.PI) / 6), Math.sin((hour * Math.PI) / 6)]);

const diversity: fc.Arbitrary<Diversity> = fc.record(
  {
    minDistance: fc.constantFrom(0, 0.05, 0.2, 0.6),
    lambda: fc.double({ min: 0, max: 1, noNaN: true }),
    by: fc.constantFrom('embedding' as const, 'fingerprint' as const),
  },
  { requiredKeys: ['minDistance'] },
);

const minPerGroup = fc.oneof(
  fc.integer({ min: 1, max: 4 }),
  fc.dictionary(fc.constantFrom('studio', 'outdoor', 'nowhere'), fc.integer({ min: 1, max: 4 }), {
    noNullPrototype: true,
  }),
);

const share = fc.constantFrom(0, 0.01, 0.05, 1);
const audit: fc.Arbitrary<Audit> = fc.record({ nearGate: share, rejects: share, margin: share });

/** A policy that wants variety, groups, an audit, some of these or nothing. */
export const demandingArbitrary = fc.record({ diversity, minPerGroup, audit }, { requiredKeys: ['diversity'] });

/** Candidates with distinct indices, judged by the policy that comes with them. */
export const requestArbitrary = fc
  .record({
    policy: policyArbitrary,
    drawn: fc.array(
      fc.record({
        group: fc.option(fc.constantFrom('studio', 'outdoor', 'office'), { nil: undefined }),
        embedding: fc.option(unitVector, { nil: undefined }),
        scores: scoresArbitrary,
        fingerprint: fc.option(fingerprint, { nil: undefined }),
        pixelSha256: fc.option(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { nil: undefined }),
      }),
      { maxLength: 30 },
    ),
  })
  .map(({ policy, drawn }) => ({
    policy,
    candidates: drawn.map((one, candidate): SelectionCandidate => ({
      candidate,
      scores: one.scores,
      verdict: judge(one.scores, policy),
      ...(one.group === undefined ? {} : { group: one.group }),
      ...(one.embedding === undefined ? {} : { embedding: one.embedding }),
      ...(one.fingerprint === undefined ? {} : { fingerprint: one.fingerprint }),
      ...(one.pixelSha256 === undefined ? {} : { pixelSha256: one.pixelSha256 }),
    })),
  }));
