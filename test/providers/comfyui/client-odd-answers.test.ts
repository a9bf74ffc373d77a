import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CullError } from '../../../errors.js';
import { ComfyClient } from '../../../providers/comfyui/index.js';

/** Whatever a server says, a method gives an answer of its type or throws a CullError, and the next exchange works. */

let answer = { status: 200, body: '' };
const server = createServer((_, response) => response.writeHead(answer.status).end(answer.body));
let comfy: ComfyClient;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  comfy = new ComfyClient({ url: `http://127.0.0.1:${(server.address() as { port: number }).port}` });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const id = '0f0e0d0c-0b0a-4908-8706-050403020100';
const file = { filename: 'a.png', subfolder: '', type: 'output' };
const methods: Record<string, (comfy: ComfyClient) => Promise<unknown>> = {
  submit: (c) => c.submit({ graph: {}, promptId: id, clientId: 'me' }),
  job: (c) => c.job(id),
  jobs: (c) => c.jobs(),
  cancel: (c) => c.cancel(id),
  cancelMany: (c) => c.cancelMany([id]),
  interrupt: (c) => c.interrupt(id),
  queue: (c) => c.queue(),
  queueDepth: (c) => c.queueDepth(),
  dequeue: (c) => c.dequeue([id]),
  clearQueue: (c) => c.clearQueue(),
  history: (c) => c.history(),
  historyEntry: (c) => c.historyEntry(id),
  deleteHistory: (c) => c.deleteHistory([id]),
  clearHistory: (c) => c.clearHistory(),
  view: (c) => c.view(file),
  uploadImage: (c) => c.uploadImage({ name: 'a', body: Buffer.from('x') }),
  uploadMask: (c) => c.uploadMask({ name: 'a', body: Buffer.from('x'), original: file }),
  objectInfo: (c) => c.objectInfo(),
  'objectInfo of one': (c) => c.objectInfo('X'),
  systemStats: (c) => c.systemStats(),
  features: (c) => c.features(),
  version: (c) => c.version(),
  supports: (c) => c.supports(),
  embeddings: (c) => c.embeddings(),
  extensions: (c) => c.extensions(),
  models: (c) => c.models(),
  'models of one': (c) => c.models('loras'),
  free: (c) => c.free({}),
};

it('has a row here, and one in docs/comfyui-client.md, for every method of the client', () => {
  const own = [ComfyClient.prototype, Object.getPrototypeOf(ComfyClient.prototype) as object]
    .flatMap((one) => Object.getOwnPropertyNames(one))
    .filter((name) => name !== 'constructor');
  expect(own.length).toBeGreaterThan(25);
  const here = ['refusal', 'viewStream', ...Object.keys(methods).map((name) => name.split(' ')[0])];
  expect(own.filter((name) => !here.includes(name))).toEqual([]);
  const docs = readFileSync(new URL('../../../docs/comfyui-client.md', import.meta.url), 'utf8');
  const rows = docs.split('\n').filter((line) => line.startsWith('| `'));
  expect(own.filter((name) => !rows.some((row) => row.includes(`\`${name}(`)))).toEqual([]);
});

/** JSON in the places where ComfyUI has something, and anything else. */
const keys = [
  'queue_running',
  'queue_pending',
  'jobs',
  'outputs',
  'status',
  'messages',
  'prompt',
  'system',
  'devices',
  id,
];
const json = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.jsonValue({ maxDepth: 1 }),
    fc.constantFrom('completed', 'in_progress', 'execution_error', id),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string({ maxLength: 4 })), tie('any'), { maxKeys: 5 }),
  ),
}));
const bodies = fc.oneof(
  json.any.map((value) => JSON.stringify(value)),
  fc.string(),
);

it.each(Object.entries(methods))('%s', async (_, call) => {
  const statuses = fc.oneof(fc.constant(200), fc.constantFrom(204, 400, 404, 405, 413, 500, 503));
  await fc.assert(
    fc.asyncProperty(statuses, bodies, async (status, body) => {
      answer = { status, body };
      const fresh = new ComfyClient({ url: comfy.address.base });
      for (const client of [comfy, fresh]) {
        const error: unknown = await call(client).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error !== undefined) expect(error).toBeInstanceOf(CullError);
      }
    }),
    { numRuns: 40 },
  );
});
