/** `comfy-cull webhooks` and docs/webhooks.md, run as their users run them; and a worker that dies between the answer and the log. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { webhookLog } from '../../client/webhook-log.js';
import { addWebhook } from '../../client/webhooks.js';
import { allowedOf } from '../../outside/addresses.js';
import { freePort } from '../../stack/temporal-server.js';
import { webhookWorkflowId, type WebhookLogDoc } from '../../workflows/webhook-contract.js';
import { runCli } from '../support/cli.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { openReceiver } from '../support/receiver.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { startWorker } from '../support/worker-process.js';
import { temporalAddress } from '../support/temporal-address.js';

const ROOT = resolve(import.meta.dirname, '../..');
let sandbox: TestSandbox;
let pipeline: Pipeline;
const children: ChildProcess[] = [];
beforeAll(async () => {
  sandbox = await startSandbox();
  pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: [sandbox.url],
    env: { CULL_OUTSIDE_ALLOW: '127.0.0.1' },
  });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await pipeline.close();
  await sandbox.close();
});

const cli = (...args: string[]) => runCli(args, { env: pipeline.env, cwd: pipeline.dir });

/** The receiver of the docs; `line(n)` resolves with the n-th line that it prints, from 1. */
function documentedReceiver(env: Record<string, string>): (n: number) => Promise<string> {
  const page = readFileSync(resolve(ROOT, 'docs/webhooks.md'), 'utf8');
  const [, code = ''] = /```js\n([\s\S]*?)```/.exec(page) ?? [];
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  const waiting: { n: number; found: (line: string) => void }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const n = lines.push(line);
    for (const { found } of waiting.filter((wait) => wait.n === n)) found(line);
  });
  return (n) =>
    new Promise((found) => {
      const known = lines[n - 1];
      if (known !== undefined) found(known);
      else waiting.push({ n, found });
    });
}

test('an endpoint is added, told, listed, told again, given another secret and removed', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/cull`;
  const refused = await cli('webhooks', 'add', 'http://10.0.0.1/');
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/OUTSIDE_REFUSED.*private/)]);
  expect((await cli('webhooks', 'add', url, '--events', 'request.born')).code).toBe(2);

  const added = JSON.parse((await cli('webhooks', 'add', url, '--json')).stdout) as { id: string; secret: string };
  const { id, secret } = added;
  const line = documentedReceiver({ WEBHOOK_SECRET: secret, PORT: String(port) });
  const request = await pipeline.generate();
  const { result } = await pipeline.end(request);
  const told = await line(1);
  const [message = ''] = told.split(' ');
  expect(told).toBe(`${message} request.${result.state} ${request}`);

  const workflow = webhookWorkflowId({ tenant: 'default', message, endpoint: id });
  await pipeline.cull.temporal.workflow.getHandle(workflow).result();
  expect((await cli('webhooks', 'log')).stdout).toMatch(
    new RegExp(`${message} +${id} +request.* delivered +\\d+ tr\\w+ +204`),
  );
  expect((await cli('webhooks', 'log', '--since', '2999-01-01')).stdout).toBe('');
  const again = await cli('webhooks', 'replay', message, '--json');
  expect(JSON.parse(again.stdout)).toEqual({ message, endpoint: id, isStarted: true });
  expect(await line(2)).toBe(told);

  const rotated = await cli('webhooks', 'rotate', id, '--keep', '1h');
  expect(rotated.stdout.trim()).toMatch(/^whsec_/);
  expect(rotated.stdout.trim()).not.toBe(secret);
  const listed = await cli('webhooks', 'list');
  expect(listed.stdout).toContain(`${id}  ${url}  all events`);
  expect((await cli('webhooks', 'list', '--json')).stdout).not.toContain('whsec_');
  expect((await cli('webhooks', 'list', '--tenant', 'other')).stdout).toBe('');
  expect((await cli('webhooks', 'remove', id)).code).toBe(0);
  expect((await cli('webhooks', 'remove', id)).stderr).toMatch(/WEBHOOK_NOT_FOUND/);
});

test('a worker that dies before it has heard the answer loses no message, and its id stays', async () => {
  let die = (): void => undefined;
  const isDead = new Promise<void>((dead) => (die = dead));
  const receiver = await openReceiver(async (n) => {
    if (n === 1) await isDead;
    return 200;
  });
  const { storage } = pipeline.cull;
  const allowed = allowedOf(['127.0.0.1']);
  const { endpoint } = await addWebhook({ storage, tenant: 'default' }, { url: receiver.url, allowed });
  const request = await pipeline.generate();
  const first = await receiver.nth(1);
  await pipeline.worker.kill('SIGKILL');
  die();
  const next = await startWorker(pipeline.env);
  try {
    const second = await receiver.nth(2);
    expect(second).toMatchObject({ id: first.id, text: first.text, payload: { data: { request } } });
    const workflow = webhookWorkflowId({ tenant: 'default', message: first.id, endpoint: endpoint.id });
    await pipeline.cull.temporal.workflow.getHandle(workflow).result();
    const logs: WebhookLogDoc[] = [];
    for await (const doc of webhookLog({ storage, tenant: 'default' })) if (doc.message === first.id) logs.push(doc);
    expect(logs).toMatchObject([{ state: 'delivered', attempts: [{ status: 200 }] }]);
  } finally {
    await next.kill('SIGTERM');
    await receiver.close();
  }
});
