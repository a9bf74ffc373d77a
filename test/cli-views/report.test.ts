import { describe, expect, it } from 'vitest';
import { durationText, moneyText, wrap } from '../../cli/views/format.js';
import { resultReport } from '../../cli/views/report.js';
import type { Score } from '../../selection/types.js';
import type { CandidateRecord, ResultDoc } from '../../workflows/contract.js';
import { blurred, recordOf, records, result } from './samples.js';

describe('resultReport', () => {
  it('names winners, rejections per gate, losses, cost and place', () => {
    expect(resultReport(result, records)).toBe(`\
Delivered 2 of 2 images
7 drawn, 4 passed, 3 rejected, 1 lost

Winners
  rank  candidate  quality  seed  sharpness.tileP90  noise.sigma
     1          5     90.0  1005                105          1.5
     2          1     89.0  1001                101          1.5

Rejected 3, by gate (one candidate can fail several)
    2  sharpness.tileP90 is 31.2, at least 40 wanted (quality)
    1  noText: Text in the background
    1  noise.sigma is 5

Passed, not picked 2
    1  ranked below the winners
    1  near-duplicates of a winner: 2 (of 1)

Lost 1
    1  COMFY_NODE_FAILED: node 3 KSampler "Sampler" failed: out of range
       (candidate 4)

Time     14 s, first passing image after 0.9 s
Cost     $0.00123, $0.000615 per delivered image
Stored   /data/t/requests/r/candidates/
Request  req-1
Release  sha256:${'ab'.repeat(32)}`);
  });

  it('counts as drawn what has a picture, and tells what those given up had cost', () => {
    const given = [0.25, undefined, 1].map((share, i) =>
      recordOf(8 + i, {
        state: 'cancelled',
        verdict: null,
        ...(share !== 1 && { image: null }),
        ...(share !== undefined && { share }),
      }),
    );
    const stopped: ResultDoc = { ...result, counts: { ...result.counts, drawn: 11, cancelled: 3 } };
    expect(resultReport(stopped, [...records, ...given]).split('\n')[1]).toBe(
      '8 drawn, 4 passed, 3 rejected, 1 lost, 3 cancelled (at least 1.3 generations)',
    );
  });

  it('keeps to 80 columns whatever the names and messages', () => {
    const long = 'a sentence that goes on and on '.repeat(10);
    const wordy = records.map((record) => ({
      ...record,
      error: record.error && { ...record.error, message: long },
      scores: { ...record.scores, [`scorer.${'veryLongDimension'.repeat(3)}`]: records[0]!.scores['noise.sigma']! },
      verdict: record.verdict && {
        ...record.verdict,
        failed: record.verdict.failed.map((one) => ({ ...one, reason: long })),
      },
    }));
    const lines = resultReport(result, wordy).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('lists whom a person could still accept, where the picture lies, and what to type', () => {
    const reviewable = [7, 0].map((candidate) => ({
      candidate,
      seed: 1_000 + candidate,
      quality: 60.5,
      key: `t/requests/r/candidates/000${candidate}.png`,
      url: candidate === 7 ? 'file:///data/my%20files/0007.png' : 'https://bucket/0000.png?signature=long',
      failed: [{ gate: 'noise.sigma', reason: 'noise.sigma is 5, at most 4 wanted' }],
    }));
    const shortfall: ResultDoc = {
      ...result,
      state: 'shortfall',
      wanted: 4,
      shortfall: { missing: 2, gates: { 'noise.sigma': 2 }, reason: 'cap', reviewable },
    };
    const report = resultReport(shortfall, records);
    expect(report).toContain('2 candidates can still be delivered if a person accepts them; see below.');
    expect(report).toContain(`\
For a person to decide: 2 candidates
  candidate 7, quality 60.5
    noise.sigma is 5, at most 4 wanted
    /data/my files/0007.png
  candidate 0, quality 60.5
    noise.sigma is 5, at most 4 wanted
    t/requests/r/candidates/0000.png
Those that you accept are delivered, and every decision is a label:
  comfy-cull review req-1 accept 7 0
`);
  });

  it('says how to reach K after a shortfall', () => {
    const shortfall: ResultDoc = {
      ...result,
      state: 'shortfall',
      wanted: 4,
      shortfall: { missing: 2, gates: { 'sharpness.tileP90': 2, noText: 1 }, reason: 'cap' },
    };
    const report = resultReport(shortfall, records);
    const hint = report.replaceAll('\n', ' ');
    expect(report).toContain('Shortfall: 2 of 4 images delivered, 2 missing\n');
    expect(hint).toContain('raise --cap (or --candidates) to 20');
    expect(hint).toContain('the gate sharpness.tileP90, which rejected 2 of 7');

    // asked last, of the few that all gates before it let through
    const late = {
      ...shortfall,
      shortfall: { missing: 2, gates: { early: 4, late: 1 }, judged: { early: 7, late: 1 } },
    };
    const named = resultReport({ ...late, shortfall: { ...late.shortfall, reason: 'futile' } }, records);
    expect(named.replaceAll('\n', ' ')).toContain('Most were rejected by early: 4 of 7.');
    const many = {
      missing: 2,
      gates: { early: 50, late: 45 },
      judged: { early: 100, late: 50 },
      reason: 'futile',
    } as const;
    const counts = { ...result.counts, scored: 100 };
    expect(resultReport({ ...late, counts, shortfall: many }, records).replaceAll('\n', ' ')).toContain(
      'Most were rejected by late: 45 of the 50 that it judged.',
    );

    const none = { ...shortfall, delivered: [], counts: { ...result.counts, passed: 0 } };
    expect(resultReport(none, [recordOf(0, { state: 'rejected' })])).toContain('No candidate passed; look at the gate');
    const lost = { ...none, shortfall: null, counts: { ...result.counts, passed: 0, lost: 1 } };
    expect(resultReport(lost, [recordOf(4, { state: 'lost' })])).toContain('Every candidate was lost');
  });

  it('names missing models and what to type, instead of findings that nobody made', () => {
    const blind = (reason: string): Score => ({
      status: 'unassessable',
      reason,
      scorer: 'test@1.0.0',
      facts: { hint: 'comfy-cull models pull blazeface' },
    });
    const failed = [
      { gate: 'eyes.open', tier: 'business', reason: 'The eyes are not open (eyes.open could not be measured)' },
      { gate: 'pose.roll', tier: 'useCase', reason: 'The head is tilted (pose.roll could not be measured)' },
    ] as const;
    const rejected = (candidate: number, reason: string): CandidateRecord =>
      recordOf(candidate, {
        state: 'rejected',
        scores: { 'eyes.open': blind(reason), 'pose.roll': blind(reason) },
        verdict: { pass: false, band: 'reject', failed: [...failed] },
      });
    const none: ResultDoc = {
      ...result,
      state: 'shortfall',
      delivered: [],
      shortfall: { missing: 2, gates: { 'eyes.open': 2, 'pose.roll': 2 }, reason: 'cap' },
      counts: { ...result.counts, passed: 0 },
    };

    const report = resultReport(none, [rejected(0, 'model-missing'), rejected(1, 'model-missing')]);
    expect(report).toContain('eyes, pose; comfy-cull models pull blazeface');
    expect(report).toContain('    2  could not be checked without the missing models');
    expect(report).not.toContain('The eyes are not open');
    expect(report).not.toContain('look at the gate');

    const faceless = resultReport(none, [rejected(0, 'no-face')]);
    expect(faceless).toContain('The eyes are not open');
    expect(faceless).not.toContain('models');
  });

  it('says why a request failed, and how to get a cost', () => {
    const failed: ResultDoc = {
      ...result,
      state: 'failed',
      delivered: [],
      cost: null,
      timing: { firstPassMs: null, totalMs: 400 },
      error: { code: 'COMFY_INVALID_GRAPH', message: 'node 4 "Load" wants a checkpoint' },
    };
    const report = resultReport(failed, []);
    expect(report).toMatch(/^Failed: nothing was delivered\n/);
    expect(report).toContain('COMFY_INVALID_GRAPH: node 4 "Load" wants a checkpoint');
    expect(report).toContain('CULL_COMFYUI_USD_PER_HOUR');
    expect(report).not.toMatch(/Winners|Rejected \d|Stored|undefined|null|NaN/);
    expect(resultReport({ ...failed, state: 'cancelled', error: null }, [])).toMatch(/^Cancelled/);
  });

  it('shows the storage key where the image is behind a signed URL', () => {
    const delivered = result.delivered.map((one) => ({ ...one, url: 'https://bucket.example/x?sig=1' }));
    expect(resultReport({ ...result, delivered }, records)).toContain('Stored   t/requests/r/candidates/\n');
  });

  it('lets nobody write control characters to the terminal', () => {
    const evil = [recordOf(0, { state: 'lost', error: { code: 'INTERNAL', message: 'a\u001b[2Jb\u0007' } })];
    // eslint-disable-next-line no-control-regex
    expect(resultReport(result, evil)).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('counts each gate once per candidate', () => {
    const many = Array.from({ length: 12 }, (_, i) =>
      recordOf(i, {
        state: 'rejected',
        verdict: { pass: false, band: 'reject', failed: [{ gate: blurred[0], tier: 'generic', reason: blurred[1] }] },
      }),
    );
    expect(resultReport(result, many)).toContain('Rejected 12, by gate\n   12  sharpness.tileP90 is');
  });
});

describe('format', () => {
  it.each([
    [900, '0.9 s'],
    [14_200, '14 s'],
    [59_900, '1 min 0 s'],
    [125_000, '2 min 5 s'],
    [599_700, '10 min 0 s'],
    [1_800_000, '30 min'],
    [4_200_000, '1 h 10 min'],
    [-5, '0.0 s'],
  ])('durationText(%i) = %s', (ms, text) => {
    expect(durationText(ms)).toBe(text);
  });

  it.each([
    [0, '$0.00'],
    [1, '$0.000001'],
    [1_230, '$0.00123'],
    [500_000, '$0.5'],
    [12_345_678, '$12.35'],
  ])('moneyText(%i) = %s', (microUsd, text) => {
    expect(moneyText(microUsd)).toBe(text);
  });

  it('wraps at words and keeps paragraphs', () => {
    expect(wrap('one two three\nfour', 8)).toEqual(['one two', 'three', 'four']);
    expect(wrap('unbreakable x', 4)).toEqual(['unbreakable', 'x']);
    expect(wrap('', 4)).toEqual([]);
  });
});
