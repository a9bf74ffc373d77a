import { expect } from 'vitest';
import { changed } from '../../graphs.js';
import { fields, first, pick } from '../pick.js';
import type { Checks } from '../player.js';

/** The JSON messages, one by one. */
export const messages: Checks = {
  'message.execution_start': async (p) => {
    const by = await p.listen();
    const { id, events } = await p.run(p.noise(), { by });
    expect(first(events, 'execution_start').data).toEqual({ prompt_id: id, timestamp: expect.any(Number) as number });
  },
  'message.execution_cached': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    const runs = [await p.run(graph, { by }), await p.run(graph, { by })];
    const told = runs.map(({ events }) => events.filter((e) => e.type === 'execution_cached'));
    expect(told.map((list) => list.length)).toEqual([1, 1]);
    const nodes = told.map(([one]) => [...(one!.data.nodes as string[])].sort());
    expect(nodes).toEqual([[], ['1', '2', '3', '4']]);
    expect(fields(told[0]![0]!.data)).toEqual(['nodes', 'prompt_id', 'timestamp']);
  },
  'message.progress_state': async (p) => {
    const by = await p.listen();
    const { id, events } = await p.run(p.noise(), { by });
    const states = events
      .filter((e) => e.type === 'progress_state')
      .map((e) => e.data.nodes as Record<string, unknown>);
    const counts = states.map((nodes) => Object.keys(nodes).length);
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
    expect(fields(states.at(-1))).toEqual(['1', '2', '3', '4']);
    const node = { node_id: '4', prompt_id: id, display_node_id: '4', parent_node_id: null, real_node_id: '4' };
    expect(states.at(-1)!['4']).toEqual({ value: 1, max: 1, state: 'finished', ...node });
    expect(pick(states[0], '1', 'state')).toBe('running');
  },
  'message.executing': async (p) => {
    const by = await p.listen();
    const { id, events } = await p.run(p.noise(), { by });
    const told = events.filter((e) => e.type === 'executing').map((e) => e.data);
    expect(told).toEqual([
      ...['1', '2', '3', '4'].map((node) => ({ node, display_node: node, prompt_id: id })),
      { node: null, prompt_id: id },
    ]);
  },
  'message.executing.null-ends-all': async (p) => {
    const by = await p.listen();
    await p.run(p.noise(), { by });
    await p.run(changed(p.noise(), '4', { filename_prefix: '../../x' }), { by });
    const held = await p.hold({ by });
    await p.release(held, by);
    expect(by.events.filter((e) => e.type === 'executing' && e.data.node === null)).toHaveLength(3);
  },
  'message.progress': async (p) => {
    const by = await p.listen();
    const { id, events } = await p.run(p.txt2img({ steps: 4 }), { by });
    const told = events.filter((e) => e.type === 'progress').map((e) => e.data);
    expect(told[0]).toEqual({ value: 1, max: 4, prompt_id: id, node: '3' });
    expect(told.at(-1)).toEqual({ value: 4, max: 4, prompt_id: id, node: '3' });
  },
  'message.executed': async (p) => {
    const by = await p.listen();
    const { id, events } = await p.run(p.noise(), { by });
    const output = { images: [{ filename: 'a_00001_.png', subfolder: p.tag, type: 'output' }] };
    expect(events.filter((e) => e.type === 'executed').map((e) => e.data)).toEqual([
      { node: '4', display_node: '4', output, prompt_id: id },
    ]);
  },
  'message.execution_success': async (p) => {
    const by = await p.listen();
    const { id, events } = await p.run(p.noise(), { by });
    expect(first(events, 'execution_success').data).toEqual({ prompt_id: id, timestamp: expect.any(Number) as number });
  },
  'message.execution_error': async (p) => {
    const by = await p.listen();
    const { id, events } = await p.run(changed(p.noise(), '4', { filename_prefix: '../../x' }), { by });
    const { data } = first(events, 'execution_error');
    expect(fields(data)).toEqual([
      ...[
        'current_inputs',
        'current_outputs',
        'exception_message',
        'exception_type',
        'executed',
        'node_id',
        'node_type',
      ],
      ...['prompt_id', 'timestamp', 'traceback'],
    ]);
    expect(data).toMatchObject({ prompt_id: id, node_id: '4', node_type: 'SaveImage', exception_type: 'Exception' });
    expect([...(data.executed as string[])].sort()).toEqual(['1', '2', '3']);
    expect([data.traceback, data.current_outputs].every(Array.isArray)).toBe(true);
    expect(pick(data.current_inputs, 'filename_prefix')).toEqual(['../../x']);
  },
  'message.execution_error.newline': async (p) => {
    const by = await p.listen();
    const { events } = await p.run(changed(p.noise(), '4', { filename_prefix: '../../x' }), { by });
    expect(first(events, 'execution_error').data.exception_message).toMatch(/\n$/);
  },
  'message.execution_interrupted': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    await p.release(held, by);
    const { data } = first(by.events, 'execution_interrupted');
    expect(fields(data)).toEqual(['executed', 'node_id', 'node_type', 'prompt_id', 'timestamp']);
    expect(data).toMatchObject({ prompt_id: held, node_id: '3', node_type: 'KSampler' });
  },
  'message.logs': async (p) => {
    const by = await p.listen();
    const body = JSON.stringify({ clientId: by.sid, enabled: true });
    expect((await p.send('PATCH', '/internal/logs/subscribe', { body })).status).toBe(200);
    await p.submit(p.noise(), { by });
    await by.until((events) => events.some((e) => e.type === 'logs'));
    expect(fields(first(by.events, 'logs').data)).toEqual(['entries', 'size']);
  },
};
