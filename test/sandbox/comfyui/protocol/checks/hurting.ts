import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Graph } from '../../graphs.js';
import { pick } from '../pick.js';
import type { Checks, Player } from '../player.js';

/** Expects the worker to be dead: HTTP answers, what was sent last waits for ever, `id` counts as running. */
async function dead(p: Player, id: string): Promise<void> {
  p.broken = true;
  const { id: next, answer } = await p.submit(p.noise());
  expect(answer.status).toBe(200);
  const { json } = await p.get('/queue');
  expect([pick(json, 'queue_running', 0, 1), pick(json, 'queue_pending', 0, 1)]).toEqual([id, next]);
  expect((await p.get('/system_stats')).status).toBe(200);
}

/** What leaves a server unfit for use; each on a server of its own. */
export const hurting: Checks = {
  'prompt.front.first-of-all': async (p) => {
    const { answer } = await p.submit(p.noise(), { front: true });
    expect(Math.abs(Number(pick(answer.json, 'number')))).toBe(0);
    expect(pick((await p.submit(p.noise(), { front: true })).answer.json, 'number')).toBe(-1);
  },
  'history.lost-on-restart': async (p) => {
    const { filename, subfolder } = await p.picture();
    await p.server.restart!([]);
    expect((await p.get('/history')).json).toEqual({});
    expect((await p.get(`/view?filename=${filename}&subfolder=${subfolder}`)).status).toBe(200);
  },
  'poison.node-without-inputs': async (p) => {
    const by = await p.listen();
    const graph = { ...p.noise(), '9': { class_type: 'EmptyImage' } } as unknown as Graph;
    const { id, answer } = await p.submit(graph, { by });
    expect(answer.status).toBe(200);
    await by.until((events) => events.some((e) => e.type === 'execution_start'));
    await dead(p, id);
    expect(by.events.filter((e) => e.data.prompt_id === id).map((e) => e.type)).toEqual(['execution_start']);
  },
  'poison.looks-busy': async (p) => {
    const { id } = await p.submit({ ...p.noise(), '9': { class_type: 'EmptyImage' } } as unknown as Graph);
    await expect.poll(() => p.get('/queue').then(({ json }) => pick(json, 'queue_running', 0, 1))).toBe(id);
    await dead(p, id);
    expect(pick((await p.get(`/api/jobs/${id}`)).json, 'status')).toBe('in_progress');
  },
  'poison.same-number-and-id': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const twice = { by, number: 1_000_000, prompt_id: randomUUID() };
    const { id } = await p.submit(p.noise(), twice);
    expect((await p.submit(p.noise(), twice)).answer.status).toBe(500);
    const pending = pick((await p.get('/queue')).json, 'queue_pending') as unknown[];
    expect(pending.map((item) => pick(item, 1))).toEqual([id, id]);
    p.broken = true;
    await p.release(held, by);
    await by.until((events) => events.at(-1)?.data.node === null);
    const { id: next } = await p.submit(p.noise(), { by });
    expect((await p.get(`/history/${next}`)).json).toEqual({});
  },
  'poison.extra-pnginfo': async (p) => {
    for (const extra_pnginfo of ['text', { workflow: 'text' }]) {
      const { id, answer } = await p.submit(p.noise(), { extra_data: { extra_pnginfo } });
      expect(answer.status).toBe(200);
      expect((await p.get('/api/jobs')).status).toBe(500);
      await p.entryInTime(id);
      expect((await p.get('/api/jobs')).status).toBe(500);
      await p.post('/history', { delete: [id] });
      expect((await p.get('/api/jobs')).status).toBe(200);
    }
  },
};
