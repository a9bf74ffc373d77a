/**
 * What the order of scorers saves: CPU milliseconds per candidate with every scorer run, with all cheap scorers before those with models (and one look
 * in between), and with the cascade, before and after it has learned from pictures that ran everything. The order is learned on tuning seeds and people, the figures are of
 * held-out ones, each picture in all four ways in turn, on one core.
 *
 *   npm run bench:cascade [-- --json] [--count 40] [--learn 30]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { createReferenceReader, decodeMasks } from '../../activities/scoring/references.js';
import { readPolicy } from '../../cli/release.js';
import { decodeFrame } from '../../scorers/frame.js';
import { openModels } from '../../scorers/models/sessions.js';
import { builtInScorers } from '../../scorers/registry.js';
import { Unassessable, type Ask, type Scorer } from '../../scorers/scorer.js';
import {
  cascadeOrder,
  cascadeRun,
  FULL_SHARE,
  gateWatch,
  rejectingGates,
  type CascadeStats,
} from '../../selection/cascade.js';
import { judge } from '../../selection/judge.js';
import type { Policy, Score, Scores } from '../../selection/types.js';
import { pulledModels } from '../support/models.js';
import { openJobs, RANGES, type Drawn, type Job } from './accuracy/jobs.js';

const POLICIES = ['product', 'garment', 'headshot'] as const;
const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    count: { type: 'string', default: '40' },
    learn: { type: 'string', default: '30' },
  },
});
sharp.concurrency(1);
sharp.cache(false);
const models = openModels({
  folder: await pulledModels(),
  // the pictures are the sandbox's own; only its CLIP can read them
  use: { clip: resolve('examples/models/cull/sandbox-clip') },
});
const referenceOf = createReferenceReader(models);
const specs = builtInScorers.map(({ spec }) => spec);

/** Scorers that run without a look at the gates in between, one group after the other. */
type Stages = readonly (readonly Scorer[])[];
const WAYS = ['everything', 'cheap first', 'cascade, nothing known', 'cascade'] as const;
type Way = (typeof WAYS)[number];

interface Run {
  cpuMs: number;
  /** Scorer id -> milliseconds. */
  ms: Record<string, number>;
  scores: Scores;
  pass: boolean;
  stopped: boolean;
}

const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** From the bytes, as a scoring thread does it. */
async function measure({ task }: Drawn, policy: Policy, stages: Stages): Promise<Run> {
  const references = await referenceOf.all(task.references ?? []);
  const began = cpu();
  const decoded = await decodeFrame(task.bytes, { models });
  if (!decoded.ok) throw new Error(decoded.detail);
  const masks = await decodeMasks(task.masks ?? {});
  const { prompt, expect } = task;
  const rejects = gateWatch(policy);
  const [scores, ms]: [Scores, Record<string, number>] = [{}, {}];
  let stopped = rejects(scores);
  for (const stage of stages) {
    for (const one of stage) {
      const { spec } = one;
      const scorer = `${spec.id}@${spec.version}`;
      const all = (what: Score): Scores => Object.fromEntries(Object.keys(spec.dimensions).map((id) => [id, what]));
      if (stopped) {
        Object.assign(scores, all({ status: 'notRun', scorer }));
        continue;
      }
      const [start, loading] = [performance.now(), models.loadingMs()];
      const params = policy.params[spec.id] ?? {};
      const ask: Ask = { params, references, masks, ...(prompt && { prompt }), ...(expect && { expect }) };
      try {
        const found = await one.assess(decoded.frame, ask, new AbortController().signal);
        for (const [id, score] of Object.entries(found)) scores[id] = { ...score, scorer };
      } catch (error) {
        if (!(error instanceof Unassessable)) throw error;
        Object.assign(scores, all({ ...error.assessment, scorer }));
      }
      ms[spec.id] = performance.now() - start - (models.loadingMs() - loading);
    }
    stopped ||= stages.length > 1 && rejects(scores);
  }
  const isShort = Object.values(scores).some(({ status }) => status === 'notRun');
  return { cpuMs: cpu() - began, ms, scores, pass: judge(scores, policy).pass, stopped: isShort };
}

const oneByOne = (order: readonly string[]): Stages =>
  order.map((id) => builtInScorers.filter(({ spec }) => spec.id === id));
const ofCost = (cost: 'cheap' | 'model'): readonly Scorer[] => builtInScorers.filter(({ spec }) => spec.cost === cost);

