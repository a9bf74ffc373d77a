/**
 * `npm run record-histories [-- name…]`: runs every scenario, or those named, on a real server and writes its history, compressed, for the replay test. A new
 * scenario is recorded alone: the histories of before are what shows that old requests still replay.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { freePort, startServer } from '../../stack/temporal-server.js';
import { openBench } from '../support/workflow-worker.js';
import { scenarios } from './scenarios.js';

const dir = resolve(import.meta.dirname, 'histories');
await mkdir(dir, { recursive: true });
const { path } = await resolveTemporalBinary({
  dir: resolve(import.meta.dirname, '../../.cull/test'),
  cliPath: process.env['TEMPORAL_CLI_PATH'],
});
const server = await startServer({ binary: path, port: await freePort() });
const bench = await openBench(server.address);
try {
  const named = process.argv.slice(2);
  for (const scenario of scenarios.filter(({ name }) => named.length === 0 || named.includes(name))) {
    const { workflowId, runId } = await scenario.run(bench);
    const history = await bench.client.workflow.getHandle(workflowId, runId).fetchHistory();
    await writeFile(resolve(dir, `${scenario.name}.json.gz`), gzipSync(historyToJSON(history), { level: 9 }));
    process.stdout.write(`${scenario.name}: ${history.events?.length ?? 0} events\n`);
  }
} finally {
  await bench.close();
  await server.stop();
}
