import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { workflowBundle } from '../support/workflow-worker.js';
import { scenarios } from './scenarios.js';

const dir = resolve(import.meta.dirname, 'histories');
const read = (name: string): unknown =>
  JSON.parse(gunzipSync(readFileSync(resolve(dir, `${name}.json.gz`))).toString('utf8'));

describe('replay of recorded histories', () => {
  beforeAll(() => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
  });

  test('every scenario has its history, and no history is without a scenario', async () => {
    const files = (await readdir(dir)).map((file) => file.replace('.json.gz', ''));
    expect(files.toSorted()).toEqual(scenarios.map(({ name }) => name).toSorted());
  });

  test.each(scenarios.map(({ name }) => name))('%s replays to the same commands', async (name) => {
    await Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, read(name));
  });

  test('a history of other commands is refused', async () => {
    const history = read('delivered') as {
      events: { activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[];
    };
    const first = history.events.find((event) => event.activityTaskScheduledEventAttributes);
    if (first?.activityTaskScheduledEventAttributes)
      first.activityTaskScheduledEventAttributes.activityType.name = 'other';
    await expect(Worker.runReplayHistory({ workflowBundle: await workflowBundle() }, history)).rejects.toThrow(
      /determinis/i,
    );
  });
});
