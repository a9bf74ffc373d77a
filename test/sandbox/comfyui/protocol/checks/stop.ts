import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { first, pick, ran, types } from '../pick.js';
import type { Checks } from '../player.js';

/** POST /interrupt and POST /free. */
export const stop: Checks = {
  'interrupt.by-id': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const answer = await p.post('/interrupt', { prompt_id: held });
    expect([answer.status, answer.text]).toEqual([200, '']);
    await by.ended(held);
    expect(types(by.events)).toContain('execution_interrupted');
  },
  'interrupt.by-id.only-the-running': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const { id } = await p.submit(p.noise(), { by });
    for (const other of [id, randomUUID()]) expect((await p.post('/interrupt', { prompt_id: other })).status).toBe(200);
    const { json } = await p.get('/queue');
    expect([pick(json, 'queue_running', 0, 1), pick(json, 'queue_pending', 0, 1)]).toEqual([held, id]);
    await p.release(held, by);
    await by.ended(id);
    expect((await p.entry(id)).status.status_str).toBe('success');
  },
  'interrupt.too-late': async (p) => {
    const by = await p.listen();
    const batch = { class_type: 'EmptyImage', inputs: { width: 512, height: 512, batch_size: 8, color: 1 } };
    const { id } = await p.submit({ ...p.noise(), '1': batch }, { by });
    await by.executing(id, '4');
    await p.post('/interrupt', { prompt_id: id });
    await by.ended(id);
    const { status, outputs } = await p.entry(id);
    expect([status.status_str, (pick(outputs, '4', 'images') as unknown[]).length]).toEqual(['success', 8]);
    const next = await p.run(p.noise(), { by });
    expect(types(next.events)).toContain('execution_success');
  },
  'free.200': async (p) => {
    for (const body of [{ unload_models: true }, { free_memory: true }, {}]) {
      const answer = await p.post('/free', body);
      expect([answer.status, answer.text]).toEqual([200, '']);
    }
    await p.picture(); // memory is freed at once or after this
  },
  'free.500.no-body': async (p) => {
    expect((await p.send('POST', '/free')).status).toBe(500);
  },
  'free.unload-models.keeps-results': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    await p.run(graph, { by });
    await p.post('/free', { unload_models: true });
    for (let i = 0; i < 2; i++) expect(ran((await p.run(graph, { by })).events)).toEqual([]);
  },
  'free.free-memory.forgets-results': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    await p.run(graph, { by });
    await p.post('/free', { free_memory: true });
    // The server forgets at once or after the next prompt: exactly one of the next two runs anew.
    const again = [await p.run(graph, { by }), await p.run(graph, { by })].map(({ events }) => ran(events).length);
    expect(again.sort()).toEqual([0, 4]);
  },
};

/** Stops of whatever runs, whoever it belongs to: not for a server that others use. */
export const stopAll: Checks = {
  'interrupt.global': async (p) => {
    const by = await p.listen();
    for (const body of ['', 'no JSON', '{}', '{"prompt_id":null}', '{"prompt_id":""}']) {
      const held = await p.hold({ by });
      const answer = await p.send('POST', '/interrupt', { body });
      expect([answer.status, answer.text], body).toEqual([200, '']);
      await by.ended(held);
      const events = by.events.filter((e) => e.data.prompt_id === held);
      expect(first(events, 'execution_interrupted').data, body).toMatchObject({ prompt_id: held });
    }
  },
  'interrupt.500.list': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    expect((await p.post('/interrupt', [])).status).toBe(500);
    expect(pick((await p.get('/queue')).json, 'queue_running', 0, 1)).toBe(held);
  },
  'queue.clear': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    for (let i = 0; i < 3; i++) await p.submit(p.noise(), { by });
    const answer = await p.post('/queue', { clear: true });
    expect([answer.status, answer.text]).toEqual([200, '']);
    const { json } = await p.get('/queue');
    expect([pick(json, 'queue_running', 0, 1), pick(json, 'queue_pending')]).toEqual([held, []]);
  },
  'history.clear': async (p) => {
    const by = await p.listen();
    await p.run(p.noise(), { by });
    const answer = await p.post('/history', { clear: true });
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect((await p.get('/history')).json).toEqual({});
  },
};
