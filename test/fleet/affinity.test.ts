import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseQueue, mustUnload, type HostFact, type QueueFact } from '../../fleet/affinity.js';

const host = (name: string, queue: string | null, loaded = queue): HostFact => ({
  host: name,
  queue,
  loaded,
  slots: 2,
});
const queue = (name: string, backlog: number, more: Partial<QueueFact> = {}): QueueFact => ({
  queue: name,
  backlog,
  announced: 0,
  unservedMs: 0,
  ...more,
});
const choices = (hosts: HostFact[], queues: QueueFact[], coldAfterMs = 30_000) =>
  Object.fromEntries(hosts.map((one) => [one.host, chooseQueue(one.host, { hosts, queues, coldAfterMs })]));
const count = (chosen: Record<string, string | null>, name: string) =>
  Object.values(chosen).filter((one) => one === name).length;

describe('chooseQueue', () => {
  test('a ComfyUI whose queue has candidates stays', () => {
    expect(choices([host('a', 'x')], [queue('x', 5), queue('y', 5, { unservedMs: 29_999 })])).toEqual({ a: 'x' });
  });

  test('a queue that nobody serves is opened once it has waited: by one, from the queue that most serve', () => {
    const hosts = [host('a', 'x'), host('b', 'x'), host('c', 'x'), host('d', 'z')];
    const chosen = choices(hosts, [queue('x', 50), queue('z', 50), queue('y', 50, { unservedMs: 30_000 })]);
    expect(count(chosen, 'y')).toBe(1);
    expect(chosen.d).toBe('z');
  });

  test('two cold queues are opened by two', () => {
    const hosts = [host('a', 'x'), host('b', 'x'), host('c', 'x')];
    const cold = { unservedMs: 40_000 };
    const chosen = choices(hosts, [queue('x', 50), queue('y', 5, cold), queue('z', 5, cold)]);
    expect(Object.values(chosen).sort()).toEqual(['x', 'y', 'z']);
  });

  test('one that is free goes at once, as many as are needed', () => {
    const hosts = ['a', 'b', 'c', 'd'].map((name) => host(name, 'x'));
    expect(count(choices(hosts, [queue('x', 0), queue('y', 1)]), 'y')).toBe(1);
    expect(count(choices(hosts, [queue('x', 0), queue('y', 5)]), 'y')).toBe(3);
    expect(count(choices(hosts, [queue('x', 0), queue('y', 500)]), 'y')).toBe(4);
  });

  test('a request that was announced counts like one that waits', () => {
    expect(choices([host('a', 'x')], [queue('x', 0), queue('y', 0, { announced: 24 })])).toEqual({ a: 'y' });
  });

  test('the one that has the models loaded goes', () => {
    const hosts = ['a', 'b', 'c'].map((name) => host(name, 'x', name === 'b' ? 'y' : 'x'));
    expect(choices(hosts, [queue('x', 0), queue('y', 1)])).toEqual({ a: 'x', b: 'y', c: 'x' });
  });

  test('nobody goes where those who are there take all that waits', () => {
    const hosts = [host('a', 'x'), host('b', 'y')];
    expect(choices(hosts, [queue('x', 0), queue('y', 2)])).toEqual({ a: 'x', b: 'y' });
  });

  test('without any demand all stay', () => {
    expect(choices([host('a', 'x'), host('b', null)], [queue('x', 0)])).toEqual({ a: 'x', b: null });
  });

  test('a long backlog does not take the free ComfyUI that a short one has waited for', () => {
    const hosts: HostFact[] = ['a', 'd'].map((host) => ({ host, queue: null, loaded: null, slots: 1 }));
    const queues = [
      { queue: 'z', backlog: 1, announced: 0, unservedMs: 40_000 },
      { queue: 'x', backlog: 2, announced: 0, unservedMs: 40_000 },
    ];
    expect(Object.values(choices(hosts, queues)).toSorted()).toEqual(['x', 'z']);
  });

  test('whatever the facts: no cold queue starves, no queue that is served and full of candidates is left for nothing', () => {
    const names = fc.constantFrom('x', 'y', 'z');
    const someHosts = fc.uniqueArray(
      fc.record({
        host: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
        queue: fc.option(names),
        loaded: fc.option(names),
        slots: fc.integer({ min: 1, max: 3 }),
      }),
      { selector: (one) => one.host, minLength: 1 },
    );
    const someQueues = fc.uniqueArray(
      fc.record({
        queue: names,
        backlog: fc.nat({ max: 20 }),
        announced: fc.constantFrom(0, 0, 4),
        unservedMs: fc.constantFrom(0, 10_000, 40_000),
      }),
      { selector: (one) => one.queue },
    );
    fc.assert(
      fc.property(someHosts, someQueues, (hosts, queues) => {
        const chosen = choices(hosts, queues);
        const wanting = queues.filter(({ backlog, announced }) => backlog + announced > 0);
        const isFree = (one: HostFact) => !wanting.some((other) => other.queue === one.queue);
        const isServed = (name: string) => hosts.some((one) => one.queue === name);
        const cold = wanting.filter((one) => !isServed(one.queue) && one.unservedMs >= 30_000);
        // As many cold queues are opened as there are ComfyUIs.
        const opened = cold.filter((one) => count(chosen, one.queue) > 0).length;
        const others = wanting.filter((one) => !isServed(one.queue) && one.unservedMs < 30_000);
        expect(opened).toBeGreaterThanOrEqual(Math.min(cold.length, hosts.length - others.length));
        // A busy one leaves only for a cold queue.
        for (const one of hosts) {
          const next = chosen[one.host];
          if (isFree(one) || next === one.queue) continue;
          expect(cold.map(({ queue: name }) => name)).toContain(next);
        }
      }),
    );
  });
});

describe('mustUnload', () => {
  test('only where both are known and do not fit together', () => {
    expect(mustUnload({ total: 24, now: 14, next: 12 })).toBe(true);
    expect(mustUnload({ total: 24, now: 12, next: 12 })).toBe(false);
    expect(mustUnload({ total: 24, now: 14, next: undefined })).toBe(false);
    expect(mustUnload({ total: 0, now: 14, next: 12 })).toBe(false);
  });
});
