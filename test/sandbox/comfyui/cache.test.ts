import sharp from 'sharp';
import { afterEach, describe, expect, it } from 'vitest';
import { changed, noise, txt2img, type Graph } from './graphs.js';
import { closeAll, pixels, ran, run, start, types } from './harness.js';

afterEach(closeAll);

describe('node cache', () => {
  it('serves an identical graph from the cache, and names the old file', async () => {
    const { s } = await start();
    const graph = txt2img({ seed: 1, prefix: 'a' });
    await run(s, { n: 1, graph });
    const again = await run(s, { n: 2, graph });
    expect(types(again)).toEqual(['execution_start', 'execution_cached', 'executed', 'execution_success', 'executing']);
    expect((again.find((e) => e.type === 'execution_cached')!.data.nodes as string[]).sort()).toEqual(
      Object.keys(graph).sort(),
    );
    expect(JSON.stringify(again)).toContain('a_00001_.png');
  });

  it('runs from the sampler on when the seed changes, and counts file names up', async () => {
    const { comfy, s } = await start();
    const graph = txt2img({ seed: 1, prefix: 'runs/a' });
    await run(s, { n: 1, graph });
    const other = await run(s, { n: 2, graph: changed(graph, '3', { seed: 2 }) });
    expect(ran(other)).toEqual(['3', '8', '9']);
    expect(JSON.stringify(other)).toContain('a_00002_.png');
    const one = await pixels(comfy.url, 'filename=a_00001_.png&subfolder=runs');
    expect(await pixels(comfy.url, 'filename=a_00002_.png&subfolder=runs')).not.toBe(one);
  });

  it('keeps only the nodes of the current prompt', async () => {
    const { s } = await start();
    const a = noise({ seed: 1, prefix: 'a' });
    const b = txt2img({ seed: 1, prefix: 'b' });
    await run(s, { n: 1, graph: a });
    await run(s, { n: 2, graph: b });
    expect(ran(await run(s, { n: 3, graph: a }))).toEqual(['1', '2', '3', '4']);
  });

  it('keeps those of earlier prompts, too, in the lru mode, and nothing in the none mode', async () => {
    const a = noise({ seed: 1, prefix: 'a' });
    const b = noise({ seed: 2, prefix: 'b' });
    const lru = await start({ cache: 'lru' });
    await run(lru.s, { n: 1, graph: a });
    expect(ran(await run(lru.s, { n: 2, graph: b }))).toEqual(['2', '3', '4']);
    expect(ran(await run(lru.s, { n: 3, graph: a }))).toEqual([]);
    const none = await start({ cache: 'none' });
    await run(none.s, { n: 1, graph: a });
    const again = await run(none.s, { n: 2, graph: { ...a, '5': a['4']! } });
    expect(ran(again).sort()).toEqual(['1', '2', '3', '4', '5']);
    expect(again.find((e) => e.type === 'execution_cached')!.data.nodes).toEqual([]);
    expect(JSON.stringify(again)).toMatch(/a_00002_.*a_00003_/);
  });

  it('forgets what the lru mode has not used for long', async () => {
    const { s } = await start({ cache: 'lru' });
    const a = noise({ seed: 1, prefix: 'a' });
    await run(s, { n: 1, graph: a });
    for (let n = 2; n <= 22; n++) await run(s, { n, graph: noise({ seed: n, prefix: 'a' }) });
    expect(ran(await run(s, { n: 30, graph: a }))).toEqual(['2', '3', '4']);
  });

  it('of the none mode outlives the node without inputs that stops the others', async () => {
    const { s } = await start({ cache: 'none' });
    const poison = { ...noise({ seed: 1, prefix: 'a' }), '9': { class_type: 'EmptyImage' } } as unknown as Graph;
    expect(types(await run(s, { n: 1, graph: poison }))).toContain('execution_success');
  });

  it('does not mind other node ids, runs twins once, and tells the first id in meta', async () => {
    const { s } = await start();
    const graph = noise({ seed: 1, prefix: 'a' });
    await run(s, { n: 1, graph: { ...graph, '5': graph['4']! } });
    const entry = (await s.get(`/history/${s.id(1)}`)) as Record<
      string,
      { outputs: Record<string, unknown>; meta: object }
    >;
    expect(entry[s.id(1)]!.outputs['4']).toEqual(entry[s.id(1)]!.outputs['5']);
    const renamed = { '1': graph['1']!, '2': graph['2']!, '3': graph['3']!, '9': graph['4']! };
    expect(ran(await run(s, { n: 2, graph: renamed }))).toEqual([]);
    const meta = ((await s.get(`/history/${s.id(2)}`)) as typeof entry)[s.id(2)]!.meta;
    expect(meta).toMatchObject({ '9': { node_id: expect.stringMatching(/^[45]$/) as string } });
  });

  it('forgets on /free with free_memory, not with unload_models', async () => {
    const { s } = await start();
    const graph = noise({ seed: 1, prefix: 'a' });
    await run(s, { n: 1, graph });
    await s.post('/free', { unload_models: true });
    expect(ran(await run(s, { n: 2, graph }))).toEqual([]);
    await s.post('/free', { free_memory: true });
    expect(ran(await run(s, { n: 3, graph }))).toHaveLength(4);
  });

  it('reads a changed input file anew', async () => {
    const { s } = await start();
    const picture = async (background: string): Promise<Buffer> =>
      sharp({ create: { width: 4, height: 4, channels: 3, background } })
        .png()
        .toBuffer();
    const graph: Graph = {
      '1': { class_type: 'LoadImage', inputs: { image: 'x.png' } },
      '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
    };
    await s.upload('/upload/image', { image: ['x.png', await picture('red')] });
    await run(s, { n: 1, graph });
    expect(ran(await run(s, { n: 2, graph }))).toEqual([]);
    await s.upload('/upload/image', { image: ['x.png', await picture('blue')], overwrite: 'true' });
    expect(ran(await run(s, { n: 3, graph }))).toEqual(['1', '2']);
  });
});
