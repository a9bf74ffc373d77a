import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { DEFECT_NAMES } from '../../../sandbox/painter/index.js';
import { startSandbox } from '../../support/sandbox.js';
import { noise, txt2img } from './graphs.js';
import { closeAll, run, start, submit, types } from './harness.js';

afterEach(closeAll);

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

  it('answer downloads 404, or let them trickle', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a', size: 64 }) });
    const whole = Buffer.from(await (await fetch(`${comfy.url}/view?${png}`)).arrayBuffer());
    await comfy.config({ fault: { missingViews: 1, slowViews: 1, slowViewMs: 100 } });
    expect((await fetch(`${comfy.url}/view?${png}`)).status).toBe(404);
    const pieces: Uint8Array[] = [];
    for await (const piece of (await fetch(`${comfy.url}/view?${png}`)).body!) pieces.push(piece as Uint8Array);
    expect(pieces.length).toBeGreaterThan(5);
    expect(Buffer.concat(pieces).equals(whole)).toBe(true);
  });

  it('let seeds run out of memory as often as asked, with the tip that clients look for', async () => {
    const { comfy, s } = await start();
    await comfy.config({ fault: { oomSeeds: [7, 8], oomTimes: 2 } });
    for (const n of [1, 2, 3]) await run(s, { n, graph: txt2img({ seed: 7, prefix: 'a' }) });
    await run(s, { n: 4, graph: noise({ seed: 8, prefix: 'a' }) });
    const error = s.transcript.ws[s.alice]!.find((e) => e.type === 'execution_error')!.data;
    expect(error).toMatchObject({ exception_type: 'torch.OutOfMemoryError', node_type: 'KSampler' });
    expect(error.exception_message).toContain('\nThis error means you ran out of memory on your GPU.');
    expect((await comfy.log()).map((e) => e.status)).toEqual(['error', 'error', 'success', 'error']);
    expect(await comfy.seeds()).toEqual({
      7: { submitted: 3, started: 3, drawn: 1, saved: 1, faults: { oomSeeds: 2 } },
      8: { submitted: 1, started: 1, drawn: 0, saved: 0, faults: { oomSeeds: 1 } },
    });
  });

  it('fill the disk', async () => {
    const { comfy, s } = await start();
    await comfy.config({ fault: { diskFull: 1 } });
    const events = await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    expect(events.find((e) => e.type === 'execution_error')!.data).toMatchObject({
      node_type: 'SaveImage',
      exception_type: 'OSError',
      exception_message: '[Errno 28] No space left on device\n',
    });
    expect(types(await run(s, { n: 2, graph: noise({ seed: 1, prefix: 'a' }) }))).toContain('execution_success');
    expect((await comfy.log()).map((e) => [e.faults, e.saved])).toEqual([
      [['diskFull'], 0],
      [[], 1],
    ]);
  });

  it('answer 500 to a prompt that was queued', async () => {
    const { comfy, s } = await start();
    await comfy.config({ fault: { acceptThen500: 1 } });
    await submit(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    expect(s.transcript.http[0]!.response.status).toBe(500);
    await s.ended(s.alice, s.id(1));
    expect(await s.get(`/api/jobs/${s.id(1)}`)).toMatchObject({ status: 'completed' });
    expect(await comfy.log()).toMatchObject([{ status: 'success', drawn: true, faults: ['acceptThen500'] }]);
  });

  it.each([
    ['with a sampler', txt2img({ seed: 1, prefix: 'a' }), '3'],
    ['without one', noise({ seed: 1, prefix: 'a' }), '2'],
  ])('stall the sampler until it is interrupted, in a graph %s', async (_, graph, node) => {
    const { comfy, s } = await start();
    await comfy.config({ fault: { stallPrompts: 1 } });
    await submit(s, { n: 1, graph });
    await s.executing(s.alice, { promptId: s.id(1), node });
    expect(await s.get(`/api/jobs/${s.id(1)}`)).toMatchObject({ status: 'in_progress' });
    await s.post('/interrupt', { prompt_id: s.id(1) });
    await s.ended(s.alice, s.id(1));
    expect(s.transcript.ws[s.alice]!.some((e) => e.type === 'progress')).toBe(false);
    expect(await comfy.log()).toMatchObject([{ status: 'interrupted', drawn: false, faults: ['stallPrompts'] }]);
    expect(types(await run(s, { n: 2, graph }))).toContain('execution_success');
  });

  it('kill the worker with the prompt that runs, or with the next one', async () => {
    const idle = await start();
    await idle.comfy.config({ fault: { deadWorker: true } });
    await submit(idle.s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    const busy = await start({ secondsPerImage: 600 });
    await submit(busy.s, { n: 1, graph: txt2img({ seed: 1, prefix: 'a' }) });
    await busy.s.executing(busy.s.alice, { promptId: busy.s.id(1), node: '3' });
    await busy.comfy.config({ fault: { deadWorker: true }, secondsPerImage: 0 });
    for (const { comfy, s } of [idle, busy]) {
      await expect.poll(async () => (await comfy.log())[0]?.faults).toEqual(['deadWorker']);
      await submit(s, { n: 2, graph: noise({ seed: 2, prefix: 'a' }) });
      await s.post('/interrupt', { prompt_id: s.id(1) });
      expect(await s.get('/prompt')).toEqual({ exec_info: { queue_remaining: 2 } });
      expect(await s.get(`/api/jobs/${s.id(1)}`)).toMatchObject({ status: 'in_progress' });
      expect((await comfy.log()).map((e) => e.status)).toEqual(['running', 'pending']);
    }
  });

  it('cut each open websocket before its nth event, once', async () => {
    const { comfy, s } = await start();
    await comfy.config({ fault: { dropAtEvent: 3 } });
    await submit(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    await s.closed(s.alice);
    expect(s.transcript.ws[s.alice]).toHaveLength(1 + 2);
    await s.connect(s.bob);
    await submit(s, { n: 2, graph: noise({ seed: 2, prefix: 'a' }), client: s.bob });
    await s.ended(s.bob, s.id(2));
  });

  it('lose events, but never status', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    const all = s.transcript.ws[s.alice]!.slice(1).map((e) => e.type);
    await comfy.config({ fault: { loseEvents: 2 } });
    await run(s, { n: 2, graph: noise({ seed: 2, prefix: 'a' }) });
    const fewer = s.transcript.ws[s.alice]!.slice(1 + all.length).map((e) => e.type);
    expect(fewer.filter((t) => t === 'status')).toHaveLength(3);
    expect(fewer).not.toContain('execution_start');
    expect(fewer).not.toContain('execution_cached');
    expect(fewer).toContain('execution_success');
  });

  it('refuse websockets, while HTTP goes on', async () => {
    const { comfy } = await start();
    await comfy.config({ fault: { noWebsocket: true } });
    const socket = new WebSocket(`${comfy.url.replace('http', 'ws')}/ws?clientId=x`);
    const status = await new Promise<number | undefined>((done) =>
      socket.on('unexpected-response', (_, answer) => done(answer.statusCode)).on('error', () => undefined),
    );
    expect(status).toBe(403);
    expect((await fetch(`${comfy.url}/prompt`)).status).toBe(200);
  });

  it('put the clock off, for all times that the server tells', async () => {
    const { comfy, s } = await start();
    const HOUR = 3_600_000;
    await comfy.config({ fault: { clockSkewMs: -HOUR } });
    const beforeMs = Date.now();
    await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    const job = (await s.get(`/api/jobs/${s.id(1)}`)) as Record<string, number>;
    for (const name of ['create_time', 'execution_start_time', 'execution_end_time']) {
      expect(job[name]! + HOUR, name).toBeGreaterThanOrEqual(beforeMs);
      expect(job[name], name).toBeLessThan(beforeMs);
    }
    const date = (await fetch(`${comfy.url}/prompt`)).headers.get('date')!;
    expect(Date.parse(date)).toBeLessThan(beforeMs - HOUR / 2);
    expect((await comfy.log())[0]!.submittedMs).toBeGreaterThanOrEqual(beforeMs);
  });

  it('can be there from the start', async () => {
    const { s } = await start({ fault: { failSeeds: [1] } });
    expect(types(await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) }))).toContain('execution_error');
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
