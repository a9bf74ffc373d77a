/** The service against its own document: whatever is asked, no 5xx, and no answer that the document does not describe. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listen, type Listening } from '../../service/server.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { findSchemathesis, INSTALL_MS } from '../support/schemathesis.js';
import { openService, type TestService } from '../support/service.js';
import { temporalAddress } from '../support/temporal-address.js';

const SEED = 20_261_130;
/** What is said of these is right, and is no defect: two fields may contradict each other, and what was cancelled can still be read. */
const NOT_ASKED = ['positive_data_acceptance', 'ensure_resource_availability', 'use_after_free'];

let command: string;
let folder: string;
let sandbox: TestSandbox;
let pipeline: Pipeline;
let service: TestService;
let listening: Listening;
beforeAll(async () => {
  command = await findSchemathesis();
  folder = await mkdtemp(join(tmpdir(), 'cull-schemathesis-'));
  sandbox = await startSandbox();
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
  service = await openService(pipeline.cull, {
    limits: {
      perSecond: 100_000,
      keyChecks: 100_000,
      openRequests: 100_000,
      openCandidates: 10_000_000,
      waitSeconds: 1,
    },
  });
  listening = await listen({ fetch: service.fetch, host: '127.0.0.1', port: 0 });
}, INSTALL_MS);
afterAll(async () => {
  service.end();
  await listening.close(1_000);
  await pipeline.close();
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

test('schemathesis finds no 5xx and no answer that is not documented', { timeout: 900_000 }, async () => {
  const args = [
    ...['run', `${listening.url}/openapi.json`, '--max-examples', '10', '--seed', String(SEED), '--no-color'],
    ...['-H', `Authorization: Bearer ${await service.key('fuzz')}`],
    ...['--exclude-checks', NOT_ASKED.join(','), '--request-timeout', '60'],
    // streams until the request ends; asked by its own tests
    ...['--exclude-path-regex', '/events$'],
    // it cannot write NDJSON; asked by test/service/batches.test.ts
    ...['--exclude-name', 'POST /v1/batches'],
  ];
  const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
    execFile(command, args, { cwd: folder, maxBuffer: 64 * 2 ** 20, timeout: 840_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
    );
  });
  expect(code, output.slice(-8_000)).toBe(0);
  expect(output).toMatch(/\d+ generated, \d+ passed/);
});