/** What pictures that ran everything show, as the activities would have kept it. */
async function learn(job: Job, policy: Policy, count: number): Promise<CascadeStats> {
  const plan = { ...cascadeOrder(policy, { scorers: specs }), fullShare: 1 };
  const sums: Record<string, number> = {};
  const rejected: { gates: string[]; candidates: number }[] = [];
  for (let n = 0; n < count; n++) {
    const { order } = cascadeRun(plan, { request: job.name, candidate: n });
    const { ms, scores } = await measure(await job.draw(n), policy, [oneByOne(order).flat()]);
    for (const [id, one] of Object.entries(ms)) sums[id] = (sums[id] ?? 0) + one / count;
    rejected.push({ gates: rejectingGates(scores, policy), candidates: 1 });
  }
  return { ms: sums, rejected };
}

interface PolicyReport {
  policy: string;
  pictures: number;
  learnedFrom: number;
  passing: number;
  ways: Record<Way, { cpuMs: number; stopped: number; scorers: number; sameVerdicts: number }>;
  /** The cascade with its share of candidates that run everything. */
  withFullShare: number;
  /** The scorers that gates read, first to last. */
  order: { before: string[]; after: string[] };
}

async function compare(name: string, jobs: { tuning: Job; heldOut: Job }): Promise<PolicyReport> {
  const policy = await readPolicy(`examples/policies/${name}.yaml`, []);
  const [pictures, learnedFrom] = [Number(flags.count), Number(flags.learn)];
  const stats = await learn(jobs.tuning, policy, learnedFrom);
  const [before, after] = [cascadeOrder(policy, { scorers: specs }), cascadeOrder(policy, { scorers: specs, stats })];
  const stages: Record<Way, Stages> = {
    everything: [builtInScorers],
    'cheap first': [ofCost('cheap'), ofCost('model')],
    'cascade, nothing known': oneByOne(before.order),
    cascade: oneByOne(after.order),
  };
  const sums = Object.fromEntries(
    WAYS.map((way) => [way, { cpuMs: 0, stopped: 0, scorers: 0, sameVerdicts: 0 }]),
  ) as PolicyReport['ways'];
  let passing = 0;
  for (let n = 0; n < pictures; n++) {
    const drawn = await jobs.heldOut.draw(n);
    const truth = (await measure(drawn, policy, stages.everything)).pass;
    passing += Number(truth);
    // in turns, and another one first each time, so that a machine that slows down slows all
    for (const way of WAYS.map((_, i) => WAYS[(i + n) % WAYS.length] as Way)) {
      const run = await measure(drawn, policy, stages[way]);
      const sum = sums[way];
      sum.cpuMs += run.cpuMs / pictures;
      sum.stopped += Number(run.stopped) / pictures;
      sum.scorers += Object.keys(run.ms).length / pictures;
      sum.sameVerdicts += Number(run.pass === truth);
    }
  }
  return {
    policy: name,
    pictures,
    learnedFrom,
    passing,
    ways: sums,
    withFullShare: (1 - FULL_SHARE) * sums.cascade.cpuMs + FULL_SHARE * sums.everything.cpuMs,
    order: { before: before.order.slice(0, before.gated), after: after.order.slice(0, after.gated) },
  };
}

const folder = await mkdtemp(join(tmpdir(), 'bench-cascade-'));
try {
  const tuning = await openJobs(folder, RANGES.tuning);
  const heldOut = await openJobs(folder, RANGES.heldOut);
  const jobOf = (jobs: readonly Job[], name: string): Job => jobs.find((job) => job.name === name) as Job;
  const policies: PolicyReport[] = [];
  for (const name of POLICIES)
    policies.push(await compare(name, { tuning: jobOf(tuning, name), heldOut: jobOf(heldOut, name) }));
  const ok = policies.every(({ ways, pictures }) => WAYS.every((way) => ways[way].sameVerdicts === pictures));
  if (flags.json) console.log(JSON.stringify({ bench: 'cascade', scorers: specs.length, policies, ok }, null, 2));
  else for (const report of policies) print(report);
  if (!ok) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

function print({ policy, pictures, learnedFrom, passing, ways, withFullShare, order }: PolicyReport): void {
  console.log(`\n${policy}: ${pictures} pictures, ${passing} pass; the order is learned from ${learnedFrom} others`);
  console.log(`  ${''.padEnd(24)} CPU ms  of all  stopped  scorers  same verdict`);
  for (const way of WAYS) {
    const { cpuMs, stopped, scorers, sameVerdicts } = ways[way];
    const cells = [
      cpuMs.toFixed(0).padStart(6),
      `${((100 * cpuMs) / ways.everything.cpuMs).toFixed(0)} %`.padStart(7),
      `${(100 * stopped).toFixed(0)} %`.padStart(8),
      scorers.toFixed(1).padStart(8),
      `${sameVerdicts}/${pictures}`.padStart(13),
    ];
    console.log(`  ${way.padEnd(24)} ${cells.join(' ')}`);
  }
  console.log(`  with ${100 * FULL_SHARE} % that run everything: ${withFullShare.toFixed(0)} ms`);
  console.log(`  order before ${order.before.join(', ')}\n        after  ${order.after.join(', ')}`);
}
