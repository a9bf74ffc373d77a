import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFECT_NAMES } from '../../../sandbox/painter/index.js';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { changed, CHECKPOINT, noise, txt2img, type Graph } from './graphs.js';
import { Session, type Event } from './session.js';

const open: { close: () => Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close();
});

async function start(options: Parameters<typeof startSandbox>[0] = {}): Promise<{ comfy: TestSandbox; s: Session }> {
  const comfy = await startSandbox({ checkpoints: [CHECKPOINT], ...options });
  const s = new Session(comfy.url, 'abcd0123');
  open.push(comfy, s);
  await s.connect(s.alice);
  return { comfy, s };
}

async function submit(
  s: Session,
  { n, graph, client = s.alice }: { n: number; graph: Graph; client?: string },
): Promise<string> {
  await s.post('/prompt', { prompt: graph, client_id: client, prompt_id: s.id(n) });
  return s.id(n);
}

async function run(s: Session, ask: { n: number; graph: Graph }): Promise<readonly Event[]> {
  const promptId = await submit(s, ask);
  await s.ended(s.alice, promptId);
  return s.transcript.ws[s.alice]!.filter((e) => e.data.prompt_id === promptId);
}

function types(events: readonly Event[]): string[] {
  return events.map((e) => e.type).filter((t) => t !== 'progress_state');
}

function ran(events: readonly Event[]): unknown[] {
  return events.filter((e) => e.type === 'executing' && e.data.node !== null).map((e) => e.data.node);
}

async function pixels(url: string, path: string): Promise<string> {
  const png = Buffer.from(await (await fetch(`${url}/view?${path}`)).arrayBuffer());
  return createHash('sha256')
    .update(await sharp(png).raw().toBuffer())
    .digest('hex');
}

describe('node cache', () => {
  it('serves an identical graph from the cache, and names the old file', async () => {
    const { s } = await start();
    const graph = txt2img({ seed: 1, prefix: 'a' });
    await run(s, { n: 1, graph });
    const again = await run(s, { n: 2, graph });
    expect(types(again)).toEqual(['execution_start', 'execution_cached', 'executed', 'execution_success', 'executing']);
    expect((again.find((e) => e.type === 'execution_cached')!.data.nodes as string[]).sort()).toEqual(
      Object.keys(graph).sort(),
    );
    expect(JSON.stringify(again)).toContain('a_00001_.png');
  });

  it('runs from the sampler on when the seed changes, and counts file names up', async () => {
    const { comfy, s } = await start();
    const graph = txt2img({ seed: 1, prefix: 'runs/a' });
    await run(s, { n: 1, graph });
    const other = await run(s, { n: 2, graph: changed(graph, '3', { seed: 2 }) });
    expect(ran(other)).toEqual(['3', '8', '9']);
    expect(JSON.stringify(other)).toContain('a_00002_.png');
    const one = await pixels(comfy.url, 'filename=a_00001_.png&subfolder=runs');
    expect(await pixels(comfy.url, 'filename=a_00002_.png&subfolder=runs')).not.toBe(one);
  });

  it('keeps only the nodes of the current prompt', async () => {
    const { s } = await start();
    const a = noise({ seed: 1, prefix: 'a' });
    const b = txt2img({ seed: 1, prefix: 'b' });
    await run(s, { n: 1, graph: a });
    await run(s, { n: 2, graph: b });
    expect(ran(await run(s, { n: 3, graph: a }))).toEqual(['1', '2', '3', '4']);
  });

  it('does not mind other node ids, runs twins once, and tells the first id in meta', async () => {
    const { s } = await start();
    const graph = noise({ seed: 1, prefix: 'a' });
    await run(s, { n: 1, graph: { ...graph, '5': graph['4']! } });
    const entry = (await s.get(`/history/${s.id(1)}`)) as Record<
      string,
      { outputs: Record<string, unknown>; meta: object }
    >;
    expect(entry[s.id(1)]!.outputs['4']).toEqual(entry[s.id(1)]!.outputs['5']);
    const renamed = { '1': graph['1']!, '2': graph['2']!, '3': graph['3']!, '9': graph['4']! };
    expect(ran(await run(s, { n: 2, graph: renamed }))).toEqual([]);
    const meta = ((await s.get(`/history/${s.id(2)}`)) as typeof entry)[s.id(2)]!.meta;
    expect(meta).toMatchObject({ '9': { node_id: expect.stringMatching(/^[45]$/) as string } });
  });

  it('forgets on /free with free_memory, not with unload_models', async () => {
    const { s } = await start();
    const graph = noise({ seed: 1, prefix: 'a' });
    await run(s, { n: 1, graph });
    await s.post('/free', { unload_models: true });
    expect(ran(await run(s, { n: 2, graph }))).toEqual([]);
    await s.post('/free', { free_memory: true });
    expect(ran(await run(s, { n: 3, graph }))).toHaveLength(4);
  });

  it('reads a changed input file anew', async () => {
    const { s } = await start();
    const picture = async (background: string): Promise<Buffer> =>
      sharp({ create: { width: 4, height: 4, channels: 3, background } })
        .png()
        .toBuffer();
    const graph: Graph = {
      '1': { class_type: 'LoadImage', inputs: { image: 'x.png' } },
      '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
    };
    await s.upload('/upload/image', { image: ['x.png', await picture('red')] });
    await run(s, { n: 1, graph });
    expect(ran(await run(s, { n: 2, graph }))).toEqual([]);
    await s.upload('/upload/image', { image: ['x.png', await picture('blue')], overwrite: 'true' });
    expect(ran(await run(s, { n: 3, graph }))).toEqual(['1', '2']);
  });
});

