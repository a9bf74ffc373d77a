/** `comfy-cull review` as its users type it. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readRelease } from '../../cli/release.js';
import type { TuningDoc } from '../../cli/views/tuning-report.js';
import type { AuditPick } from '../../client/audit.js';
import { storedLabels } from '../../client/labels.js';
import type { Reviewed } from '../../client/review.js';
import type { CandidateRecord, ResultDoc, Reviewable } from '../../workflows/contract.js';
import { runCli, startCli } from '../support/cli.js';
import { openPipeline, PROMPT, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

const GENERATE = [
  'generate',
  'examples/templates/product.json',
  '-i',
  `prompt=${PROMPT}`,
  '-i',
  'width=128',
  '-i',
  'height=128',
];
/** Every picture is in the band review. */
const REVIEW =
  'policy: strict\ngates: { generic: { exposure.dynamicRange: { raw: { min: 255 }, review: { min: 0 } } } }';
/** Every picture passes near the gate, and all are marked. */
const AUDIT =
  'policy: audited\ngates: { generic: { exposure.dynamicRange: { raw: { min: 1 } } } }\naudit: { nearGate: 1, margin: 1 }';

let sandbox: TestSandbox;
let pipeline: Pipeline;
beforeAll(async () => {
  sandbox = await startSandbox({ secondsPerImage: 0.05 });
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
  await writeFile(join(pipeline.dir, 'review.yaml'), REVIEW);
  await writeFile(join(pipeline.dir, 'audit.yaml'), AUDIT);
});
afterAll(async () => {
  await pipeline.close();
  await sandbox.close();
});

const at = () => ({ env: pipeline.env, cwd: pipeline.dir });
const cli = (...args: string[]) => runCli(args, at());
const lines = <T>(text: string): T[] =>
  text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);

describe('a shortfall', () => {
  test('lists whom to look at; what is accepted is delivered', async () => {
    const ask = [...GENERATE, '-p', 'review.yaml', '-k', '2', '-n', '3', '--seed', '7', '--key', 'short'];
    const short = await cli(...ask);
    expect(short.code).toBe(3);
    expect(short.stdout).toContain('For a person to decide: 3 candidates');
    const [, command] = /^ {2}comfy-cull (review short accept [\d ]+)$/m.exec(short.stdout) ?? [];
    expect(command).toBeDefined();

    const listed = lines<Reviewable>((await cli('review', 'short', '--json')).stdout);
    expect(listed.map(({ candidate }) => candidate)).toEqual(command?.split(' ').slice(3).map(Number));
    const shown = await cli('review', 'short');
    for (const { candidate, failed } of listed) {
      expect(shown.stdout).toContain(`candidate ${candidate},`);
      expect(shown.stdout).toContain(failed[0]?.reason);
    }

    const [first, second, third] = listed.map(({ candidate }) => String(candidate));
    const answer = await cli('review', 'short', 'accept', first!, second!, '--by', 'ann', '--json');
    expect(JSON.parse(answer.stdout) as Reviewed).toMatchObject({
      request: 'short',
      state: 'delivered',
      counted: 2,
      labels: 4,
      decisions: [{ decision: 'accept', by: 'ann', known: false, gates: ['exposure.dynamicRange'] }, {}],
    });
    const watched = JSON.parse((await cli('watch', 'short', '--json')).stdout) as ResultDoc;
    expect(watched.delivered.map(({ candidate }) => String(candidate)).sort()).toEqual([first, second].sort());

    const other = await cli('review', 'short', 'reject', first!);
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/REVIEW_DECIDED.*accepted by ann/);
    const last = await cli('review', 'short', 'reject', third!, '--by', 'bob');
    expect(last.stdout).toContain(`candidate ${third}: rejected`);
    expect((await cli('review', 'short')).stderr).toContain('no candidate waits for a person');
  });
});

describe('--review wait', () => {
  test('says what it waits for, and ends when a person has decided', async () => {
    const ask = [
      ...GENERATE,
      '-p',
      'review.yaml',
      '-k',
      '2',
      '-n',
      '2',
      '--key',
      'wait',
      '--review',
      'wait',
      '--deadline',
      '2d',
    ];
    const running = startCli([...ask, '--json'], at());
    await running.saw('waits for review: 2 candidates');
    const status = JSON.parse((await cli('status', 'wait', '--json')).stdout) as unknown;
    expect(status).toMatchObject({ state: 'running', phase: 'reviewing', review: { request: 'wait', waiting: 2 } });
    expect((await cli('status', 'wait')).stdout).toContain('comfy-cull review wait');
    const one = await cli('review', 'wait', 'accept', '0');
    expect(one.stdout).toContain('1 of 2 count so far; 1 more can be reviewed');
    const two = await cli('review', 'wait', 'accept', '1');
    expect(two.stdout).toContain('they are being delivered');
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.stdout) as ResultDoc).toMatchObject({ state: 'delivered' });
  });
});

