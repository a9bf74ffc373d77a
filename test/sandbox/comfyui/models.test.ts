import { afterEach, describe, expect, it } from 'vitest';
import { CHECKPOINT, changed, txt2img, type Graph } from './graphs.js';
import { closeAll, ran, run, start, submit } from './harness.js';

afterEach(closeAll);

const OTHER = 'other.safetensors';
const graph = (seed: number, ckpt_name = CHECKPOINT): Graph =>
  changed(txt2img({ seed, prefix: 'a', size: 64 }), '4', { ckpt_name });

describe('checkpoints', () => {
  it('are loaded once, and again after another took their place', async () => {
    const { comfy, s } = await start({ checkpoints: [CHECKPOINT, OTHER] });
    await run(s, { n: 1, graph: graph(1) });
    await run(s, { n: 2, graph: graph(2) });
    await run(s, { n: 3, graph: graph(3, OTHER) });
    await run(s, { n: 4, graph: graph(4) });
    expect((await comfy.log()).map((e) => e.loads)).toEqual([[CHECKPOINT], [], [OTHER], [CHECKPOINT]]);
  });

  it('stay side by side where there is room', async () => {
    const { comfy, s } = await start({ checkpoints: [CHECKPOINT, OTHER], modelsHeld: 2 });
    for (const n of [1, 2, 3, 4]) await run(s, { n, graph: graph(n, n % 2 ? CHECKPOINT : OTHER) });
    expect((await comfy.log()).map((e) => e.loads.length)).toEqual([1, 1, 0, 0]);
  });

  it.each([{ unload_models: true }, { free_memory: true }])('are gone after /free %j', async (body) => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: graph(1) });
    await s.post('/free', body);
    const events = await run(s, { n: 2, graph: graph(2) });
    expect((await comfy.log())[1]!.loads).toEqual([CHECKPOINT]);
    expect(ran(events).includes('4')).toBe('free_memory' in body);
  });

  it('are gone after the memory ran out', async () => {
    const { comfy, s } = await start({ fault: { oomSeeds: [2] } });
    for (const n of [1, 2, 3]) await run(s, { n, graph: graph(n) });
    expect((await comfy.log()).map((e) => e.loads.length)).toEqual([1, 0, 1]);
  });

  it('take their time to load, in the loader, and can be interrupted there', async () => {
    const { comfy, s } = await start({ loadSeconds: 600 });
    await submit(s, { n: 1, graph: graph(1) });
    await s.executing(s.alice, { promptId: s.id(1), node: '4' });
    await s.post('/interrupt', { prompt_id: s.id(1) });
    await s.ended(s.alice, s.id(1));
    expect(await comfy.log()).toMatchObject([{ status: 'interrupted', loads: [CHECKPOINT], drawn: false }]);
  });
});

it('tells the free GPU memory that was asked for', async () => {
  const { comfy, s } = await start();
  await comfy.config({ fault: { vramFree: 12345 } });
  expect(await s.get('/system_stats')).toMatchObject({ devices: [{ vram_free: 12345 }] });
});