describe('queue', () => {
  it('runs the lowest number first, then the lowest id', async () => {
    const { comfy, s } = await start({ secondsPerImage: 0.2 });
    await submit(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    for (const n of [4, 3]) {
      await s.post('/prompt', {
        prompt: noise({ seed: n, prefix: 'a' }),
        prompt_id: s.id(n),
        number: 5,
        client_id: s.alice,
      });
    }
    await s.post('/prompt', {
      prompt: noise({ seed: 2, prefix: 'a' }),
      prompt_id: s.id(2),
      front: true,
      client_id: s.alice,
    });
    await s.ended(s.alice, s.id(4));
    const log = await comfy.log();
    expect([...log].sort((a, b) => a.startedMs! - b.startedMs!).map((e) => e.seed)).toEqual([1, 2, 3, 4]);
  });

  it('cancels a pending prompt without a trace, and a running one at once', async () => {
    const { comfy, s } = await start({ secondsPerImage: 60 });
    await submit(s, { n: 1, graph: txt2img({ seed: 1, prefix: 'a', steps: 2000 }) });
    await s.executing(s.alice, { promptId: s.id(1), node: '3' });
    await submit(s, { n: 2, graph: noise({ seed: 2, prefix: 'a' }) });
    expect(await s.post(`/api/jobs/${s.id(2)}/cancel`, {})).toEqual({ cancelled: true });
    expect(await s.get(`/api/jobs/${s.id(2)}`)).toEqual({ error: 'Job not found' });
    expect(await s.post(`/api/jobs/${s.id(1)}/cancel`, {})).toEqual({ cancelled: true });
    await s.ended(s.alice, s.id(1));
    expect(await s.get(`/api/jobs/${s.id(1)}`)).toMatchObject({ status: 'cancelled' });
    expect(await s.post(`/api/jobs/${s.id(1)}/cancel`, {})).toEqual({ cancelled: false });
    expect((await comfy.log()).map((e) => e.status)).toEqual(['interrupted', 'dequeued']);
  });

  it('clears all pending prompts, and goes on with the running one', async () => {
    const { s } = await start({ secondsPerImage: 0.3 });
    for (const n of [1, 2, 3]) await submit(s, { n, graph: noise({ seed: n, prefix: 'a' }) });
    await s.post('/queue', { clear: true });
    await s.ended(s.alice, s.id(1));
    expect(Object.keys((await s.get('/history')) as object)).toEqual([s.id(1)]);
  });

  it('pages through the history from either end', async () => {
    const { s } = await start();
    for (const n of [1, 2, 3]) await run(s, { n, graph: noise({ seed: n, prefix: 'a' }) });
    const ids = async (query: string): Promise<string[]> => Object.keys((await s.get(`/history?${query}`)) as object);
    expect(await ids('max_items=2')).toEqual([s.id(2), s.id(3)]);
    expect(await ids('max_items=1&offset=1')).toEqual([s.id(2)]);
    expect(await ids('offset=2')).toEqual([s.id(3)]);
  });

  it('stops its worker at a prompt that would stop the real one, and goes on answering', async () => {
    const { s } = await start();
    const graph = { ...noise({ seed: 1, prefix: 'a' }), '9': { class_type: 'EmptyImage' } } as unknown as Graph;
    await submit(s, { n: 1, graph });
    await s.until(s.alice, (events) => events.some((e) => e.type === 'execution_start'));
    await submit(s, { n: 2, graph: noise({ seed: 2, prefix: 'a' }) });
    expect(await s.get(`/api/jobs/${s.id(1)}`)).toMatchObject({ status: 'in_progress' });
    expect(await s.get(`/api/jobs/${s.id(2)}`)).toMatchObject({ status: 'pending' });
  });
});

describe('events', () => {
  it('go to the client of the prompt only, status to all', async () => {
    const { s } = await start();
    await s.connect(s.bob);
    await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    expect(new Set(s.transcript.ws[s.bob]!.map((e) => e.type))).toEqual(new Set(['status']));
  });

  it('tell a client that comes back the node at work', async () => {
    const { s } = await start({ secondsPerImage: 0.5 });
    await submit(s, { n: 1, graph: txt2img({ seed: 1, prefix: 'a' }), client: s.bob });
    await expect.poll(() => s.get(`/api/jobs/${s.id(1)}`)).toMatchObject({ status: 'in_progress' });
    await s.connect(s.bob);
    await s.until(s.bob, (events) => events.length > 1);
    expect(s.transcript.ws[s.bob]![1]).toMatchObject({ type: 'executing' });
    expect(s.transcript.ws[s.bob]![1]!.data).not.toHaveProperty('prompt_id');
    await s.ended(s.bob, s.id(1));
  });

  it('report progress a few times only, however many steps', async () => {
    const { s } = await start({ secondsPerImage: 0.4 });
    const events = await run(s, { n: 1, graph: txt2img({ seed: 1, prefix: 'a', steps: 1000 }) });
    const steps = events.filter((e) => e.type === 'progress').map((e) => e.data.value);
    expect(steps[0]).toBe(1);
    expect(steps.at(-1)).toBe(1000);
    expect(steps.length).toBeLessThan(8);
  });
});

describe('labels', () => {
  it('are told by the admin port, and by no public answer', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: txt2img({ seed: 3, prefix: 'a' }) });
    const labels = await comfy.labels();
    expect(labels[s.id(1)]).toMatchObject({
      seed: 3,
      prompt: 'a red mug on a white background',
      labels: { defects: {} },
    });
    for (const path of [
      `/history/${s.id(1)}`,
      `/api/jobs/${s.id(1)}`,
      '/api/jobs',
      '/history',
      '/queue',
      '/features',
      '/labels',
      '/log',
    ]) {
      await s.get(path);
    }
    const png = Buffer.from(await (await fetch(`${comfy.url}/view?filename=a_00001_.png`)).arrayBuffer());
    expect(png.includes('tEXtprompt')).toBe(true);
    const said = JSON.stringify(s.transcript) + png.toString('latin1');
    for (const name of [...DEFECT_NAMES, 'hasDefect', 'defect', 'defects', 'strength', 'threshold']) {
      expect(said, name).not.toMatch(new RegExp(`(?<![a-z])${name}(?![a-z])`, 'i'));
    }
    expect((await fetch(`${comfy.url}/labels`)).status).toBe(404);
  });
});

