import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ComfyClient, createComfyProvider, type ComfyTimeouts } from '../../../providers/comfyui/index.js';
import { address, jobFor, startFake, watch, type Fake } from './support.js';

/** What ComfyUI rarely does and the sandbox never: lost replies, old versions, broken answers, a dead worker. */

let png: Buffer;
const cleanUp: (() => unknown)[] = [];
beforeAll(async () => {
  png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'grey' } })
    .png()
    .toBuffer();
});
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

type Routes = Parameters<typeof startFake>[0];
async function fake(routes: Routes): Promise<Fake> {
  const made = await startFake(routes);
  cleanUp.push(() => made.close());
  return made;
}

function provider(of: Fake, timeouts: ComfyTimeouts = {}) {
  const made = createComfyProvider({
    host: address(of.url),
    timeouts: { giveUpMs: 3_000, refusedMs: 500, ...timeouts },
  });
  cleanUp.push(() => made.close());
  return made;
}

const images = [{ filename: 'a.png', subfolder: '', type: 'output' }];
const done = {
  status: 'completed',
  outputs: { '4': { images } },
  execution_status: { status_str: 'success', messages: [] },
};
const notFound = { status: 404, text: '{"error":"Job not found"}' };
const idOf = (body: string): string => (JSON.parse(body) as { prompt_id: string }).prompt_id;

/** A ComfyUI of the new kind that remembers what was submitted. */
function serving(over: Routes = {}): Routes {
  const known = new Set<string>();
  return {
    'POST /prompt': ({ body }) => {
      known.add(idOf(body));
      return { prompt_id: idOf(body), number: 1, node_errors: {} };
    },
    'GET /api/jobs/([^/]+)': ({ params }) => (known.has(params[0] ?? '') ? done : notFound),
    'GET /view': () => png,
    'GET /prompt': () => ({ exec_info: { queue_remaining: 1 } }),
    ...over,
  };
}
const posts = (of: Fake): number => of.asked.filter((line) => line === 'POST /prompt').length;

describe('a submit without an answer', () => {
  it('is not repeated when the prompt arrived', async () => {
    const arrived = new Set<string>();
    const server = await fake(
      serving({
        'POST /prompt': ({ body }) => (arrived.add(idOf(body)), 'cut'),
        'GET /api/jobs/([^/]+)': ({ params }) => (arrived.has(params[0] ?? '') ? done : notFound),
      }),
    );
    expect(await watch(provider(server), await jobFor('noise')).result).toMatchObject({ width: 8 });
    expect(posts(server)).toBe(1);
  });

  it('is repeated under the same id when it did not arrive', async () => {
    const ids: string[] = [];
    const server = await fake(
      serving({
        'POST /prompt': ({ body }) => (ids.push(idOf(body)) < 3 ? 'cut' : { prompt_id: idOf(body), node_errors: {} }),
        'GET /api/jobs/([^/]+)': () => (ids.length < 3 ? notFound : done),
      }),
    );
    await watch(provider(server), await jobFor('noise')).result;
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });

  it('counts a 500 as queued if the prompt is there, else as a refusal for good', async () => {
    const seen = new Set<string>();
    const queued = await fake(
      serving({
        'POST /prompt': ({ body }) => (seen.add(idOf(body)), { status: 500, text: '500 Internal Server Error' }),
        'GET /api/jobs/([^/]+)': ({ params }) => (seen.has(params[0] ?? '') ? done : notFound),
      }),
    );
    expect(await watch(provider(queued), await jobFor('noise')).result).toMatchObject({ width: 8 });
    const broken = await fake(
      serving({ 'POST /prompt': () => ({ status: 500, text: 'Server got itself in trouble' }) }),
    );
    await expect(watch(provider(broken), await jobFor('noise')).result).rejects.toMatchObject({
      code: 'COMFY_INVALID_GRAPH',
      retry: false,
    });
    expect(posts(broken)).toBe(1);
  });

  it.each([
    [413, 'COMFY_INVALID_GRAPH', false],
    [401, 'CONFIG_INVALID', false],
    [404, 'COMFY_INVALID_GRAPH', false],
    [422, 'COMFY_INVALID_GRAPH', false],
  ])('%i is %s at once', async (status, code, retry) => {
    const server = await fake(serving({ 'POST /prompt': () => ({ status, text: '<html>no</html>' }) }));
    await expect(watch(provider(server), await jobFor('noise')).result).rejects.toMatchObject({ code, retry });
    expect(posts(server)).toBe(1);
  });

  it('tries again when a proxy says that ComfyUI is away', async () => {
    let tries = 0;
    const server = await fake(
      serving({
        'POST /prompt': ({ body }) =>
          ++tries === 1 ? { status: 502, text: 'Bad Gateway' } : { prompt_id: idOf(body) },
        'GET /api/jobs/([^/]+)': () => (tries < 2 ? notFound : done),
      }),
    );
    await watch(provider(server), await jobFor('noise')).result;
    expect(tries).toBe(2);
  });
});

