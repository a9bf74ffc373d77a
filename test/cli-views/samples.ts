/** Documents of a small request: 2 delivered, 1 near-duplicate, 1 ranked lower, 3 rejected, 1 lost. */
import type { Score, Verdict } from '../../selection/types.js';
import type { CandidateRecord, RequestProgress, ResultDoc } from '../../workflows/contract.js';

const score = (raw: number, quality: number): Score => ({ status: 'ok', raw, quality, scorer: 'test@1.0.0' });
const PASSES: Verdict = { pass: true, band: 'accept', failed: [] };
const fails = (...failed: [gate: string, reason: string][]): Verdict => ({
  pass: false,
  band: 'reject',
  failed: failed.map(([gate, reason]) => ({ gate, tier: 'generic', reason })),
});

export const recordOf = (candidate: number, more: Partial<CandidateRecord> = {}): CandidateRecord => ({
  candidate,
  seed: 1_000 + candidate,
  state: 'passed',
  provider: 'comfyui',
  host: 'gpu0',
  promptId: 'p',
  image: { key: `t/requests/r/candidates/000${candidate}.png`, sha256: 's', pixelSha256: 'p', width: 512, height: 512 },
  scores: {
    'sharpness.tileP90': score(100 + candidate, 50 + candidate),
    'noise.sigma': score(1.5, 90),
    'text.chars': { status: 'unassessable', reason: 'too-small', scorer: 'test@1.0.0' },
  },
  verdict: PASSES,
  notPicked: null,
  timing: { queuedMs: 1, drawMs: 1_000, scoreMs: 90 },
  cost: null,
  error: null,
  ...more,
});

export const blurred: [string, string] = [
  'sharpness.tileP90',
  'sharpness.tileP90 is 31.2, at least 40 wanted (quality)',
];

export const records: CandidateRecord[] = [
  recordOf(0, { state: 'rejected', verdict: fails(blurred) }),
  recordOf(1, { state: 'delivered' }),
  recordOf(2, { notPicked: 'near-duplicate of 1' }),
  recordOf(3, { state: 'rejected', verdict: fails(blurred, ['noText', 'Text in the background']) }),
  recordOf(4, {
    state: 'lost',
    image: null,
    scores: {},
    verdict: null,
    error: { code: 'COMFY_NODE_FAILED', message: 'node 3 KSampler "Sampler" failed: out of range' },
  }),
  recordOf(5, { state: 'delivered' }),
  recordOf(6, { notPicked: 'ranked 4 of 4' }),
  recordOf(7, { state: 'rejected', verdict: { ...fails(['noise.sigma', 'noise.sigma is 5']), band: 'review' } }),
];

export const result: ResultDoc = {
  request: 'req-1',
  release: `sha256:${'ab'.repeat(32)}`,
  state: 'delivered',
  wanted: 2,
  delivered: [5, 1].map((candidate, i) => ({
    candidate,
    seed: 1_000 + candidate,
    rank: i + 1,
    quality: 90 - i,
    key: `t/requests/r/candidates/000${candidate}.png`,
    url: `file:///data/t/requests/r/candidates/000${candidate}.png`,
  })),
  shortfall: null,
  counts: { drawn: 8, scored: 7, passed: 4, rejected: 3, lost: 1, cancelled: 0 },
  cost: { microUsd: 1_230, perDeliveredMicroUsd: 615 },
  timing: { firstPassMs: 900, totalMs: 14_200 },
  error: null,
};

export const progressOf = (
  state: Partial<RequestProgress['state']> = {},
  more: Partial<Omit<RequestProgress, 'state'>> = {},
): RequestProgress => ({
  phase: 'drawing',
  mode: 'best-of',
  wanted: 4,
  candidates: 24,
  ...more,
  state: {
    launched: 24,
    drawn: 14,
    scored: 13,
    passed: 5,
    rejected: 8,
    lost: 1,
    cancelled: 0,
    gates: {},
    startedAt: 0,
    firstPassAt: null,
    queue: '',
    again: false,
    ...state,
  },
});