describe('faults', () => {
  const png = 'filename=a_00001_.png';

  it('spoil the next downloads as asked, and no more', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a', size: 64 }) });
    const whole = Buffer.from(await (await fetch(`${comfy.url}/view?${png}`)).arrayBuffer());
    await comfy.config({ fault: { truncateViews: 1 } });
    expect((await (await fetch(`${comfy.url}/view?${png}`)).arrayBuffer()).byteLength).toBe(whole.length >> 1);
    await comfy.config({ fault: { cutViews: 1 } });
    await expect(fetch(`${comfy.url}/view?${png}`).then((r) => r.arrayBuffer())).rejects.toThrow();
    await comfy.config({ fault: { textViews: 1 } });
    expect((await fetch(`${comfy.url}/view?${png}`)).headers.get('content-type')).toContain('text/plain');
    expect(Buffer.from(await (await fetch(`${comfy.url}/view?${png}`)).arrayBuffer()).equals(whole)).toBe(true);
  });

  it('fail the seeds asked for, with and without a sampler', async () => {
    const { comfy, s } = await start();
    await comfy.config({ fault: { failSeeds: [7] } });
    expect(types(await run(s, { n: 1, graph: txt2img({ seed: 7, prefix: 'a' }) }))).toContain('execution_error');
    expect(types(await run(s, { n: 2, graph: noise({ seed: 7, prefix: 'a' }) }))).toContain('execution_error');
    expect(types(await run(s, { n: 3, graph: noise({ seed: 8, prefix: 'a' }) }))).toContain('execution_success');
    expect((await comfy.log()).map((e) => e.status)).toEqual(['error', 'error', 'success']);
  });

  it('refuse connections for a while, and lose nothing', async () => {
    const { comfy, s } = await start({ secondsPerImage: 0.2 });
    await submit(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    await comfy.config({ fault: { refuseMs: 400 } });
    await expect(fetch(`${comfy.url}/prompt`)).rejects.toThrow();
    const answers = async (): Promise<unknown> => {
      const answer = await fetch(`${comfy.url}/api/jobs/${s.id(1)}`).catch(() => undefined);
      return answer && ((await answer.json()) as { status: string }).status;
    };
    await expect.poll(answers, { timeout: 10_000 }).toBe('completed');
  });

  it('is forgotten on reset, with log and labels', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: txt2img({ seed: 1, prefix: 'a' }) });
    await comfy.config({ fault: { textViews: 1 } });
    await comfy.reset();
    expect([await comfy.log(), await comfy.labels()]).toEqual([[], {}]);
    expect((await fetch(`${comfy.url}/view?${png}`)).headers.get('content-type')).toBe('image/png');
  });
});

