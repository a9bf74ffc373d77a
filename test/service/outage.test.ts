/** The HTTP API while its Temporal server is away. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { Cull } from '../../client/cull.js';
import { embeddedTarget } from '../../client/temporal.js';
import { freePort, startServer } from '../../stack/temporal-server.js';
import { openStorage } from '../../storage/index.js';
import { INPUTS } from '../support/pipeline.js';
import { openService } from '../support/service.js';

test('says so, and the same call goes through once the server is back', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'cull-outage-'));
  const [binary, port] = [inject('temporalBinary'), await freePort()];
  const server = await startServer({ binary, port });
  const storage = openStorage(join(dir, 'storage'));
  const cull = await Cull.connect({ target: embeddedTarget(server.address), storage, tenant: 'default' });
  const service = await openService(cull);
  const post = () =>
    service.call('POST', '/v1/requests', {
      body: { template: 'product', policy: 'generic', inputs: INPUTS, deliver: 1, seed: 1 },
      headers: { 'idempotency-key': 'order-1' },
    });

  await server.stop();
  const away = await post();
  expect(away.status).toBe(503);
  expect(await away.json()).toMatchObject({ code: 'TEMPORAL_UNREACHABLE', retry: true });

  const again = await startServer({ binary, port });
  const back = await post();
  expect(back.status).toBe(202);
  const { request } = (await back.json()) as { request: string };
  const listed = (await (await service.call('GET', '/v1/requests')).json()) as { items: { request: string }[] };
  expect(listed.items.map((one) => one.request)).toEqual([request]);

  service.end();
  await cull.close();
  await again.stop();
  await rm(dir, { recursive: true, force: true });
});
