import { expect } from 'vitest';
import { changed } from '../../graphs.js';
import { first, pick, ran, types } from '../pick.js';
import type { Checks } from '../player.js';

/** What is not computed again. */
export const cache: Checks = {
  'cache.identical.nothing-runs': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    await p.run(graph, { by });
    const { id, events } = await p.run(graph, { by });
    expect(ran(events)).toEqual([]);
    const file = { filename: 'a_00001_.png', subfolder: p.tag, type: 'output' };
    expect(first(events, 'executed').data).toMatchObject({ output: { images: [file] } });
    expect((await p.entry(id)).outputs['4']).toEqual({ images: [file] });
    expect((await p.get(`/view?filename=a_00002_.png&subfolder=${p.tag}`)).status).toBe(404);
  },
  'cache.other-client': async (p) => {
    const [by, other] = [await p.listen(), await p.listen()];
    const graph = p.noise();
    await p.run(graph, { by });
    expect(ran((await p.run(graph, { by: other, extra_data: { any: 'thing' } })).events)).toEqual([]);
  },
  'cache.other-ids': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    await p.run(graph, { by });
    const renamed = {
      a: graph['1']!,
      b: { ...graph['2']!, inputs: { ...graph['2']!.inputs, image: ['a', 0] } },
      c: { ...graph['3']!, inputs: { ...graph['3']!.inputs, image: ['b', 0] } },
      d: { ...graph['4']!, inputs: { ...graph['4']!.inputs, images: ['c', 0] } },
    };
    expect(ran((await p.run(renamed, { by })).events)).toEqual([]);
  },
  'cache.other-seed': async (p) => {
    const by = await p.listen();
    const graph = p.noise({ seed: 1 });
    await p.run(graph, { by });
    expect(ran((await p.run(changed(graph, '2', { seed: 2 }), { by })).events)).toEqual(['2', '3', '4']);
  },
  'cache.other-seed.sampler': async (p) => {
    const by = await p.listen();
    const graph = p.txt2img();
    await p.run(graph, { by });
    expect(ran((await p.run(changed(graph, '3', { seed: 7 }), { by })).events)).toEqual(['3', '8', '9']);
  },
  'cache.other-prefix': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    await p.run(graph, { by });
    expect(ran((await p.run(changed(graph, '4', { filename_prefix: `${p.tag}/b` }), { by })).events)).toEqual(['4']);
    expect((await p.get(`/view?filename=b_00001_.png&subfolder=${p.tag}`)).status).toBe(200);
  },
  'cache.only-the-last-prompt': async (p) => {
    const by = await p.listen();
    const a = changed(p.noise(), '1', { color: 1 });
    const b = changed(p.noise(), '1', { color: 2 });
    await p.run(a, { by });
    await p.run(b, { by });
    expect(ran((await p.run(a, { by })).events)).toEqual(['1', '2', '3', '4']);
  },
  'cache.after-error': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    const bad = await p.run(changed(graph, '4', { filename_prefix: '../../x' }), { by });
    expect(types(bad.events)).toContain('execution_error');
    expect(ran((await p.run(graph, { by })).events)).toEqual(['4']);
  },
};

/** Modes of the cache that a flag turns on: on a server of their own. */
export const cacheModes: Checks = {
  'cache.none': async (p) => {
    await p.server.restart!(['--cache-none']);
    const by = await p.listen();
    const graph = p.noise();
    await p.run(graph, { by });
    const { id, events } = await p.run(graph, { by });
    expect(ran(events)).toEqual(['1', '2', '3', '4']);
    expect(pick((await p.entry(id)).outputs, '4', 'images', 0, 'filename')).toBe('a_00002_.png');
  },
  'cache.lru': async (p) => {
    await p.server.restart!(['--cache-lru', '50']);
    const by = await p.listen();
    const a = p.noise();
    await p.run(a, { by });
    await p.run(p.noise(), { by });
    expect(ran((await p.run(a, { by })).events)).toEqual([]);
  },
  'save.no-metadata': async (p) => {
    await p.server.restart!(['--disable-metadata']);
    const { query } = await p.picture();
    expect((await p.get(`/view?${query}`)).bytes.includes('tEXt')).toBe(false);
  },
};
