/** Candidates of one request on one ComfyUI, of which one is cancelled: what the ComfyUI does then. The picture takes a minute, so nothing ends by itself. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ActivityCancellationDetails, ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { STOPPED_ALONE, WORKER_GONE } from '../../activities/attempts.js';
import { readRecord, writeJson } from '../../activities/documents.js';
import { createGenerateActivities, type GenerateActivities, type GenerateAnswer } from '../../activities/generate.js';
import { readRelease } from '../../cli/release.js';
import { createComfyProvider, hostId, type ComfyProvider } from '../../providers/comfyui/index.js';
import { deriveSeed } from '../../selection/seeds.js';
import { keys, openStorage, type Storage } from '../../storage/index.js';
import { bind } from '../../templates/bind.js';
import { checkInputs } from '../../templates/inputs.js';
import type { GenerateHeartbeat, PlanDoc } from '../../workflows/contract.js';
import { INPUTS } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';

const TENANT = 'default';
let folder: string;
let storage: Storage;
let sandbox: TestSandbox;
let provider: ComfyProvider;
let activities: GenerateActivities;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-siblings-'));
  storage = openStorage(folder);
  sandbox = await startSandbox({ secondsPerImage: 60 });
  provider = createComfyProvider({ host: { id: hostId(sandbox.url), url: sandbox.url } });
  activities = createGenerateActivities({ storage, provider, toldWithinMs: 60_000 });
});
afterEach(async () => {
  await provider.close();
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

interface Started {
  env: MockActivityEnvironment;
  /** What it ended with: a value or an error. */
  end: Promise<unknown>;
  /** Its last heartbeat. */
  beat(): GenerateHeartbeat | undefined;
}

const seedOf = (request: string, candidate: number): number => deriveSeed(request.length, candidate);

/** Hands a candidate to the Worker and waits until its ComfyUI has it. */
async function start(request: string, candidate: number, info: { attempt?: number } = {}): Promise<Started> {
  const policyPath = 'examples/policies/generic.yaml';
  const release = await readRelease('examples/templates/product.json', { policyPath, scorers: [], allowNodes: [] });
  const plan: Partial<PlanDoc> = {
    graph: bind(release, checkInputs(release, INPUTS)),
    seedAt: release.bindings.seed,
    output: release.bindings.output,
    files: [],
    release: 'sha256:0123456789abcdef',
    seed: request.length,
  };
  await writeJson(storage, keys.plan(TENANT, request), plan);
  const workflowExecution = { workflowId: request, runId: `run of ${request}` };
  const env = new MockActivityEnvironment({ ...info, workflowExecution }, { logger: new DefaultLogger('ERROR') });
  let beat: GenerateHeartbeat | undefined;
  env.on('heartbeat', (details: GenerateHeartbeat) => (beat = details));
  const ask = { tenant: TENANT, request, candidate, again: false };
  const draw = (): Promise<GenerateAnswer> => activities.generate(ask);
  const end: Promise<unknown> = env.run(draw).catch((error: unknown) => error);
  await until(async () => (await statusOf(request, candidate)) !== undefined);
  return { env, end, beat: () => beat };
}

const entryOf = async (request: string, candidate: number) =>
  (await sandbox.log()).findLast(({ seed }) => seed === seedOf(request, candidate));
const statusOf = async (request: string, candidate: number) => (await entryOf(request, candidate))?.status;
async function until(look: () => Promise<boolean>): Promise<void> {
  while (!(await look())) await wait(10);
}
const recordOf = (request: string, candidate: number) => readRecord(storage, { tenant: TENANT, request, candidate });

it('the one that waits is dequeued before the one that draws is interrupted, whoever is told first', async () => {
  const first = await start('mugs', 0);
  const second = await start('mugs', 1);
  await until(async () => (await statusOf('mugs', 0)) === 'running');
  first.env.cancel();
  expect(await first.end).toBeInstanceOf(CancelledFailure);
  expect(await entryOf('mugs', 0)).toMatchObject({ status: 'interrupted' });
  expect(await entryOf('mugs', 1)).toMatchObject({ status: 'dequeued', startedMs: null });
  second.env.cancel();
  expect(await second.end).toBeInstanceOf(CancelledFailure);
  expect(await recordOf('mugs', 0)).toMatchObject({ state: 'cancelled' });
  expect(await recordOf('mugs', 1)).toMatchObject({ state: 'cancelled', timing: { drawMs: 0 } });
});

it('however many wait, none of them starts; what another request has waiting does', async () => {
  const first = await start('mugs', 0);
  const others = [await start('mugs', 1), await start('mugs', 2)];
  const stranger = await start('vases', 0);
  const last = await start('mugs', 3);
  await until(async () => (await statusOf('mugs', 0)) === 'running');
  first.env.cancel();
  await until(async () => (await statusOf('vases', 0)) === 'running');
  for (const candidate of [1, 2, 3])
    expect(await entryOf('mugs', candidate)).toMatchObject({ status: 'dequeued', startedMs: null });
  for (const { env } of [...others, last, stranger]) env.cancel();
  for (const { end } of [first, ...others, last, stranger]) expect(await end).toBeInstanceOf(CancelledFailure);
});

it('one that Temporal wants all the same is drawn again', async () => {
  activities = createGenerateActivities({ storage, provider, toldWithinMs: 20 });
  const first = await start('mugs', 0);
  const second = await start('mugs', 1);
  first.env.cancel();
  const failure = await second.end;
  expect(failure).toBeInstanceOf(ApplicationFailure);
  expect(failure).toMatchObject({ type: STOPPED_ALONE, nonRetryable: false });
  // it is not a worker's death, of which a candidate survives only so many
  expect(second.beat()).toMatchObject({ told: 1 });
  expect(await recordOf('mugs', 1)).toBeUndefined();
  await first.end;

  await sandbox.config({ secondsPerImage: 0 });
  const { end } = await start('mugs', 1, { attempt: 2 });
  expect(await end).toEqual({ image: keys.image(TENANT, 'mugs', 1) });
});

it('a worker that shuts down leaves all of them in ComfyUI', async () => {
  const first = await start('mugs', 0);
  const second = await start('mugs', 1);
  await until(async () => (await statusOf('mugs', 0)) === 'running');
  first.env.cancel('WORKER_SHUTDOWN', new ActivityCancellationDetails({ workerShutdown: true }));
  expect(await first.end).toMatchObject({ type: WORKER_GONE });
  expect([await statusOf('mugs', 0), await statusOf('mugs', 1)]).toEqual(['running', 'pending']);
  second.env.cancel();
  await second.end;
});