describe('an accepted prompt', () => {
  it('is cancelled by its id when some of its outputs were dropped', async () => {
    const errors = {
      '4': {
        class_type: 'SaveImage',
        errors: [{ message: 'Required input is missing', details: 'images', extra_info: { input_name: 'images' } }],
      },
    };
    let cancelled = '';
    const server = await fake(
      serving({
        'POST /prompt': ({ body }) => ({ prompt_id: idOf(body), number: 1, node_errors: errors }),
        'POST /api/jobs/([^/]+)/cancel': ({ params }) => ((cancelled = params[0] ?? ''), { cancelled: true }),
        'GET /api/jobs/([^/]+)': () => notFound,
      }),
    );
    const run = watch(provider(server), await jobFor('noise'));
    await expect(run.result).rejects.toMatchObject({
      code: 'COMFY_INVALID_GRAPH',
      details: [
        {
          node: '4',
          title: 'Save Image',
          class: 'SaveImage',
          message: 'Required input is missing',
          details: 'images',
          input: 'images',
        },
      ],
    });
    expect(cancelled).toBe(run.handles[0]?.promptId);
  });

  it('is drawn again under a new id when ComfyUI forgot it, but not for ever', async () => {
    const ids: string[] = [];
    const server = await fake(
      serving({
        'POST /prompt': ({ body }) => (ids.push(idOf(body)), { prompt_id: idOf(body) }),
        'GET /api/jobs/([^/]+)': () => notFound,
      }),
    );
    await expect(watch(provider(server), await jobFor('noise')).result).rejects.toMatchObject({
      code: 'COMFY_INTERRUPTED',
    });
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toHaveLength(3);
  });

  it('that somebody interrupted there is reported as that', async () => {
    const server = await fake(
      serving({ 'GET /api/jobs/([^/]+)': () => (posts(server) === 0 ? notFound : { status: 'cancelled' }) }),
    );
    await expect(watch(provider(server), await jobFor('noise')).result).rejects.toMatchObject({
      code: 'COMFY_INTERRUPTED',
      retry: true,
    });
  });

  it('that does not move is cancelled by its id', async () => {
    const server = await fake(
      serving({
        'GET /api/jobs/([^/]+)': () => (posts(server) === 0 ? notFound : { status: 'in_progress' }),
        'POST /api/jobs/([^/]+)/cancel': () => ({ cancelled: true }),
      }),
    );
    const p = provider(server, { workerDeadMs: 300 });
    await expect(watch(p, await jobFor('noise')).result).rejects.toMatchObject({ code: 'COMFY_WORKER_DEAD' });
    expect(server.asked.some((line) => /^POST .*\/cancel$/.test(line))).toBe(true);
  });

  it.each([
    ['no image at all', {}, 'saved no image'],
    ['images of another node', { '9': { images } }, 'saved no image'],
    ['a preview only', { '4': { images: [{ filename: 'a.png', subfolder: '', type: 'temp' }] } }, 'saved no image'],
    ['text where images are expected', { '4': { images: 'x', text: ['64'] } }, 'saved no image'],
  ])('with %s is a missing output', async (_, outputs, words) => {
    const server = await fake(
      serving({ 'GET /api/jobs/([^/]+)': () => (posts(server) === 0 ? notFound : { ...done, outputs }) }),
    );
    const result = watch(provider(server), await jobFor('noise')).result;
    await expect(result).rejects.toMatchObject({ code: 'COMFY_OUTPUT_MISSING' });
    await expect(result).rejects.toThrow(words);
  });

  it('whose file is not there is a missing output', async () => {
    const server = await fake(serving({ 'GET /view': () => ({ status: 404, text: '' }) }));
    await expect(watch(provider(server), await jobFor('noise')).result).rejects.toMatchObject({
      code: 'COMFY_OUTPUT_MISSING',
    });
    expect(server.asked.filter((line) => line === 'GET /view').length).toBeGreaterThan(1);
  });
});

