import { mkdtemp, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { readConfig, type Config } from '../../config.js';
import { endStack, ensureStack, openRequests, runningStack, type StackDoc } from '../../stack/index.js';
import { readStack } from '../../stack/stack-file.js';

let dir: string;
let config: Config;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-stack-'));
  config = readConfig({ CULL_DIR: join(dir, '.cull'), TEMPORAL_CLI_PATH: inject('temporalBinary') });
});
afterAll(async () => {
  await endStack(config.dir);
  await rm(dir, { recursive: true, force: true });
});

const isAlive = (pid: number | null | undefined): boolean => {
  try {
    return process.kill(pid ?? 0, 0);
  } catch {
    return false;
  }
};

/** Resolves with the record once it fulfils the condition. */
async function until(condition: (stack: StackDoc) => boolean | Promise<boolean>): Promise<StackDoc> {
  for (;;) {
    const stack = await readStack(config.dir);
    if (stack && (await condition(stack))) return stack;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('the embedded stack', () => {
  test('starts once for many, starts again what dies, and ends whole', async () => {
    const [first, second] = await Promise.all([ensureStack(config), ensureStack(config)]);
    expect(second.stack.id).toBe(first.stack.id);
    expect(first.stack.comfyui.map(({ sandbox }) => sandbox)).toEqual([true, true]);
    expect(await openRequests(first.stack.temporal?.address ?? '')).toBe(0);

    const { worker, temporal } = first.stack;
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    await until((stack) => stack.worker?.pid !== worker?.pid && isAlive(stack.worker?.pid));
    process.kill(temporal?.pid ?? 0, 'SIGKILL');
    const again = await until((stack) => stack.temporal?.pid !== temporal?.pid);
    expect(again.temporal?.address).toBe(temporal?.address);
    expect(await openRequests(again.temporal?.address ?? '')).toBe(0);

    first.detach();
    second.detach();
    expect(await endStack(config.dir)).toBe(true);
    expect(await runningStack(config.dir)).toBeUndefined();
    expect(existsSync(join(config.dir, 'stack.json'))).toBe(false);
    const pids = [again.pid, again.temporal?.pid, again.worker?.pid, ...again.comfyui.map(({ pid }) => pid)];
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await endStack(config.dir)).toBe(false);
  });

  test('with other settings is started anew, but never under an open request', async () => {
    const first = await ensureStack(config);
    const other = await ensureStack({ ...config, allowNodes: ['MyNode'] });
    expect(other.stack.id).not.toBe(first.stack.id);
    const connection = await Connection.connect({ address: other.stack.temporal?.address });
    const request = await new Client({ connection }).workflow.start('bestOfN', {
      workflowId: 'open',
      taskQueue: 'nobody',
    });
    await expect(ensureStack(config)).rejects.toMatchObject({ code: 'STACK_BUSY' });
    await request.terminate();
    await connection.close();
    await endStack(config.dir);
  });

  test('ends by itself a while after the last command', async () => {
    const short = { ...config, idleMs: 100 };
    const { stack, detach } = await ensureStack(short);
    detach();
    for (;;) {
      if (!(await runningStack(config.dir))) break;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(isAlive(stack.temporal?.pid)).toBe(false);
  });

  test('a Temporal binary that does not run is an error with the reason', async () => {
    const broken = { ...config, dir: join(dir, 'broken'), temporalCliPath: '/nowhere/temporal' };
    await expect(ensureStack(broken)).rejects.toMatchObject({ code: 'TEMPORAL_BINARY_MISSING' });
  });
});