describe('pictures', () => {
  it('depend on prompt and seed, and on nothing else', async () => {
    const { comfy, s } = await start();
    const graph = txt2img({ seed: 5, prefix: 'a' });
    const blue = changed(graph, '6', { text: 'a blue mug on a white background' });
    await run(s, { n: 1, graph });
    await run(s, { n: 2, graph: blue });
    await run(s, { n: 3, graph: changed(graph, '3', { steps: 9 }) });
    const [a, b, c] = await Promise.all([1, 2, 3].map((n) => pixels(comfy.url, `filename=a_0000${n}_.png`)));
    expect(b).not.toBe(a);
    expect(c).toBe(a);
  });

  it('come from a pool when asked, and still differ by seed', async () => {
    const { comfy, s } = await start({ prerendered: { pictures: 2 } });
    const seeds = [1, 3, 5, 2 ** 53 - 1];
    for (const [n, seed] of seeds.entries()) await run(s, { n, graph: txt2img({ seed, prefix: 'a', size: 256 }) });
    const hashes = await Promise.all(seeds.map((_, n) => pixels(comfy.url, `filename=a_0000${n + 1}_.png`)));
    expect(new Set(hashes).size).toBe(seeds.length);
    expect(Object.keys(await comfy.labels())).toHaveLength(seeds.length);
  });

  it('of a model-free graph repeat for a seed', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    await run(s, { n: 2, graph: noise({ seed: 2, prefix: 'a' }) });
    await run(s, { n: 3, graph: noise({ seed: 1, prefix: 'a' }) });
    const [a, b, c] = await Promise.all([1, 2, 3].map((n) => pixels(comfy.url, `filename=a_0000${n}_.png`)));
    expect([b === a, c === a]).toEqual([false, true]);
  });

  it('scale and crop to the size asked for', async () => {
    const { comfy, s } = await start();
    const scaled = { image: ['3', 0], upscale_method: 'lanczos', width: 32, height: 0, crop: 'center' };
    const graph = changed(
      { ...noise({ seed: 1, prefix: 'a' }), '5': { class_type: 'ImageScale', inputs: scaled } },
      '4',
      {
        images: ['5', 0],
      },
    );
    await run(s, { n: 1, graph });
    const png = Buffer.from(await (await fetch(`${comfy.url}/view?filename=a_00001_.png&channel=rgb`)).arrayBuffer());
    expect(await sharp(png).metadata()).toMatchObject({ width: 32, height: 32, channels: 3 });
    expect(png.includes('tEXt')).toBe(false);
  });

  it('take on an uploaded mask', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    const clear = { r: 0, g: 0, b: 0, alpha: 0 };
    const mask = await sharp({ create: { width: 16, height: 16, channels: 4, background: clear } })
      .png()
      .toBuffer();
    await s.upload('/upload/mask', {
      image: ['m.png', mask],
      original_ref: JSON.stringify({ filename: 'a_00001_.png' }),
    });
    const masked = Buffer.from(await (await fetch(`${comfy.url}/view?filename=m.png&type=input`)).arrayBuffer());
    expect((await sharp(masked).stats()).channels[3]).toMatchObject({ min: 0, max: 0 });
  });
});

it('leaves no temporary folder behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-test-'));
  vi.stubEnv('TMPDIR', folder);
  const comfy = await startSandbox();
  expect(await readdir(folder)).toHaveLength(1);
  await comfy.close();
  expect(await readdir(folder)).toEqual([]);
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});
