import sharp from 'sharp';
import { expect } from 'vitest';
import { changed } from '../../graphs.js';
import { first, pick, ran, types } from '../pick.js';
import type { Checks, Player } from '../player.js';

const names = async (p: Player, id: string, node = '4'): Promise<unknown[]> =>
  (pick((await p.entry(id)).outputs, node, 'images') as unknown[]).map((image) => pick(image, 'filename'));

const pixels = async (p: Player, query: string): Promise<Buffer> =>
  sharp((await p.get(`/view?${query}`)).bytes)
    .raw()
    .toBuffer();

/** How files are named and what is in them. */
export const saving: Checks = {
  'save.counter': async (p) => {
    const by = await p.listen();
    expect(await names(p, (await p.run(p.noise(), { by })).id)).toEqual(['a_00001_.png']);
    expect(await names(p, (await p.run(p.noise(), { by })).id)).toEqual(['a_00002_.png']);
  },
  'save.counter.after-the-highest': async (p) => {
    const by = await p.listen();
    await p.form('/upload/image', { image: ['a_00041_.png', 'x'], type: 'output', subfolder: p.tag });
    expect(await names(p, (await p.run(p.noise(), { by })).id)).toEqual(['a_00042_.png']);
  },
  'save.subfolder': async (p) => {
    const by = await p.listen();
    const { id } = await p.run(p.noise({ name: 'deep/er/c007' }), { by });
    const file = { filename: 'c007_00001_.png', subfolder: `${p.tag}/deep/er`, type: 'output' };
    expect((await p.entry(id)).outputs['4']).toEqual({ images: [file] });
  },
  'save.escape-is-an-error': async (p) => {
    const by = await p.listen();
    const { events } = await p.run(changed(p.noise(), '4', { filename_prefix: '../../x' }), { by });
    expect(first(events, 'execution_error').data).toMatchObject({ node_id: '4', exception_type: 'Exception' });
  },
  'save.tokens': async (p) => {
    const by = await p.listen();
    const { id } = await p.run(p.noise({ name: 'w%width%h%height%y%year%', size: 24 }), { by });
    expect((await names(p, id))[0]).toMatch(/^w24h24y20\d\d_00001_\.png$/);
  },
  'save.batch': async (p) => {
    const by = await p.listen();
    const { id } = await p.run(changed(p.noise({ name: 'n%batch_num%' }), '1', { batch_size: 3 }), { by });
    expect(await names(p, id)).toEqual(['n0_00001_.png', 'n1_00002_.png', 'n2_00003_.png']);
  },
  'save.twins': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    const { id } = await p.run({ ...graph, '5': graph['4']! }, { by });
    expect([await names(p, id, '4'), await names(p, id, '5')]).toEqual([['a_00001_.png'], ['a_00001_.png']]);
    expect((await p.get(`/view?filename=a_00002_.png&subfolder=${p.tag}`)).status).toBe(404);
  },
  'save.graph-in-png': async (p) => {
    const graph = p.noise();
    const { query } = await p.picture(graph);
    const { comments } = await sharp((await p.get(`/view?${query}`)).bytes).metadata();
    expect(comments?.map(({ keyword }) => keyword)).toEqual(['prompt']);
    expect(JSON.parse(comments![0]!.text)).toEqual(graph);
  },
  'save.equal-pixels-other-bytes': async (p) => {
    const a = await p.picture(p.noise({ seed: 5, name: 'a' }));
    const b = await p.picture(p.noise({ seed: 5, name: 'b' }));
    expect((await pixels(p, a.query)).equals(await pixels(p, b.query))).toBe(true);
    expect((await p.get(`/view?${a.query}`)).bytes.equals((await p.get(`/view?${b.query}`)).bytes)).toBe(false);
  },
};

/** Seeds, batches, several outputs, and running out of memory. */
export const drawing: Checks = {
  'seed.same-picture': async (p) => {
    const a = await p.picture(p.noise({ seed: 5 }));
    const b = await p.picture(changed(p.noise({ seed: 5 }), '1', { anew: p.tag }));
    expect((await pixels(p, a.query)).equals(await pixels(p, b.query))).toBe(true);
    const c = await p.picture(p.noise({ seed: 6 }));
    expect((await pixels(p, a.query)).equals(await pixels(p, c.query))).toBe(false);
  },
  'seed.range': async (p) => {
    const body = (seed: string): string =>
      JSON.stringify({ prompt: changed(p.noise(), '2', { seed: 'S' }) }).replace('"S"', seed);
    for (const seed of ['0', '9007199254740991', '18446744073709551615']) {
      expect((await p.send('POST', '/prompt', { body: body(seed) })).status, seed).toBe(200);
    }
    for (const [seed, type] of [
      ['-1', 'value_smaller_than_min'],
      ['18446744073709551616', 'value_bigger_than_max'],
    ] as const) {
      const { json } = await p.send('POST', '/prompt', { body: body(seed) });
      expect(pick(json, 'node_errors', '2', 'errors', 0, 'type'), seed).toBe(type);
    }
  },
  'batch.is-not-the-next-seed': async (p) => {
    const by = await p.listen();
    const { id } = await p.run(changed(p.noise({ seed: 5 }), '1', { batch_size: 2 }), { by });
    const [, second] = await names(p, id);
    const next = await p.picture(p.noise({ seed: 6, name: 'next' }));
    expect((await pixels(p, `filename=${String(second)}&subfolder=${p.tag}`)).equals(await pixels(p, next.query))).toBe(
      false,
    );
  },
  'fan-out.shared-once': async (p) => {
    const by = await p.listen();
    const graph = p.noise({ seed: 1 });
    const two = { class_type: 'ImageAddNoise', inputs: { ...graph['2']!.inputs, seed: 2 } };
    const save = { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: `${p.tag}/b` } };
    const { id, events } = await p.run({ ...graph, '5': two, '6': save }, { by });
    expect(ran(events).map(String).sort()).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(Object.keys((await p.entry(id)).outputs).sort()).toEqual(['4', '6']);
  },
  'fan-out.first-failure-ends-all': async (p) => {
    const by = await p.listen();
    const bad = (from: string) => ({
      class_type: 'SaveImage',
      inputs: { images: [from, 0], filename_prefix: '../../x' },
    });
    const { events } = await p.run({ ...p.noise(), '4': bad('1'), '5': bad('2') }, { by });
    expect(types(events).filter((type) => type === 'execution_error')).toHaveLength(1);
    expect(ran(events).filter((node) => node === '4' || node === '5')).toHaveLength(1);
  },
  'oom.cpu': async (p) => {
    const by = await p.listen();
    const huge = { width: 16384, height: 16384, batch_size: 4096, color: 0 };
    const { events } = await p.run(changed(p.noise(), '1', huge), { by });
    const { data } = first(events, 'execution_error');
    expect([data.exception_type, data.node_id]).toEqual(['RuntimeError', '1']);
    expect(data.exception_message).toMatch(/DefaultCPUAllocator: can't allocate memory/);
    expect(types((await p.run(p.noise(), { by })).events)).toContain('execution_success');
  },
};
