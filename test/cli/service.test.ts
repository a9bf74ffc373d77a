/** `comfy-cull up` and `serve`, run as their users run them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runningStack } from '../../stack/index.js';
import { runCli, startCli, type RunningCli } from '../support/cli.js';

let dir: string;
let env: Record<string, string>;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-up-'));
  env = { CULL_DIR: join(dir, '.cull'), TEMPORAL_CLI_PATH: inject('temporalBinary') };
});
afterAll(async () => {
  await runCli(['down'], { env });
  await rm(dir, { recursive: true, force: true });
});

/** Where it listens, once it does. */
async function urlOf(running: RunningCli): Promise<string> {
  await running.saw('documentation at ');
  return /documentation at (\S+)\/docs/.exec(running.seen())?.[1] ?? '';
}

describe('up', () => {
  test('serves all of it in one command, without a key, and ends whole on SIGINT', async () => {
    const up = startCli(['up', '--port', '0'], { env, cwd: dir });
    const url = await urlOf(up);
    const response = await fetch(`${url}/v1/requests?wait=120s`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        template: 'product',
        policy: 'generic',
        inputs: { width: 128, height: 128 },
        candidates: 2,
      }),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ wanted: 1, counts: { drawn: 2 } });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const taken = await runCli(['serve', '--port', new URL(url).port], { env, cwd: dir });
    expect([taken.code, taken.stderr]).toEqual([2, expect.stringMatching(/cannot listen .*\n.*--port/)]);
    up.child.kill('SIGINT');
    const { code, stderr } = await up.ended;
    expect([code, stderr]).toEqual([0, expect.stringMatching(/the embedded stack has ended/)]);
    expect(await runningStack(join(dir, '.cull'))).toBeUndefined();
  });
});

test('tenants have a weight, which is set and shown', async () => {
  expect((await runCli(['tenants', 'show', 'acme'], { env })).stdout).toBe('acme: weight 1\n');
  const set = await runCli(['tenants', 'weight', 'acme', '5', '--json'], { env });
  expect(JSON.parse(set.stdout)).toEqual({ tenant: 'acme', weight: 5 });
  expect((await runCli(['tenants', 'show', 'acme'], { env })).stdout).toBe('acme: weight 5\n');
  for (const wrong of [
    ['acme', '0'],
    ['acme', 'five'],
    ['../acme', '1'],
  ])
    expect((await runCli(['tenants', 'weight', ...wrong], { env })).code).toBe(2);
});

test('tenants have limits of their own, which are set, shown and taken back', async () => {
  const limits = async (...args: string[]): Promise<unknown> =>
    JSON.parse((await runCli(['tenants', 'limits', 'globex', '--json', ...args], { env })).stdout);
  const none = { tenant: 'globex', weight: 1, openRequests: null, openCandidates: null, retention: null };
  expect(await limits()).toEqual(none);
  const set = { ...none, openRequests: 5, openCandidates: 200 };
  expect(await limits('--max-open', '5', '--max-candidates', '200')).toEqual(set);
  expect((await runCli(['tenants', 'show', 'globex'], { env })).stdout).toBe(
    'globex: weight 1, at most 5 open requests, at most 200 candidates of open requests\n',
  );
  expect(await limits('--max-open', 'default')).toEqual({ ...set, openRequests: null });
  expect((await runCli(['tenants', 'limits', 'globex', '--max-open', 'few'], { env })).code).toBe(2);
});

test('tenants have ages of their own for what is kept, which are set, shown and taken back', async () => {
  const retention = async (...ages: string[]): Promise<unknown> =>
    JSON.parse((await runCli(['tenants', 'retention', 'initech', '--json', ...ages], { env })).stdout);
  expect(await retention()).toEqual({ tenant: 'initech', retention: null });
  const set = { tenant: 'initech', retention: 'rejected=0.5d,delivered=never' };
  expect(await retention('rejected=12h,delivered=never')).toEqual(set);
  expect(await retention()).toEqual(set);
  expect(await retention('default')).toEqual({ tenant: 'initech', retention: null });
  expect((await runCli(['tenants', 'retention', 'initech', 'rejcted=1d'], { env })).code).toBe(2);
});

describe('serve', () => {
  test('wants a key, which the command line makes, shows once and takes back', async () => {
    const serve = startCli(['serve', '--port', '0'], { env, cwd: dir });
    const url = await urlOf(serve);
    expect((await fetch(`${url}/v1/requests`)).status).toBe(401);
    const made = await runCli(['keys', 'create', '--scopes', 'read', '--expires', '1d', '--note', 'shop', '--json'], {
      env,
    });
    const { key, id } = JSON.parse(made.stdout) as { key: string; id: string };
    const read = await fetch(`${url}/v1/requests`, { headers: { authorization: `Bearer ${key}` } });
    expect(read.status).toBe(200);
    const list = await runCli(['keys', 'list'], { env });
    expect(list.stdout).toMatch(new RegExp(`^${id} +default +good until .* read +shop`));
    expect(list.stdout).not.toContain(key);
    expect((await runCli(['keys', 'revoke', id], { env })).stdout).toMatch(/is revoked/);
    expect((await runCli(['keys', 'list'], { env })).stdout).toMatch(/revoked/);
    serve.child.kill('SIGTERM');
    expect((await serve.ended).code).toBe(0);
  });

  test('refuses to be open to a network, and half a certificate', async () => {
    const open = await runCli(['serve', '--open', '--host', '0.0.0.0'], { env, cwd: dir });
    expect([open.code, open.stderr]).toEqual([2, expect.stringMatching(/--open would let everybody in/)]);
    const half = await runCli(['serve', '--tls-cert', 'cert.pem'], { env, cwd: dir });
    expect(half.code).toBe(2);
  });
});