describe('a cancellation', () => {
  it('comes after the POST that is under way', async () => {
    let answer: (() => void) | undefined;
    const server = await fake(
      serving({
        'POST /prompt': ({ body, response }) => {
          answer = () => response.end(JSON.stringify({ prompt_id: idOf(body) }));
          return 'hang';
        },
        'POST /api/jobs/([^/]+)/cancel': () => ({ cancelled: true }),
        'GET /api/jobs/([^/]+)': () => notFound,
      }),
    );
    const stop = new AbortController();
    const run = watch(provider(server), await jobFor('noise'), { signal: stop.signal });
    await server.until(/^POST \/prompt/);
    stop.abort(new Error('stop'));
    answer?.();
    await expect(run.result).rejects.toThrow('stop');
    expect(server.asked.findIndex((line) => line.endsWith('/cancel'))).toBeGreaterThan(
      server.asked.indexOf('POST /prompt'),
    );
  });

  it('throws the reason also when the host does not answer', async () => {
    const server = await fake(
      serving({
        'GET /api/jobs/([^/]+)': () => (posts(server) === 0 ? notFound : 'hang'),
        'POST /api/.*': () => 'hang',
      }),
    );
    const stop = new AbortController();
    const run = watch(provider(server), await jobFor('noise'), { signal: stop.signal });
    await server.until(/^POST \/prompt/);
    stop.abort(new Error('stop'));
    await expect(run.result).rejects.toThrow('stop');
  });
});

describe('an old ComfyUI without /api/jobs', () => {
  const id = randomUUID();
  const other = randomUUID();
  const queue = (running: string[], pending: string[]) => ({
    queue_running: running.map((one) => [1, one, {}, {}, []]),
    queue_pending: pending.map((one) => [2, one, {}, {}, []]),
  });

  it('is asked by /queue and /history, and remembered', async () => {
    const server = await fake({
      'GET /queue': () => queue([other], [id]),
      'GET /history/(.*)': () => ({}),
    });
    const client = new ComfyClient({ url: server.url });
    expect((await client.job(id)).state).toBe('pending');
    expect((await client.job(other)).state).toBe('running');
    expect((await client.job(randomUUID())).state).toBe('unknown');
    expect(server.asked.filter((line) => line.includes('/api/jobs'))).toHaveLength(1);
  });

  it('is drawn on', async () => {
    const known = new Set<string>();
    const server = await fake({
      'POST /prompt': ({ body }) => (known.add(idOf(body)), { prompt_id: idOf(body), node_errors: {} }),
      'GET /queue': () => queue([], []),
      'GET /history/(.*)': ({ params: [one = ''] }) =>
        known.has(one)
          ? {
              [one]: {
                prompt: [1, one, {}, {}, []],
                outputs: done.outputs,
                status: { status_str: 'success', messages: [['execution_success', {}]] },
              },
            }
          : {},
      'GET /view': () => png,
    });
    expect(await watch(provider(server), await jobFor('noise')).result).toMatchObject({ width: 8 });
  });

  it('is never asked to cancel without an id', async () => {
    const server = await fake({});
    for (const bad of ['', ' ', '../x']) {
      await expect(new ComfyClient({ url: server.url }).cancel(bad)).rejects.toMatchObject({ code: 'INTERNAL' });
    }
    expect(server.asked).toEqual([]);
  });

  it('may make its own prompt id, which is then followed', async () => {
    const own = randomUUID();
    const server = await fake(
      serving({
        'POST /prompt': () => ({ prompt_id: own }),
        'GET /api/jobs/([^/]+)': ({ params }) => (params[0] === own ? done : notFound),
      }),
    );
    const run = watch(provider(server), await jobFor('noise'));
    expect((await run.result).promptId).toBe(own);
    expect(run.handles.at(-1)?.promptId).toBe(own);
  });
});

describe('a host without a websocket', () => {
  it('is drawn on all the same', async () => {
    const server = await fake(serving());
    server.refuseSockets();
    const p = provider(server);
    for (let i = 0; i < 3; i++) expect(await watch(p, await jobFor('noise')).result).toMatchObject({ width: 8 });
  });
});
