/**
 * How often the gates of the shipped policies are right: pictures of the sandbox, through PNG as ComfyUI serves them, measured and judged
 * in the scoring pool, against the hidden labels. Seeds and photos are never those on which a threshold was chosen.
 *
 *   npm run bench:accuracy [-- --json] [--tuning] [--count 60] [--job headshot] [--scores raw.ndjson] [--from raw.ndjson]
 *
 * `--scores` keeps every score, `--from` judges kept ones by the policies as they are now. A run on all held-out seeds writes its tables into
 * docs/accuracy.md; with `--job` those of that job only.
 */
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import pLimit from 'p-limit';
import sharp from 'sharp';
import { format, resolveConfig } from 'prettier';
import { createScorePool, type ScorePool } from '../../activities/scoring/pool.js';
import { pullFor } from '../../cli/demo-jobs.js';
import { createOutput } from '../../cli/output.js';
import { readPolicy } from '../../cli/release.js';
import { readConfig } from '../../config.js';
import { PAINTER_VERSION } from '../../sandbox/painter/index.js';
import { PHOTOS_VERSION } from '../../sandbox/photos/index.js';
import { judge } from '../../selection/judge.js';
import type { Policy, Scores } from '../../selection/types.js';
import { figuresOf, type Judged } from './accuracy/figures.js';
import { openJobs, RANGES, type Drawn, type Job, type Range } from './accuracy/jobs.js';
import { tables, withTables, type Report } from './accuracy/tables.js';

const DOC = fileURLToPath(new URL('../../docs/accuracy.md', import.meta.url));

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    tuning: { type: 'boolean', default: false },
    count: { type: 'string' },
    job: { type: 'string', multiple: true },
    scores: { type: 'string' },
    from: { type: 'string' },
  },
});

/** One picture with all its scores: a line of `--scores`. */
interface Measured {
  job: string;
  n: number;
  labels: Drawn['labels'];
  scores: Scores;
}

async function measureAll(job: Job, of: { pool: ScorePool; policy: Policy; count: number }): Promise<Measured[]> {
  const { pool, policy, count } = of;
  if (flags.from !== undefined) {
    const lines = (await readFile(flags.from, 'utf8')).trim().split('\n');
    const kept = lines
      .map((line) => JSON.parse(line) as Measured)
      .filter(({ job: of, n }) => of === job.name && n < count);
    if (kept.length < count) throw new Error(`${flags.from} has ${kept.length} of ${count} pictures of ${job.name}`);
    return kept;
  }
  const limit = pLimit(availableParallelism() + 1);
  return Promise.all(
    Array.from({ length: count }, (_, n) =>
      limit(async () => {
        const { task, labels } = await job.draw(n);
        const { scores } = await pool.score({ ...task, policy, explain: 'all' });
        const measured: Measured = { job: job.name, n, labels, scores };
        if (flags.scores !== undefined) await appendFile(flags.scores, `${JSON.stringify(measured)}\n`);
        return measured;
      }),
    ),
  );
}

/** The pictures are the sandbox's own; only its CLIP can read them. */
const SANDBOX_CLIP = resolve('examples/models/cull/sandbox-clip');

async function judgeAll(job: Job, { pool, count }: { pool: ScorePool; count: number }): Promise<Judged[]> {
  const policy = await readPolicy(`examples/policies/${job.name}.yaml`, []);
  const unlisted = policy.gates.find(({ id }) => !(id in job.gates));
  if (unlisted) throw new Error(`test/bench/accuracy/jobs.ts does not say what the gate ${unlisted.id} is there for`);
  return (await measureAll(job, { pool, policy, count })).map(({ n, labels, scores }) => {
    const verdict = judge(scores, policy);
    const blind = Object.keys(job.gates).filter((id) => scores[id] !== undefined && scores[id].status !== 'ok');
    return {
      n,
      labels,
      failed: verdict.pass ? [] : verdict.failed.map(({ gate }) => gate),
      failedWithout: Object.entries(job.withoutGate ?? {}).flatMap(([id, max]) => {
        const score = scores[id];
        return score?.status === 'ok' && score.raw > max ? [id] : [];
      }),
      unassessable: blind,
    };
  });
}

async function run(range: Range, folder: string): Promise<Report> {
  const config = readConfig(process.env);
  const output = createOutput({ json: true });
  const jobs = (await openJobs(folder, range)).filter(({ name }) => flags.job?.includes(name) ?? true);
  for (const { name } of jobs) {
    const policy = await readPolicy(`examples/policies/${name}.yaml`, []);
    await pullFor(policy, { config: { ...config, scorers: [] }, output });
  }
  const threads = Math.max(1, Math.min(4, availableParallelism()));
  const pool = await createScorePool({ threads, models: { folder: config.models, use: { clip: SANDBOX_CLIP } } });
  try {
    const measured: Report['jobs'] = [];
    for (const job of jobs) {
      const count = Math.min(
        range.seeds.count[job.name] ?? 0,
        flags.count === undefined ? Infinity : Number(flags.count),
      );
      const judged = await judgeAll(job, { pool, count });
      const { name, source, gates, withoutGate = {} } = job;
      measured.push({ job: name, source, withoutGate, ...figuresOf(judged, gates) });
    }
    const versions = { painter: PAINTER_VERSION, photos: PHOTOS_VERSION };
    const { kind, seeds } = range;
    return { bench: 'accuracy', seeds: { kind, from: seeds.from }, versions, tuned: RANGES.tuning, jobs: measured };
  } finally {
    await pool.close();
  }
}

sharp.concurrency(1);
const folder = await mkdtemp(join(tmpdir(), 'cull-accuracy-'));
try {
  const report = await run(flags.tuning ? RANGES.tuning : RANGES.heldOut, folder);
  const text = await format(tables(report), { ...(await resolveConfig(DOC)), parser: 'markdown' });
  if (flags.json) console.log(JSON.stringify(report, null, 2));
  else console.log(text);
  const isWhole = !flags.tuning && flags.count === undefined;
  if (isWhole) await writeFile(DOC, withTables(await readFile(DOC, 'utf8').catch(() => ''), text));
} finally {
  await rm(folder, { recursive: true, force: true });
}
