import { describe, expect, test } from 'vitest';
import { memoryTrouble } from '../../../providers/comfyui/health.js';
import { QueueWatch } from '../../../providers/comfyui/queue-watch.js';

const plain = { '1': { class_type: 'EmptyImage', inputs: {} } };
const loading = { '1': { class_type: 'CheckpointLoaderSimple', inputs: {} } };
const poison = { ...plain, '9': { class_type: 'EmptyImage' } } as unknown as typeof plain;
const job = (promptId: string, graph: typeof plain = plain) => ({ promptId, graph });
const nobodys = () => false;
const SECOND = 1_000;

describe('QueueWatch', () => {
  test('prompts that wait while nothing runs: the worker is dead, surely', () => {
    const watch = new QueueWatch();
    watch.saw({ running: [], pending: 1 }, 0);
    watch.saw({ running: [], pending: 3 }, 10 * SECOND);
    expect(watch.stuck(14 * SECOND, { isOwn: nobodys })).toBeUndefined();
    expect(watch.stuck(15 * SECOND, { isOwn: nobodys })).toMatchObject({ isSure: true, reason: /3 prompts/ });
  });

  test('one prompt that runs within a minute, unless it may load a model', () => {
    const watch = new QueueWatch();
    watch.saw({ running: [job('a')], pending: 0 }, 0);
    expect(watch.stuck(49 * SECOND, { isOwn: nobodys })).toBeUndefined();
    expect(watch.stuck(50 * SECOND, { isOwn: nobodys })).toMatchObject({ isSure: false });
    watch.saw({ running: [job('b', loading)], pending: 0 }, 50 * SECOND);
    expect(watch.stuck(340 * SECOND, { isOwn: nobodys })).toBeUndefined();
    expect(watch.stuck(350 * SECOND, { isOwn: nobodys })).toMatchObject({ isSure: false });
    expect(watch.stuck(1_300 * SECOND, { isOwn: nobodys })).toMatchObject({ isSure: true });
  });

  test('a prompt known to kill the worker is sure at once', () => {
    const watch = new QueueWatch();
    watch.saw({ running: [job('a', poison)], pending: 0 }, 0);
    expect(watch.stuck(15 * SECOND, { isOwn: nobodys })).toMatchObject({ isSure: true });
  });

  test('our own prompts are judged by who waits for them; the time counts once nobody does', () => {
    const watch = new QueueWatch();
    watch.saw({ running: [job('a')], pending: 0 }, 0);
    expect(watch.stuck(100 * SECOND, { isOwn: (id) => id === 'a' })).toBeUndefined();
    expect(watch.stuck(100 * SECOND, { isOwn: nobodys })).toBeDefined();
  });

  test('a prompt of ours that was given up and still runs is sure at once; another one that runs is not', () => {
    const watch = new QueueWatch();
    watch.saw({ running: [job('a', loading)], pending: 1 }, 0);
    expect(watch.stuck(SECOND, { isOwn: nobodys, givenUp: 'a' })).toMatchObject({ isSure: true, reason: /prompt a/ });
    watch.saw({ running: [job('b', loading)], pending: 0 }, 2 * SECOND);
    expect(watch.stuck(3 * SECOND, { isOwn: nobodys, givenUp: 'a' })).toBeUndefined();
  });

  test('a worker that takes the next prompt moves, however full the queue; new prompts alone are no movement', () => {
    const watch = new QueueWatch();
    for (let at = 0; at < 100; at++) watch.saw({ running: [job(`p${at}`)], pending: 50 }, at * 10 * SECOND);
    expect(watch.stuck(991 * SECOND, { isOwn: nobodys })).toBeUndefined();
    for (let at = 0; at < 6; at++) watch.saw({ running: [job('p99')], pending: 50 + at }, (990 + at * 10) * SECOND);
    expect(watch.stuck(1_041 * SECOND, { isOwn: nobodys })).toBeDefined();
  });

  test('an idle time does not count for what comes after it', () => {
    const watch = new QueueWatch();
    watch.saw({ running: [], pending: 0 }, 0);
    watch.saw({ running: [], pending: 1 }, 60 * SECOND);
    expect(watch.stuck(61 * SECOND, { isOwn: nobodys })).toBeUndefined();
  });
});

describe('memoryTrouble', () => {
  const stats = (device: { type?: string; vramFree?: number }, argv: string[] = ['main.py']) => ({
    system: { version: '', os: '', pythonVersion: '', pytorchVersion: '', ramTotal: 0, ramFree: 0, argv },
    devices: [
      {
        name: 'cuda:0',
        type: 'cuda',
        index: 0,
        vramTotal: 24e9,
        vramFree: 20e9,
        torchVramTotal: 0,
        torchVramFree: 0,
        ...device,
      },
    ],
  });

  test('a card with memory is well, a full one is not', () => {
    expect(memoryTrouble(stats({}))).toBeUndefined();
    expect(memoryTrouble(stats({ vramFree: 1e8 }))).toMatch(/95 of 22888 MiB/);
  });

  test('a CPU is well where it was wanted', () => {
    expect(memoryTrouble(stats({ type: 'cpu' }, ['main.py', '--cpu']))).toBeUndefined();
    expect(memoryTrouble(stats({ type: 'cpu' }, []))).toBeUndefined();
    expect(memoryTrouble(stats({ type: 'cpu', vramFree: 0 }, ['main.py', '--cpu']))).toMatch(/0 of 22888 MiB/);
    expect(memoryTrouble(stats({ type: 'cpu' }))).toMatch(/its GPU is gone/);
  });
});
