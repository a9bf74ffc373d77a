import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { pick, types } from '../pick.js';
import type { Checks } from '../player.js';

const LATE = 1_000_000;

/** GET /prompt, GET and POST /queue. */
export const queue: Checks = {
  'queue.remaining': async (p) => {
    const by = await p.listen();
    const remaining = async (): Promise<unknown> => pick((await p.get('/prompt')).json, 'exec_info', 'queue_remaining');
    await p.hold({ by });
    expect(await remaining()).toBe(1);
    await p.submit(p.noise(), { by });
    expect(await remaining()).toBe(2);
  },
  'queue.items': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const graph = p.noise();
    const { answer, id } = await p.submit(graph, { by });
    const { json } = await p.get('/queue');
    expect(pick(json, 'queue_running', 0, 1)).toBe(held);
    expect(pick(json, 'queue_pending')).toEqual([
      [pick(answer.json, 'number'), id, graph, expect.objectContaining({ client_id: by.sid }), ['4']],
    ]);
  },
  'queue.pending-is-a-heap': async (p) => {
    const by = await p.listen();
    await p.hold({ by });
    for (const n of [1, 3, 2, 0]) await p.submit(p.noise(), { by, number: LATE + n });
    const pending = pick((await p.get('/queue')).json, 'queue_pending') as [number][];
    expect(pending.map(([number]) => number - LATE)).toEqual([0, 1, 2, 3]);
    await p.submit(p.noise(), { by, number: LATE + 0.5 });
    const after = pick((await p.get('/queue')).json, 'queue_pending') as [number][];
    expect(after.map(([number]) => number - LATE)).toEqual([0, 0.5, 2, 3, 1]);
  },
  'queue.order-is-number-then-id': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const ids = [randomUUID(), randomUUID(), randomUUID()].sort().reverse();
    for (const id of ids) await p.submit(p.noise(), { by, number: LATE, prompt_id: id });
    await p.release(held, by);
    await by.ended(ids[0]!);
    const started = by.events.filter((e) => e.type === 'execution_start').map((e) => e.data.prompt_id);
    expect(started).toEqual([held, ...ids.reverse()]);
  },
  'queue.delete': async (p) => {
    const by = await p.listen();
    await p.hold({ by });
    const { id } = await p.submit(p.noise(), { by });
    const answer = await p.post('/queue', { delete: [id, randomUUID()] });
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(pick((await p.get('/queue')).json, 'queue_pending')).toEqual([]);
  },
  'queue.list-body': async (p) => {
    const by = await p.listen();
    await p.hold({ by });
    const { id } = await p.submit(p.noise(), { by });
    for (const path of ['/queue', '/history']) expect((await p.post(path, [id])).status, path).toBe(200);
    expect(pick((await p.get('/queue')).json, 'queue_pending', 0, 1)).toBe(id);
  },
  'queue.delete.leaves-the-running': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    expect((await p.post('/queue', { delete: [held] })).status).toBe(200);
    expect(pick((await p.get('/queue')).json, 'queue_running', 0, 1)).toBe(held);
  },
  'queue.delete.no-trace': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const { id } = await p.submit(p.noise(), { by });
    await p.post('/queue', { delete: [id] });
    const { id: next } = await p.submit(p.noise(), { by });
    await p.release(held, by);
    await by.ended(next);
    expect((await p.get(`/history/${id}`)).json).toEqual({});
    expect(by.events.filter((e) => e.data.prompt_id === id)).toEqual([]);
  },
  'queue.delete.only-status': async (p) => {
    const by = await p.listen();
    await p.hold({ by });
    const other = await p.listen();
    const { id } = await p.submit(p.noise(), { by: other });
    await p.post('/queue', { delete: [id] });
    await other.until((events) => events.length >= 3);
    expect(new Set(types(other.events))).toEqual(new Set(['status']));
  },
};
