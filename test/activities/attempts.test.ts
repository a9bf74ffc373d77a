import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { carriedOn, endedWith, handBack, refuseEndless, WORKER_GONE } from '../../activities/attempts.js';
import { CullError, ERRORS, type ErrorCode, type ErrorRow } from '../../errors.js';
import { keys } from '../../storage/keys.js';
import { openStorage } from '../../storage/index.js';
import type { Storage } from '../../storage/storage.js';
import type { HostDoc } from '../../workflows/contract.js';

let folder: string;
let storage: Storage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-attempts-'));
  storage = openStorage(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const say = (host: string, state: HostDoc['state'], pool = 'default'): Promise<unknown> => {
  const doc: HostDoc = { host, url: `http://${host}`, pool, state, reason: null, at: '2026-11-24T00:00:00Z' };
  return storage.put(keys.host(host), JSON.stringify(doc));
};
const a = { host: 'a', pool: 'default' };
const on = (host: string) => ({ host, promptId: `prompt-on-${host}` });
const failure = (error: unknown): ApplicationFailure => {
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
};

const rows = Object.entries<ErrorRow>(ERRORS).filter(([, row]) => row.where !== undefined) as [ErrorCode, ErrorRow][];

describe('a failure', () => {
  it.each(rows)('%s is tried again as often, as late and where the table says', (code, row) => {
    const beat = carriedOn(3, undefined);
    const ends: boolean[] = [];
    const delays: unknown[] = [];
    for (let times = 1; times <= (row.tries ?? 1); times++) {
      beat.handle = on('a');
      const thrown = failure(endedWith(new CullError(code, 'words'), beat, 'a'));
      expect(thrown.type).toBe(code);
      ends.push(thrown.nonRetryable === true);
      delays.push(thrown.nextRetryDelay);
      expect(beat.handle).toEqual(row.attach ? on('a') : { ...on('a'), failed: true });
    }
    expect(ends.at(-1)).toBe(true);
    expect(ends.slice(0, -1)).not.toContain(true);
    if (row.delayMs !== undefined)
      expect(delays.slice(0, 2)).toEqual([row.delayMs, 2 * row.delayMs].slice(0, row.tries));
    expect(beat.avoid).toEqual(row.where === 'elsewhere' ? ['a'] : []);
  });

  it('of one kind does not count for another', () => {
    const beat = carriedOn(3, undefined);
    failure(endedWith(new CullError('COMFY_UNREACHABLE', 'x'), beat, 'a'));
    failure(endedWith(new CullError('COMFY_UNREACHABLE', 'x'), beat, 'b'));
    expect(failure(endedWith(new CullError('COMFY_NODE_FAILED', 'x'), beat, 'c')).nonRetryable).toBe(false);
    expect(failure(endedWith(new CullError('COMFY_NODE_FAILED', 'x'), beat, 'd')).nonRetryable).toBe(true);
    expect(beat.avoid).toEqual(['a', 'b', 'c', 'd']);
  });

  it('is put down to the host where the prompt was, not to the one that looked after it', () => {
    const beat = { ...carriedOn(3, undefined), handle: on('b') };
    failure(endedWith(new CullError('COMFY_OUT_OF_MEMORY', 'x'), beat, 'a'));
    expect(beat.avoid).toEqual(['b']);
  });

  it('waits at most 30 s', () => {
    const beat = { ...carriedOn(3, undefined), failures: { COMFY_UNREACHABLE: 6 } };
    expect(failure(endedWith(new CullError('COMFY_UNREACHABLE', 'x'), beat, 'a')).nextRetryDelay).toBe(30_000);
  });
});

describe('a candidate that failed on a host', () => {
  const failed = () => ({ ...carriedOn(3, undefined), avoid: ['a'], handle: { ...on('a'), failed: true } });

  it('is handed back there while another one of the pool serves, for about 30 s', async () => {
    await say('a', 'serving');
    await say('b', 'serving');
    const beat = failed();
    const delays: number[] = [];
    for (let given = await handBack(storage, beat, a); given; given = await handBack(storage, beat, a)) {
      expect(given).toMatchObject({ type: 'HANDED_BACK', nonRetryable: false });
      delays.push(Number(given.nextRetryDelay));
    }
    expect(delays.reduce((sum, ms) => sum + ms)).toBeGreaterThan(29_000);
    expect(delays.reduce((sum, ms) => sum + ms)).toBeLessThan(35_000);
    expect(beat.failures).toEqual({});
    // Told: none of them counts as an attempt that was cut off.
    expect(() => refuseEndless(beat, delays.length + 1)).not.toThrow();
    // It fails there again: the next one is offered to others anew.
    failure(endedWith(new CullError('COMFY_STALLED', 'x'), beat, 'a'));
    expect(await handBack(storage, beat, a)).toBeDefined();
  });

  it('is drawn there at once where no other one serves', async () => {
    await say('a', 'serving');
    for (const state of ['unhealthy', 'draining', 'stopped'] as const) {
      await say('b', state);
      expect(await handBack(storage, failed(), a)).toBeUndefined();
    }
    await say('b', 'serving', 'another-pool');
    expect(await handBack(storage, failed(), a)).toBeUndefined();
    await say('b', 'serving');
    expect(await handBack(storage, { ...failed(), avoid: ['a', 'b'] }, a)).toBeUndefined();
  });

  it('is taken by any other, and by a provider that has no host', async () => {
    expect(await handBack(storage, failed(), { ...a, host: 'b' })).toBeUndefined();
    expect(await handBack(storage, failed(), { ...a, host: undefined })).toBeUndefined();
  });

  it('is attached to from anywhere while its prompt may be well', async () => {
    await say('b', 'serving');
    expect(await handBack(storage, { ...failed(), handle: on('b') }, a)).toBeUndefined();
  });
});

describe('attempts that end without a word', () => {
  it('are bounded, whatever else happened in between', () => {
    const beat = { ...carriedOn(3, undefined), told: 20 };
    expect(() => refuseEndless(beat, 28)).not.toThrow();
    expect(() => refuseEndless(beat, 29)).toThrow(expect.objectContaining({ code: 'INTERNAL' }) as Error);
  });

  it('are not those of a worker that says that it leaves', () => {
    const beat = carriedOn(3, undefined);
    const gone = ApplicationFailure.create({ type: WORKER_GONE });
    expect(endedWith(gone, beat, 'a')).toBe(gone);
    const defect = new TypeError('x is not a function');
    expect(endedWith(defect, beat, 'a')).toBe(defect);
    expect(beat.told).toBe(1);
  });
});
