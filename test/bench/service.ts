/**
 * `npm run bench:service`: reads of a request's status over HTTP, of an ended request and of an open one, idle and while a batch runs, against a bare Hono route that
 * answers the same bytes in the same process.
 *
 *   npm run bench:service [-- --json --seconds=5 --connections=20]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { Hono } from 'hono';
import { startBatch } from '../../client/batch.js';
import { cancelBatch } from '../../client/batch-reads.js';
import { listen } from '../../service/server.js';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { freePort, startServer } from '../../stack/temporal-server.js';
import { readRelease } from '../../cli/release.js';
import { openPipeline, PROMPT } from '../support/pipeline.js';
import { startSandboxProcess } from '../support/sandbox.js';
import { openService } from '../support/service.js';

const option = (name: string, fallback: number) =>
  Number(process.argv.find((arg) => arg.startsWith(`--${name}=`))?.split('=')[1] ?? fallback);
const [SECONDS, CONNECTIONS] = [option('seconds', 5), option('connections', 20)];
const json = process.argv.includes('--json');
const note = (text: string) => process.stderr.write(`${text}\n`);

const dir = await mkdtemp(join(tmpdir(), 'cull-service-'));
const binary = await resolveTemporalBinary({
  dir: join(import.meta.dirname, '../../.cull/test'),
  cliPath: process.env['TEMPORAL_CLI_PATH'],
  onStep: note,
});
const server = await startServer({ binary: binary.path, port: await freePort(), dbFile: join(dir, 'temporal.sqlite') });
const sandboxes = await Promise.all([0, 1].map(() => startSandboxProcess({ secondsPerImage: 0.5 })));
const pipeline = await openPipeline({ address: server.address, comfyUrls: sandboxes.map(({ url }) => url) });
const service = await openService(pipeline.cull, { limits: { perSecond: 1_000_000 } });
const authorization = `Bearer ${await service.key('default')}`;

/** Calls a second, and the slowest 1 % in milliseconds. */
async function measured(url: string): Promise<{ rate: number; p99: number; failed: number }> {
  const { requests, latency, non2xx, errors } = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: SECONDS,
    headers: { authorization },
  });
  return { rate: requests.average, p99: latency.p99, failed: non2xx + errors };
}

interface Row {
  what: string;
  rate: number;
  p99: number;
  bare: number;
  bareP99: number;
  ratio: number;
  failed: number;
}
const rows: Row[] = [];
const at = await listen({ fetch: service.fetch, host: '127.0.0.1', port: 0 });

/** The route and the bare one in turn, twice, so that a noisy moment meets both. */
async function compare(what: string, request: string): Promise<void> {
  const path = `/v1/requests/${request}`;
  const bytes = await (await fetch(`${at.url}${path}`, { headers: { authorization } })).text();
  const bare = new Hono().get('/v1/requests/:request', (c) =>
    c.body(bytes, 200, { 'content-type': 'application/json' }),
  );
  const beside = await listen({ fetch: bare.fetch, host: '127.0.0.1', port: 0 });
  const [ours, theirs] = [[], []] as [Awaited<ReturnType<typeof measured>>[], Awaited<ReturnType<typeof measured>>[]];
  for (let round = 0; round < 2; round++) {
    theirs.push(await measured(`${beside.url}${path}`));
    ours.push(await measured(`${at.url}${path}`));
  }
  await beside.close(1_000);
  const mean = (of: { rate: number }[]) => of.reduce((sum, { rate }) => sum + rate, 0) / of.length;
  rows.push({
    what,
    rate: Math.round(mean(ours)),
    p99: Math.max(...ours.map(({ p99 }) => p99)),
    bare: Math.round(mean(theirs)),
    bareP99: Math.max(...theirs.map(({ p99 }) => p99)),
    ratio: Math.round((mean(ours) / mean(theirs)) * 100) / 100,
    failed: ours.reduce((sum, { failed }) => sum + failed, 0),
  });
  note(`${what}: ${rows.at(-1)?.rate} of ${rows.at(-1)?.bare} a second`);
}

try {
  const ended = await pipeline.generate({ candidates: 2 });
  await pipeline.end(ended);
  await compare('ended request, idle', ended);

  const policyPath = 'examples/policies/generic.yaml';
  const release = await readRelease('examples/templates/product.json', { policyPath, scorers: [], allowNodes: [] });
  const { batch } = await startBatch(pipeline.cull, {
    lines: Array.from({ length: 200 }, (_, seed) => JSON.stringify({ seed })),
    optionsOf: (line) => ({
      ...{ release, inputs: { prompt: PROMPT, width: 128, height: 128 } },
      ...{ deliver: 1, candidates: 24, seed: (line as { seed: number }).seed },
    }),
  });
  await compare('ended request, a batch runs', ended);
  await compare('open request, a batch runs', `${batch}.000001`);
  await cancelBatch(pipeline.cull, batch);
} finally {
  service.end();
  await at.close(1_000);
  await pipeline.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
  await server.stop();
  await rm(dir, { recursive: true, force: true });
}

if (json)
  process.stdout.write(`${JSON.stringify({ bench: 'service', seconds: SECONDS, connections: CONNECTIONS, rows })}\n`);
else {
  process.stdout.write(
    '                              a second   p99 ms   bare route   p99 ms   ratio (wanted 0.5)   failed\n',
  );
  for (const { what, rate, p99, bare, bareP99, ratio, failed } of rows)
    process.stdout.write(
      `${what.padEnd(30)}${String(rate).padStart(8)}${String(p99).padStart(9)}${String(bare).padStart(13)}${String(bareP99).padStart(9)}${ratio.toFixed(2).padStart(8)}${String(failed).padStart(21)}\n`,
    );
}
process.exit(rows.every(({ ratio, failed }) => ratio >= 0.5 && failed === 0) ? 0 : 1);
