import { afterEach, describe, expect, it } from 'vitest';
import { noise, txt2img, type Graph } from './graphs.js';
import { closeAll, run, start, submit } from './harness.js';

afterEach(closeAll);

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
