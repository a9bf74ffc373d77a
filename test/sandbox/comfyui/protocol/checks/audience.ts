import { expect } from 'vitest';
import { pick, types } from '../pick.js';
import type { Checks, Player } from '../player.js';
import type { Graph } from '../../graphs.js';

const overSocket = (p: Player): Graph => ({
  ...p.noise(),
  '4': { class_type: 'SaveImageWebsocket', inputs: { images: ['3', 0] } },
});

/** Who hears what. */
export const audience: Checks = {
  'ws.status.to-all': async (p) => {
    const [by, other] = [await p.listen(), await p.listen()];
    await p.run(p.noise(), { by });
    await other.until((events) => events.length >= 4);
    const remaining = (events: readonly object[]): unknown[] =>
      events.map((e) => pick(e, 'data', 'status', 'exec_info', 'queue_remaining'));
    expect(remaining(other.events.slice(1))).toEqual([1, 1, 0]);
    expect(remaining(by.events.slice(1).filter((e) => e.type === 'status'))).toEqual([1, 1, 0]);
  },
  'ws.own-prompt-only': async (p) => {
    const [by, other] = [await p.listen(), await p.listen()];
    await p.run(overSocket(p), { by });
    await p.run(overSocket(p), { by: other });
    const ids = (events: readonly object[]): unknown[] => [...new Set(events.map((e) => pick(e, 'data', 'prompt_id')))];
    expect([ids(by.events).length, ids(other.events).length]).toEqual([2, 2]);
    expect([by.frames.length, other.frames.length]).toEqual([1, 1]);
  },
  'ws.no-client.nothing-of-the-run': async (p) => {
    const watcher = await p.listen();
    const { id } = await p.submit(p.noise());
    await p.entryInTime(id);
    await p.run(p.noise(), { by: watcher });
    const about = watcher.events.filter((e) => e.data.prompt_id === id).map((e) => e.type);
    expect([...new Set(about)]).toEqual(['progress_state']);
  },
  'ws.no-client.progress-to-all': async (p) => {
    const watcher = await p.listen();
    const { id } = await p.submit(p.txt2img());
    await p.entryInTime(id);
    await p.run(p.noise(), { by: watcher });
    const about = watcher.events.filter((e) => e.data.prompt_id === id).map((e) => e.type);
    expect([...new Set(about)].sort()).toEqual(['progress', 'progress_state']);
  },
  'ws.no-client.images-to-all': async (p) => {
    const watcher = await p.listen();
    const { id } = await p.submit(overSocket(p));
    await p.entryInTime(id);
    await p.run(p.noise(), { by: watcher });
    expect(watcher.frames).toHaveLength(1);
  },
  'ws.no-client.interrupt-to-all': async (p) => {
    const watcher = await p.listen();
    const id = await p.occupy();
    const sampling = (data: object): boolean =>
      pick(data, 'prompt_id') === id && pick(data, 'nodes', '3') !== undefined;
    await watcher.until((events) => events.some((e) => e.type === 'progress_state' && sampling(e.data)));
    await p.post('/interrupt', { prompt_id: id });
    await p.entryInTime(id);
    await p.run(p.noise(), { by: watcher });
    expect(types(watcher.events.filter((e) => e.data.prompt_id === id))).toContain('execution_interrupted');
  },
  'ws.text-frames-to-all': async (p) => {
    const [by, other] = [await p.listen(), await p.listen()];
    const graph = {
      '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 32, batch_size: 1, color: 0 } },
      '2': { class_type: 'GetImageSize', inputs: { image: ['1', 0] } },
      '3': { class_type: 'PreviewAny', inputs: { source: ['2', 0] } },
    };
    await p.run({ ...graph, '4': p.noise()['1']! }, { by });
    await other.until(() => other.frames.length > 0);
    expect(other.frames[0]?.readUInt32BE(0)).toBe(3);
  },
};
