import { describe, expect, it } from 'vitest';
import { isLoaderCategory, isLoaderClass } from '../../../providers/comfyui/loaders.js';
import { Watch, WAIT_LIMITS } from '../../../providers/comfyui/watch.js';

const s = 1_000;
const watching = () => new Watch(WAIT_LIMITS, { isLoader: (node) => node === 'loader', now: 0 });
const node = (name: string) => ({ type: 'progress', node: name }) as const;

describe('limits of waiting', () => {
  it('are those that the documentation names', () => {
    expect(WAIT_LIMITS).toEqual({
      noProgressMs: 60 * s,
      loaderMs: 300 * s,
      executionMs: 1_200 * s,
      queueStallMs: 1_800 * s,
      workerDeadMs: 45 * s,
    });
  });

  it('know nothing before ComfyUI has said where the prompt is', () => {
    expect(watching().expired(1e9, true)).toBeUndefined();
  });

  it('give a node that loads no model a minute without progress', () => {
    const watch = watching();
    watch.saw('running', 0);
    watch.heard(node('sampler'), 10 * s);
    expect(watch.expired(69 * s, true)).toBeUndefined();
    expect(watch.expired(70 * s, true)).toEqual({
      limit: 'noProgressMs',
      ms: 60 * s,
      state: 'running',
      node: 'sampler',
    });
    watch.heard({ type: 'progress' }, 69 * s);
    expect(watch.expired(128 * s, true)).toBeUndefined();
    expect(watch.expired(129 * s, true)).toMatchObject({ limit: 'noProgressMs' });
  });

  it('give a loader five', () => {
    const watch = watching();
    watch.saw('running', 0);
    watch.heard(node('loader'), 0);
    expect(watch.expired(299 * s, true)).toBeUndefined();
    expect(watch.expired(300 * s, true)).toMatchObject({ limit: 'loaderMs', node: 'loader' });
    watch.heard(node('sampler'), 200 * s);
    expect(watch.expired(260 * s, true)).toMatchObject({ limit: 'noProgressMs', node: 'sampler' });
  });

  it('hold a silence against nobody who cannot be heard', () => {
    const watch = watching();
    watch.saw('running', 0);
    watch.heard(node('sampler'), 0);
    expect(watch.expired(1_199 * s, false)).toBeUndefined();
    expect(watch.expired(1_200 * s, false)).toMatchObject({ limit: 'executionMs', node: 'sampler' });
  });

  it('end a prompt that goes on and on', () => {
    const watch = watching();
    watch.saw('pending', 0);
    watch.heard({ type: 'started' }, 100 * s);
    for (let at = 100; at <= 1_300; at += 10) watch.heard(node('sampler'), at * s);
    expect(watch.expired(1_299 * s, true)).toBeUndefined();
    expect(watch.expired(1_300 * s, true)).toMatchObject({ limit: 'executionMs' });
  });

  it('find a prompt of which no node begins', () => {
    const watch = watching();
    watch.heard({ type: 'started' }, 0);
    watch.heard({ type: 'progress' }, 1 * s);
    expect(watch.expired(45 * s, true)).toBeUndefined();
    expect(watch.expired(46 * s, true)).toEqual({ limit: 'workerDeadMs', ms: 45 * s, state: 'running' });
  });

  it('find a queue in which none runs', () => {
    const watch = watching();
    watch.saw('pending', 0);
    watch.sawQueue({ running: ['x'], ahead: 0 }, 10 * s);
    watch.sawQueue({ running: [], ahead: 0 }, 20 * s);
    watch.sawQueue({ running: [], ahead: 0 }, 60 * s);
    expect(watch.expired(64 * s, true)).toBeUndefined();
    expect(watch.expired(65 * s, false)).toEqual({ limit: 'workerDeadMs', ms: 45 * s, state: 'pending' });
    watch.sawQueue({ running: ['x'], ahead: 0 }, 66 * s);
    expect(watch.expired(66 * s, true)).toBeUndefined();
  });

  it('wait while something moves before the prompt', () => {
    const watch = watching();
    watch.saw('pending', 0);
    for (let i = 0; i < 5; i++) watch.sawQueue({ running: [`p${i}`], ahead: 5 - i }, i * 1_700 * s);
    expect(watch.expired(5 * 1_700 * s, true)).toBeUndefined();
    expect(watch.expired((4 * 1_700 + 1_800) * s, true)).toEqual({
      limit: 'queueStallMs',
      ms: 1_800 * s,
      state: 'pending',
    });
  });

  it('do not count the time that the host did not answer', () => {
    const watch = watching();
    watch.saw('running', 0);
    watch.heard(node('sampler'), 0);
    watch.excuse(50 * s);
    expect(watch.expired(109 * s, true)).toBeUndefined();
    expect(watch.expired(110 * s, true)).toMatchObject({ limit: 'noProgressMs' });
  });
});

describe('loaders', () => {
  it.each([
    'CheckpointLoaderSimple',
    'UNETLoader',
    'DualCLIPLoader',
    'VAELoader',
    'LoraLoaderModelOnly',
    'ControlNetLoader',
    'UpscaleModelLoader',
    'UnetLoaderGGUF',
    'DownloadAndLoadFlorence2Model',
    'LoadWanVideoT5TextEncoder',
  ])('%s is one', (name) => expect(isLoaderClass(name)).toBe(true));

  it.each(['KSampler', 'VAEDecode', 'LoadImage', 'LoadImageMask', 'LoadAudio', 'LoadVideo', 'LoadLatent', 'SaveImage'])(
    '%s is none',
    (name) => expect(isLoaderClass(name)).toBe(false),
  );

  it('are told by their category, too', () => {
    for (const category of ['loaders', 'advanced/loaders', 'loaders/video_models', 'Pack/Model Loaders']) {
      expect(isLoaderCategory(category)).toBe(true);
    }
    for (const category of ['sampling', 'image', 'image/upscaling', 'offloaders', '']) {
      expect(isLoaderCategory(category)).toBe(false);
    }
  });
});
