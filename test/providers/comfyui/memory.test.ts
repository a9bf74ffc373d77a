import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { ComfyClient, createComfyProvider, type ComfyProvider } from '../../../providers/comfyui/index.js';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { address, jobFor, startFake, watch, type Fake } from './support.js';

/** A GPU that is full: models are unloaded, it is drawn here once more, and then the error says "elsewhere". */

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

function provider(of: TestSandbox | Fake): ComfyProvider {
  const made = createComfyProvider({ host: address(of.url), timeouts: { giveUpMs: 3_000, refusedMs: 500 } });
  cleanUp.push(() => made.close());
  return made;
}

async function sandbox(): Promise<TestSandbox> {
  const comfy = await startSandbox();
  cleanUp.push(() => comfy.close());
  return comfy;
}

const tip = 'x\nThis error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before ...';
const idOf = (body: string): string => (JSON.parse(body) as { prompt_id: string }).prompt_id;

/**
 * A ComfyUI where somebody's prompt runs until `runs` looks at the queue are over, and that runs out of memory `times` times; the first prompt
 * is seen running `firstRuns` times.
 */
async function full(how: { times: number; runs: number; grows?: boolean; firstRuns?: number }) {
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'grey' } })
    .png()
    .toBuffer();
  const other = randomUUID();
  const ids: string[] = [];
  const freed: unknown[] = [];
  let looks = 0;
  let running = how.firstRuns ?? 0;
  const server = await startFake({
    'POST /prompt': ({ body }) => (ids.push(idOf(body)), { prompt_id: idOf(body), number: 1, node_errors: {} }),
    'POST /free': ({ body }) => (freed.push(JSON.parse(body)), { status: 200, text: '' }),
    'GET /queue': () => ({ queue_running: looks++ < how.runs ? [[1, other, {}, {}, []]] : [], queue_pending: [] }),
    'GET /system_stats': () => ({
      system: {},
      devices: [
        { name: 'cuda:0', type: 'cuda', index: 0, vram_total: 100, vram_free: how.grows && freed.length > 0 ? 90 : 2 },
      ],
    }),
    'GET /api/jobs/([^/]+)': ({ params: [id = ''] }) => {
      const turn = ids.indexOf(id);
      if (turn < 0) return { status: 404, text: '{"error":"Job not found"}' };
      if (turn === 0 && running-- > 0) return { status: 'in_progress' };
      if (turn >= how.times) {
        return {
          status: 'completed',
          outputs: { '4': { images: [{ filename: 'a.png', subfolder: '', type: 'output' }] } },
        };
      }
      return {
        status: 'failed',
        execution_error: { node_id: '2', exception_type: 'Exception', exception_message: tip },
      };
    },
    'GET /view': () => png,
  });
  cleanUp.push(() => server.close());
  return { server, ids, freed };
}

describe('out of memory', () => {
  it('unloads the models, and only those, before it draws here once more under a new id', async () => {
    const { server, ids, freed } = await full({ times: 1, runs: 0 });
    const { result } = watch(provider(server), await jobFor('noise'));
    expect((await result).promptId).toBe(ids[1]);
    expect(new Set(ids).size).toBe(2);
    expect(freed).toEqual([{ unload_models: true, free_memory: false }]);
    const order = server.asked.filter((line) => /POST \/(prompt|free)/.test(line));
    expect(order).toEqual(['POST /prompt', 'POST /free', 'POST /prompt']);
  });

  it("waits until somebody's prompt that runs has ended: only then ComfyUI obeys", async () => {
    const { server } = await full({ times: 1, runs: 3 });
    await watch(provider(server), await jobFor('noise')).result;
    const afterFree = server.asked.slice(server.asked.indexOf('POST /free'), server.asked.lastIndexOf('POST /prompt'));
    expect(afterFree.filter((line) => line === 'GET /queue')).toHaveLength(3);
  });

  it('waits no longer than the memory takes to come back', async () => {
    const { server } = await full({ times: 1, runs: Infinity, grows: true });
    await watch(provider(server), await jobFor('noise')).result;
    const afterFree = server.asked.slice(server.asked.indexOf('POST /free'), server.asked.lastIndexOf('POST /prompt'));
    expect(afterFree.filter((line) => line === 'GET /queue')).toHaveLength(1);
  });

  it('is given up here after that, to be drawn elsewhere', async () => {
    const { server, ids, freed } = await full({ times: 5, runs: 0 });
    await expect(watch(provider(server), await jobFor('noise')).result).rejects.toMatchObject({
      code: 'COMFY_OUT_OF_MEMORY',
    });
    expect(ids).toHaveLength(2);
    expect(freed).toHaveLength(1);
  });

  it('of a prompt that an earlier try left here is repaired the same way', async () => {
    const { server, ids, freed } = await full({ times: 1, runs: 0, firstRuns: 2 });
    const left = '00000000-0000-4000-8000-000000000001';
    ids.push(left);
    const resume = { host: address(server.url).id, promptId: left };
    const run = watch(provider(server), { ...(await jobFor('noise')), attempt: 2 }, { resume });
    expect((await run.result).promptId).toBe(ids[1]);
    expect(freed).toHaveLength(1);
  });

  it('on a ComfyUI that recovers costs one prompt and nothing else', async () => {
    const comfy = await sandbox();
    const job = await jobFor('noise');
    await comfy.config({ fault: { oomSeeds: [job.seed] } });
    const drawn = await watch(provider(comfy), job).result;
    expect((await comfy.log()).map(({ status }) => status)).toEqual(['error', 'success']);
    const history = await new ComfyClient({ url: comfy.url }).history();
    expect(history.at(-1)).toMatchObject({ promptId: drawn.promptId, job: { state: 'succeeded' } });
  });
});
