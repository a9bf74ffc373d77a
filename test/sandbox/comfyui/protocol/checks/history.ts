import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { changed } from '../../graphs.js';
import { fields, first } from '../pick.js';
import type { Checks, Player } from '../player.js';

async function three(p: Player): Promise<string[]> {
  const by = await p.listen();
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push((await p.run(p.noise(), { by })).id);
  return ids;
}

const list = async (p: Player, query: string): Promise<string[]> =>
  Object.keys((await p.get(`/history${query}`)).json as object);

/** GET and POST /history. */
export const history: Checks = {
  'history.oldest-first': async (p) => {
    const ids = await three(p);
    expect((await list(p, '')).slice(-3)).toEqual(ids);
  },
  'history.max-items.newest': async (p) => {
    const ids = await three(p);
    expect(await list(p, '?max_items=2')).toEqual(ids.slice(1));
    expect(await list(p, '?max_items=2&offset=-1')).toEqual(ids.slice(1));
  },
  'history.offset.from-oldest': async (p) => {
    const ids = await three(p);
    const total = (await list(p, '')).length;
    expect(await list(p, `?max_items=1&offset=${total - 2}`)).toEqual([ids[1]]);
    expect(await list(p, `?offset=${total - 1}`)).toEqual([ids[2]]);
  },
  'history.max-items.zero': async (p) => {
    await three(p);
    expect(await list(p, '?max_items=0')).toEqual([]);
  },
  'history.500.no-integer': async (p) => {
    expect((await p.get('/history?max_items=x')).status).toBe(500);
    expect((await p.get('/history?offset=x')).status).toBe(500);
  },
  'history.unknown-is-empty': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const { id: pending } = await p.submit(p.noise(), { by });
    for (const id of [randomUUID(), held, pending]) {
      const answer = await p.get(`/history/${id}`);
      expect([answer.status, answer.json]).toEqual([200, {}]);
    }
  },
  'history.delete': async (p) => {
    const ids = await three(p);
    const answer = await p.post('/history', { delete: [ids[1], randomUUID()] });
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect((await list(p, '')).slice(-2)).toEqual([ids[0], ids[2]]);
    expect((await p.get(`/history/${ids[1]!}`)).json).toEqual({});
  },
  'history.entry': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    const { id } = await p.run(graph, { by });
    const entry = await p.entry(id);
    expect(fields(entry)).toEqual(['meta', 'outputs', 'prompt', 'status']);
    expect(entry.prompt.slice(1, 3)).toEqual([id, graph]);
    expect(entry.prompt[4]).toEqual(['4']);
    expect(entry.status).toMatchObject({ status_str: 'success', completed: true });
    expect(entry.meta).toEqual({ '4': { node_id: '4', display_node: '4', parent_node: null, real_node_id: '4' } });
  },
  'history.outputs.images': async (p) => {
    const by = await p.listen();
    const preview = { class_type: 'PreviewImage', inputs: { images: ['3', 0] } };
    const { id } = await p.run({ ...p.noise(), '5': preview }, { by });
    const { outputs } = await p.entry(id);
    expect(outputs['4']).toEqual({ images: [{ filename: 'a_00001_.png', subfolder: p.tag, type: 'output' }] });
    expect(outputs['5']).toEqual({
      images: [{ filename: expect.stringMatching(/^ComfyUI_temp_/) as string, subfolder: '', type: 'temp' }],
    });
  },
  'history.outputs.text': async (p) => {
    const by = await p.listen();
    const graph = {
      '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 32, batch_size: 1, color: 0 } },
      '2': { class_type: 'GetImageSize', inputs: { image: ['1', 0] } },
      '3': { class_type: 'PreviewAny', inputs: { source: ['2', 0] } },
    };
    const { id } = await p.run(graph, { by });
    expect((await p.entry(id)).outputs['3']).toEqual({ text: ['64'] });
  },
  'history.status-messages': async (p) => {
    const by = await p.listen();
    const good = await p.entry((await p.run(p.noise(), { by })).id);
    const bad = await p.entry((await p.run(changed(p.noise(), '4', { filename_prefix: '../../x' }), { by })).id);
    const held = await p.hold({ by });
    await p.release(held, by);
    const stopped = await p.entry(held);
    const kinds = [good, bad, stopped].map(({ status }) => status.messages.map(([type]) => type).slice(-1)[0]);
    expect(kinds).toEqual(['execution_success', 'execution_error', 'execution_interrupted']);
    for (const { status } of [good, bad, stopped]) {
      expect(status.messages.map(([type]) => type).slice(0, 2)).toEqual(['execution_start', 'execution_cached']);
      for (const [, data] of status.messages) expect(Number(data.timestamp)).toBeGreaterThan(1e12);
    }
  },
  'history.interrupted': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    await p.release(held, by);
    expect((await p.entry(held)).status).toMatchObject({ status_str: 'error', completed: false });
  },
  'history.failed-keeps-outputs': async (p) => {
    const by = await p.listen();
    const graph = {
      ...changed(p.noise(), '4', { filename_prefix: '../../x' }),
      '5': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: `${p.tag}/kept` } },
    };
    const { id, events } = await p.run(graph, { by });
    expect(first(events, 'execution_error').data.node_id).toBe('4');
    expect((await p.entry(id)).outputs['5']).toMatchObject({ images: [{ filename: 'kept_00001_.png' }] });
  },
  'history.cached-under-new-ids': async (p) => {
    const by = await p.listen();
    const { '1': one, '2': two, '3': three, '4': four } = p.noise();
    await p.run({ '1': one!, '2': two!, '3': three!, '4': four! }, { by });
    const { id } = await p.run({ '1': one!, '2': two!, '3': three!, '9': four! }, { by });
    const entry = await p.entry(id);
    expect(Object.keys(entry.outputs)).toEqual(['9']);
    expect(entry.meta['9']).toMatchObject({ node_id: '4' });
  },
  'history.same-id-overwrites-in-place': async (p) => {
    const by = await p.listen();
    const [graph, again] = [p.noise(), p.noise()];
    const { id } = await p.run(graph, { by });
    const { id: between } = await p.run(p.noise(), { by });
    await p.submit(again, { by, prompt_id: id });
    await by.until(
      (events) =>
        events.filter((e) => e.type === 'executing' && e.data.node === null && e.data.prompt_id === id).length === 2,
    );
    expect((await list(p, '')).slice(-2)).toEqual([id, between]);
    expect((await p.entry(id)).prompt[2]).toEqual(again);
  },
};
