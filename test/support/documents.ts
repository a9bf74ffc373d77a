/** Documents of a finished request, made up: two of five delivered. */
import type { CandidateRecord, CandidateState, RequestProgress, ResultDoc } from '../../workflows/contract.js';

export function recordOf(
  candidate: number,
  state: CandidateState,
  differences: Partial<CandidateRecord> = {},
): CandidateRecord {
  const rejected = state === 'rejected';
  return {
    candidate,
    seed: 1000 + candidate,
    state,
    provider: 'comfyui',
    host: 'gpu0',
    promptId: null,
    image: {
      key: `t/requests/r/candidates/000${candidate}.png`,
      sha256: 'a',
      pixelSha256: 'b',
      width: 512,
      height: 512,
    },
    scores: {
      'noise.sigma': { status: 'ok', raw: rejected ? 14.5 : 0.5, quality: rejected ? 10 : 99, scorer: 'noise@1.0.0' },
    },
    verdict: {
      pass: !rejected,
      band: rejected ? 'reject' : 'accept',
      failed: rejected
        ? [{ gate: 'noise.sigma', tier: 'generic', reason: 'The picture is <grainy> (noise.sigma is 14.5)' }]
        : [],
    },
    notPicked: state === 'passed' ? 'near-duplicate of 0' : null,
    timing: { queuedMs: 1, drawMs: 1000, scoreMs: 90 },
    cost: null,
    error: null,
    ...differences,
  };
}

export const RECORDS: CandidateRecord[] = [
  recordOf(0, 'delivered'),
  recordOf(1, 'rejected'),
  recordOf(2, 'passed'),
  recordOf(3, 'lost', {
    image: null,
    scores: {},
    verdict: null,
    error: { code: 'COMFY_NODE_FAILED', message: 'node 3 "KSampler" failed: out of ideas' },
  }),
  recordOf(4, 'delivered'),
];

export const resultOf = (differences: Partial<ResultDoc> = {}): ResultDoc => ({
  request: 'r1',
  release: `sha256:${'0'.repeat(64)}`,
  state: 'delivered',
  wanted: 2,
  delivered: [4, 0].map((candidate, i) => ({
    candidate,
    seed: 1000 + candidate,
    rank: i + 1,
    quality: 99 - i,
    key: `t/requests/r/candidates/000${candidate}.png`,
    url: 'file:///x.png',
  })),
  shortfall: null,
  counts: { drawn: 5, scored: 4, passed: 3, rejected: 1, lost: 1, cancelled: 0 },
  cost: null,
  timing: { firstPassMs: 900, totalMs: 4200 },
  error: null,
  ...differences,
});

export const progressOf = (state: Partial<RequestProgress['state']> = {}): RequestProgress => ({
  phase: 'drawing',
  wanted: 4,
  candidates: 24,
  state: {
    launched: 24,
    drawn: 14,
    scored: 12,
    passed: 5,
    rejected: 7,
    lost: 1,
    cancelled: 0,
    gates: {},
    startedAt: 0,
    firstPassAt: null,
    queue: 'gpu',
    again: false,
    ...state,
  },
});