describe('--audit', () => {
  test('lists the marked ones of all requests until they have a label', async () => {
    for (const key of ['first', 'second'])
      await cli(...GENERATE, '-p', 'audit.yaml', '-n', '1', '--seed', '7', '--key', key, '--json');
    const picks = lines<AuditPick>((await cli('review', '--audit', '--json')).stdout);
    expect(picks.map(({ request, candidate, audit }) => [request, candidate, audit])).toEqual([
      ['first', 0, 'near-gate'],
      ['second', 0, 'near-gate'],
    ]);
    expect(picks[0]?.gates).toMatchObject([{ gate: 'exposure.dynamicRange' }]);
    const before = await pipeline.cull.result('first');
    const said = await cli('review', 'first', 'reject', '0', '--by', 'ann');
    expect(said.stdout).toContain('candidate 0: rejected (audit: a label)');
    expect(await pipeline.cull.result('first')).toEqual(before);
    const labels = (await storedLabels(pipeline.cull.storage, 'default')).filter(
      ({ picture }) => picture === 'first/0',
    );
    expect(labels.map(({ gate, pass }) => [gate, pass]).sort()).toEqual([
      [null, false],
      ['exposure.dynamicRange', false],
    ]);
    expect(lines<AuditPick>((await cli('review', '--audit', '--json')).stdout).map(({ request }) => request)).toEqual([
      'second',
    ]);
    expect(lines<AuditPick>((await cli('review', 'first', '--audit', '--json')).stdout)).toEqual([]);
    const [record] = (await pipeline.cull.records('second')) as [CandidateRecord];
    expect(record.audit).toBe('near-gate');
  });
});

describe('the labels that reviews make', () => {
  test('are what tune takes its thresholds from: a policy that agrees with the person', async () => {
    const release = await readRelease('examples/templates/product.json', {
      ...{ policyPath: join(pipeline.dir, 'review.yaml'), scorers: [], allowNodes: [] },
    });
    const requests = await Promise.all(
      [1, 2, 3, 4].map((seed) => pipeline.generate({ release, deliver: 10, candidates: 10, seed: 100 * seed })),
    );
    const ended = await Promise.all(requests.map((request) => pipeline.end(request)));
    const rangeOf = ({ scores }: CandidateRecord): number => {
      const score = scores['exposure.dynamicRange'];
      return score?.status === 'ok' ? score.raw : Number.NaN;
    };
    // the person takes the upper half of all pictures
    const ranges = ended.flatMap(({ records }) => records.map(rangeOf)).sort((a, b) => a - b);
    const least = ranges[Math.floor(ranges.length / 2)] ?? 0;
    let accepted = 0;
    for (const [i, { records }] of ended.entries()) {
      const words = { accept: [] as number[], reject: [] as number[] };
      for (const record of records) words[rangeOf(record) >= least ? 'accept' : 'reject'].push(record.candidate);
      accepted += words.accept.length;
      await pipeline.cull.review(requests[i]!, { ...words, by: 'ann' });
    }

    // only these: other tests leave labels of their own
    const made = await Promise.all(requests.map((request) => pipeline.cull.requestDoc(request)));
    const [since = ''] = made.map(({ createdAt }) => createdAt).sort();
    const tuned = ['tune', '-p', 'review.yaml', '--since', since, '--max-defect-rate', '0.3', '--confidence', '0.8'];
    const run = await cli(...tuned, '-o', 'tuned', '--json');
    expect([0, 3]).toContain(run.code);
    const report = JSON.parse(run.stdout) as TuningDoc;
    expect(report.labels).toMatchObject({ pictures: 40, good: accepted, jobs: 4 });
    expect(report.otherGates).toEqual([]);
    expect(report.disagreements).toEqual([]);
    const change = report.changes.find(({ at }) => at === 'raw');
    expect(change).toMatchObject({ gate: 'exposure.dynamicRange', side: 'min', from: 255 });
    const below = ranges.filter((range) => range < least);
    expect(change?.to).toBeGreaterThan(below[Math.floor(below.length / 2)] ?? 0);
    expect(change?.to).toBeLessThanOrEqual(ranges.at(-1) ?? 0);

    expect((await cli('policy', 'check', 'tuned/policy.yaml')).code).toBe(0);
  });
});

test('what cannot be meant is refused in words', async () => {
  expect((await cli('review')).stderr).toContain('no request is named');
  expect((await cli('review', 'short', 'perhaps', '1')).stderr).toContain('it must be accept or reject');
  expect((await cli('review', 'short', 'accept', 'x')).stderr).toContain('it must be the number of a candidate');
  expect((await cli('review', 'short', 'accept')).stderr).toContain('no candidate is named to accept');
  const none = await cli('review', 'nobody');
  expect(none.code).toBe(1);
  expect(none.stderr).toMatch(/REQUEST_NOT_FOUND.*nobody/);
});
