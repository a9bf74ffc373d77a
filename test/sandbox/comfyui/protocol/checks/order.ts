import { expect } from 'vitest';
import { changed } from '../../graphs.js';
import { pick, types } from '../pick.js';
import type { Checks } from '../player.js';
import type { Event } from '../../listener.js';

/** Types of what came from a place on, without progress. */
function since(events: readonly Event[], from: number): string[] {
  return types(events.slice(from).filter((e) => e.type !== 'progress'));
}

const START = ['status', 'status', 'execution_start', 'execution_cached'];

/** In which order the messages of a run come. */
export const ordering: Checks = {
  'ws.order.normal': async (p) => {
    const by = await p.listen();
    await p.run(p.noise(), { by });
    const nodes = ['executing', 'executing', 'executing', 'executing', 'executed'];
    expect(since(by.events, 1)).toEqual([...START, ...nodes, 'execution_success', 'status', 'executing']);
  },
  'ws.order.identical-rerun': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    await p.run(graph, { by });
    const from = by.events.length;
    await p.run(graph, { by });
    expect(since(by.events, from)).toEqual([...START, 'executed', 'execution_success', 'status', 'executing']);
  },
  'ws.order.error': async (p) => {
    const by = await p.listen();
    await p.run(changed(p.noise(), '4', { filename_prefix: '../../x' }), { by });
    const nodes = ['executing', 'executing', 'executing', 'executing'];
    expect(since(by.events, 1)).toEqual([...START, ...nodes, 'execution_error', 'status', 'executing']);
  },
  'ws.order.interrupt': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    await p.release(held, by);
    expect(since(by.events, 1).slice(-4)).toEqual(['executing', 'execution_interrupted', 'status', 'executing']);
  },
  'ws.order.nodes-by-dependency': async (p) => {
    const by = await p.listen();
    await p.run(p.noise(), { by }); // takes the loader out of the cache
    const { events } = await p.run(p.txt2img(), { by });
    const at = events.filter((e) => e.type === 'executing').map((e) => String(e.data.node));
    for (const [before, after] of [
      ['4', '6'],
      ['4', '7'],
      ['6', '3'],
      ['5', '3'],
      ['3', '8'],
      ['8', '9'],
    ]) {
      expect(at.indexOf(before!), `${before!} before ${after!}`).toBeLessThan(at.indexOf(after!));
    }
  },
  'ws.order.history-is-there-at-the-end': async (p) => {
    const by = await p.listen();
    for (let i = 0; i < 5; i++) {
      const { id } = await p.run(p.noise(), { by });
      expect(pick((await p.get(`/history/${id}`)).json, id), `run ${i}`).toBeDefined();
    }
  },
};
