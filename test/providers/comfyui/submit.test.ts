import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createComfyProvider, promptIdOf, type ComfyProvider } from '../../../providers/comfyui/index.js';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { address, jobFor, startFake, watch } from './support.js';

/** A prompt is queued once, whatever becomes of the answer. Servers that the sandbox cannot play are in odd-servers.test.ts. */

let comfy: TestSandbox;
const open: ComfyProvider[] = [];
beforeEach(async () => {
  comfy = await startSandbox();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  await comfy.close();
});

function provider(url = comfy.url): ComfyProvider {
  const made = createComfyProvider({ host: address(url), timeouts: { giveUpMs: 5_000, refusedMs: 500 } });
  open.push(made);
  return made;
}

const posts = async () => (await comfy.log()).map(({ promptId }) => promptId);

describe('a prompt', () => {
  it('that is queued and then answered 500 is found by its id and not sent again', async () => {
    await comfy.config({ fault: { acceptThen500: 1 } });
    const job = await jobFor('noise');
    const drawn = await watch(provider(), job).result;
    expect(drawn.promptId).toBe(promptIdOf({ ...job, turn: 0 }));
    expect(await posts()).toEqual([drawn.promptId]);
  });

  it('that is on its way from queue to history, known nowhere for a moment, is not taken for refused', async () => {
    const ids: string[] = [];
    let looks = 0;
    const server = await startFake({
      'POST /prompt': ({ body }) => {
        ids.push((JSON.parse(body) as { prompt_id: string }).prompt_id);
        return { status: 500, text: '500 Internal Server Error' };
      },
      'GET /api/jobs/([^/]+)': () => {
        if (ids.length === 0 || looks++ < 1) return { status: 404, text: '{"error":"Job not found"}' };
        return { status: 'failed', execution_error: { exception_type: 'ValueError', exception_message: 'its own' } };
      },
    });
    // It ran, and how it ended is what counts.
    await expect(watch(provider(server.url), await jobFor('noise')).result).rejects.toMatchObject({
      code: 'COMFY_NODE_FAILED',
    });
    expect(ids).toHaveLength(1);
    await server.close();
  });

  it('whose connection breaks while it is sent is queued once', async () => {
    await comfy.config({ secondsPerImage: 0.5 });
    const job = await jobFor('noise');
    const run = watch(provider(), job);
    await run.submitted;
    await comfy.config({ fault: { dropConnections: true } });
    const drawn = await run.result;
    expect(await posts()).toEqual([drawn.promptId]);
  });
});
