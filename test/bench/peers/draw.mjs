// One peer draws a batch: argv = peer, URLs (comma), N, output folder, seconds to wait at most. Prints one JSON line.
// Usage follows each library's README: saintno's ComfyPool.batch, stable-canvas' enqueue with two in flight per server.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import WebSocket from 'ws';

const [, , peer, list, count, folder, limit, graphFile] = process.argv;
const urls = list.split(',');
const n = Number(count);
const graph = JSON.parse(await readFile(graphFile, 'utf8'));
const withSeed = (seed) => ({ ...graph, 3: { ...graph[3], inputs: { ...graph[3].inputs, seed } } });
let stored = 0;
let lastStoredAt = 0;
const store = async (seed, bytes) => {
  await writeFile(join(folder, `${seed}.png`), bytes);
  stored++;
  lastStoredAt = Date.now();
};
const fetchImage = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());

const report = (error) => {
  process.stdout.write(
    `${JSON.stringify({ stored, seconds: stored === 0 ? null : (lastStoredAt - startedAt) / 1000, error: error ? String(error.message ?? error).slice(0, 120) : null })}\n`,
  );
  process.exit(0);
};
for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, (error) => report(error));
setTimeout(() => report(new Error(`not done after ${limit} s`)), Number(limit) * 1000);
// What the libraries print must not mix with the answer.
console.log = console.warn = console.error = () => {};

let startedAt;
if (peer === 'saintno') {
  const { CallWrapper, ComfyApi, ComfyPool, EQueueMode, PromptBuilder } = await import('@saintno/comfyui-sdk');
  const pool = new ComfyPool(
    urls.map((url, i) => new ComfyApi(url, `n${i}`)),
    EQueueMode.PICK_ZERO,
  );
  const builder = new PromptBuilder(withSeed(0), ['seed'], ['images'])
    .setInputNode('seed', '3.inputs.seed')
    .setOutputNode('images', '9');
  // The pool finds its servers in the background; ready means all of them.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  startedAt = Date.now();
  process.stdout.write('started\n');
  const jobs = Array.from(
    { length: n },
    (_, seed) => (api) =>
      new Promise((resolve, reject) =>
        new CallWrapper(api, builder.input('seed', seed))
          .onFinished(async (data) => {
            for (const image of data.images.images) await store(seed, await fetchImage(api.getPathImage(image)));
            resolve(seed);
          })
          .onFailed(reject)
          .run(),
      ),
  );
  await pool.batch(jobs).then(() => report(), report);
} else {
  const { Client } = await import('@stable-canvas/comfyui-client');
  const clients = urls.map(
    (url, i) => new Client({ api_host: new URL(url).host, clientId: `c${i}`, WebSocket, fetch }),
  );
  await Promise.all(clients.map((client) => client.connect()));
  startedAt = Date.now();
  process.stdout.write('started\n');
  let next = 0;
  const loops = clients.flatMap((client) =>
    [0, 1].map(async () => {
      while (next < n) {
        const seed = next++;
        const out = await client.enqueue(withSeed(seed), { progress() {} });
        for (const image of out.images)
          await store(seed, image.type === 'buff' ? new Uint8Array(image.data) : await fetchImage(image.data));
      }
    }),
  );
  await Promise.all(loops).then(() => report(), report);
}
