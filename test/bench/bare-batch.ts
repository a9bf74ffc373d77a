/** The lines of a batch through the same activities as in production, in a plain loop: no Temporal, no worker process. What is left is the work itself. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import pLimit from 'p-limit';
import { createDeliverActivities } from '../../activities/deliver.js';
import { createGenerateActivities } from '../../activities/generate.js';
import { createPrepareActivities } from '../../activities/prepare.js';
import { createScoreActivities } from '../../activities/score.js';
import { createScorePool } from '../../activities/scoring/pool.js';
import type { GenerateOptions } from '../../client/request.js';
import { requestOf } from '../../client/request.js';
import { storeRelease } from '../../client/store.js';
import { readConfig } from '../../config.js';
import { DEFAULT_SLOTS } from '../../fleet/members.js';
import { createComfyProvider, hostId } from '../../providers/comfyui/index.js';
import { builtInScorers } from '../../scorers/registry.js';
import { keys, openStorage } from '../../storage/index.js';

/** As worker.ts has it. */
const SCORES_BEYOND_THREADS = 2;
const TENANT = 'default';

/**
 * Draws, scores and delivers `lines` requests, `window` at once, with the slots and threads that a worker has.
 *
 * @returns seconds, and how many candidates were scored
 */
export async function bareBatch(options: {
  lines: number;
  window: number;
  urls: string[];
  optionsOf: (line: number) => GenerateOptions & { candidates: number };
}): Promise<{ seconds: number; scored: number }> {
  const { lines, window, urls, optionsOf } = options;
  const { scoreThreads } = readConfig({});
  const dir = await mkdtemp(join(tmpdir(), 'cull-bare-'));
  const storage = openStorage(join(dir, 'storage'));
  const pool = await createScorePool({ threads: scoreThreads, models: { folder: join(dir, 'models') } });
  const hosts = urls.map((url) => ({ id: hostId(url), url }));
  const providers = hosts.map((host) => createComfyProvider({ host, peers: () => hosts }));
  const free = providers.flatMap((provider) => {
    const activities = createGenerateActivities({ storage, provider });
    return Array.from({ length: DEFAULT_SLOTS }, () => activities);
  });
  const drawing = pLimit(free.length);
  const scoring = pLimit(scoreThreads + SCORES_BEYOND_THREADS);
  const preparing = createPrepareActivities({ storage, scorers: builtInScorers, allowNodes: [] });
  const scorers = createScoreActivities({ storage, pool });
  const delivering = createDeliverActivities({ storage });
  const run = <T>(activity: () => Promise<T>): Promise<T> =>
    new MockActivityEnvironment().run<[], T, () => Promise<T>>(activity);
  let scored = 0;

  const drawAndScore = async (request: string, candidate: number): Promise<void> => {
    const ref = { tenant: TENANT, request, candidate };
    const { image } = await drawing(async () => {
      const activities = free.pop();
      if (!activities) throw new Error('there are as many slots as draws at once');
      return run(() => activities.generate({ ...ref, again: false })).finally(() => free.push(activities));
    });
    await scoring(() => run(() => scorers.score({ ...ref, image })));
    scored++;
  };
  const one = async (line: number): Promise<void> => {
    const asked = optionsOf(line);
    const doc = requestOf({ ...asked, key: `bare.${line}` }, TENANT);
    const { request } = doc;
    const startedAt = Date.now();
    await storeRelease(storage, asked.release);
    await storage.put(keys.request(TENANT, request), JSON.stringify(doc), { ifAbsent: true });
    await storage.put(keys.index(TENANT, doc.createdAt.slice(0, 10), request), JSON.stringify({ request }));
    await run(() => preparing.prepare({ tenant: TENANT, request }));
    await Promise.all(Array.from({ length: asked.candidates }, (_, candidate) => drawAndScore(request, candidate)));
    const ask = { tenant: TENANT, request, end: 'done', error: null, launched: asked.candidates } as const;
    await run(() => delivering.deliver({ ...ask, startedAt, firstPassAt: null }));
  };

  const startedAt = performance.now();
  const open = pLimit(window);
  await Promise.all(Array.from({ length: lines }, (_, line) => open(() => one(line))));
  const seconds = (performance.now() - startedAt) / 1000;
  await Promise.all(providers.map((provider) => provider.close()));
  await pool.close();
  await rm(dir, { recursive: true, force: true });
  return { seconds, scored };
}
