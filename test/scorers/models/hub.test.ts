import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CullError } from '../../../errors.js';
import { pullModels, type PullOptions } from '../../../scorers/models/pull.js';
import { listModels, verifyModel } from '../../../scorers/models/store.js';
import { startCli } from '../../support/cli.js';
import { startHub, type HubServer } from './hub-server.js';

const REPO = 'someone/tiny-clip';
const VISION = 'onnx/vision_model.onnx';
const bytes = (length: number, seed: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7 + (i >> 8)) % 251));
const FILES = {
  'config.json': Buffer.from('{"model_type":"clip"}'),
  'preprocessor_config.json': Buffer.from('{}'),
  'tokenizer.json': bytes(3_000, 1),
  'tokenizer_config.json': Buffer.from('{}'),
  [VISION]: bytes(400_000, 2),
  'onnx/text_model.onnx': bytes(90_000, 3),
  'onnx/vision_model_quantized.onnx': bytes(100_000, 4),
  'onnx/text_model_quantized.onnx': bytes(20_000, 5),
};

let folder: string;
let hub: HubServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'models-'));
  hub = await startHub({
    repo: REPO,
    files: FILES,
    large: Object.keys(FILES).filter((path) => path.endsWith('.onnx')),
  });
});
afterEach(async () => {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
});

const pull = (options: Partial<PullOptions> = {}): Promise<string[]> =>
  pullModels({ folder, ids: [REPO], hub: { endpoint: hub.url }, ...options });
const pulledFile = (path: string): Promise<Buffer> => readFile(join(folder, REPO, path));
/** What was left behind besides the models: parts of files, work folders. */
const leftovers = (): Promise<string[]> => readdir(join(folder, '.pulling'));
const failure = (promise: Promise<unknown>): Promise<CullError> =>
  promise.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as CullError,
  );

describe('a model of the hub', () => {
  it('is fetched from one commit, checked against the listing, and remembered', async () => {
    const seen: string[] = [];
    expect(
      await pull({
        hub: { endpoint: `${hub.url}/`, token: 'hf_secret' },
        onProgress: ({ step, bytes, total }) => seen.push(`${step} ${bytes === total}`),
      }),
    ).toEqual([REPO]);
    for (const path of ['config.json', 'tokenizer.json', VISION, 'onnx/text_model.onnx'])
      expect((await pulledFile(path)).equals(FILES[path as keyof typeof FILES])).toBe(true);
    expect(existsSync(join(folder, REPO, 'onnx/vision_model_quantized.onnx'))).toBe(false);
    expect(hub.requests.every(({ authorization }) => authorization === 'Bearer hf_secret')).toBe(true);
    expect(seen.at(0)).toBe('downloading false');
    expect(seen.slice(-2)).toEqual(['downloading true', 'done true']);
    const row = (await listModels(folder)).find(({ id }) => id === REPO);
    expect(row).toMatchObject({ state: 'present', source: `hub ${REPO}@${hub.commit}`, bytes: 493_025 });
    expect(await leftovers()).toEqual([]);

    hub.requests.length = 0;
    expect(await pull()).toEqual([]);
    expect(hub.requests).toEqual([]);
  });

  it('is fetched in the variant asked for, which takes the place of the other', async () => {
    await pull();
    expect(await pull({ ids: [`${REPO}#quantized`] })).toEqual([`${REPO}#quantized`]);
    expect(await readdir(join(folder, REPO, 'onnx'))).toEqual([
      'text_model_quantized.onnx',
      'vision_model_quantized.onnx',
    ]);
    expect((await listModels(folder)).find(({ id }) => id === REPO)?.state).toBe('present');
  });

  it('goes on where the line broke, in the same run', async () => {
    let stored = 0;
    const more = async (): Promise<void> => {
      await until(async () => (await sizeOfPart()) > stored);
      stored = await sizeOfPart();
    };
    hub.fault = (path, count) => (path === VISION && count <= 2 ? { cutAfter: 150_000, when: more } : undefined);
    await pull();
    expect((await pulledFile(VISION)).equals(FILES[VISION])).toBe(true);
    const asked = hub.of(VISION);
    expect(asked.map(({ range }) => range)[0]).toBeUndefined();
    expect(asked).toHaveLength(3);
    for (const { range } of asked.slice(1)) expect(range).toMatch(/^bytes=[1-9]\d*-$/);
    // nothing that arrived was fetched twice: the last answer is what was missing
    expect(asked.at(-1)?.sent).toBeLessThan(FILES[VISION].length);
  });

  it('goes on where a process was killed, in the next run', async () => {
    hub.fault = (path, count) => (path === VISION && count === 1 ? { holdAfter: 200_000 } : undefined);
    const cli = startCli(['models', 'pull', REPO], { env: { HF_ENDPOINT: hub.url, CULL_MODELS: folder } });
    await hub.held;
    // the server has sent; what counts is what is on disk
    await cli.saw('downloading');
    await until(async () => (await sizeOfPart()) > 0);
    cli.child.kill('SIGKILL');
    await cli.ended;
    expect(existsSync(join(folder, REPO))).toBe(false);

    await pull();
    expect(hub.of(VISION)[1]?.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect((await pulledFile(VISION)).equals(FILES[VISION])).toBe(true);
  });

  it('tries again where the hub is busy', async () => {
    hub.fault = (_path, count) => (count === 1 ? { status: 503 } : undefined);
    await pull();
    expect(hub.of(VISION)).toHaveLength(2);
  });

  it('is refused where the bytes are not those that the listing promises, and leaves nothing behind', async () => {
    hub.wrong[VISION] = Buffer.concat([FILES[VISION].subarray(1), Buffer.from([0])]);
    const error = await failure(pull());
    expect(error).toMatchObject({ code: 'MODEL_CORRUPT', message: expect.stringMatching(/vision_model/) as string });
    expect(error.hint).toMatch(/--from/);
    expect(existsSync(join(folder, REPO))).toBe(false);
    expect((await leftovers()).filter((name) => name.includes(sha(FILES[VISION]).slice(0, 16)))).toEqual([]);
  });

  it('says what to do where it is refused, is not there, or the hub is away', async () => {
    hub.fault = () => ({ status: 401 });
    expect(await failure(pull())).toMatchObject({
      code: 'MODEL_REFUSED',
      hint: expect.stringMatching(/HF_TOKEN/) as string,
    });
    hub.fault = () => undefined;
    expect(await failure(pull({ ids: ['someone/else'] }))).toMatchObject({
      code: 'MODEL_REFUSED',
      message: expect.stringMatching(/someone\/else.*404/) as string,
    });
    const away = await failure(pull({ hub: { endpoint: await nobody() } }));
    expect(away).toMatchObject({ code: 'MODEL_UNAVAILABLE', message: expect.stringMatching(/ECONNREFUSED/) as string });
    expect(away.hint).toMatch(/--from/);
    expect(away.retry).toBe(true);
  });

  it('fails for one without keeping the others away', async () => {
    const error = await failure(pull({ ids: ['someone/else', REPO] }));
    expect(error.message).toMatch(/^not pulled: someone\/else\./);
    expect(error.details).toMatchObject({ pulled: [REPO], failed: [{ id: 'someone/else', code: 'MODEL_REFUSED' }] });
    expect(existsSync(join(folder, REPO, VISION))).toBe(true);
  });

  it('is whole when two processes pull it at once', async () => {
    const env = { HF_ENDPOINT: hub.url, CULL_MODELS: folder };
    const runs = [1, 2].map(() => startCli(['models', 'pull', REPO, '--json'], { env }));
    for (const { ended } of runs) {
      const run = await ended;
      expect(run.stderr).not.toMatch(/error/);
      expect(run.code).toBe(0);
    }
    expect((await pulledFile(VISION)).equals(FILES[VISION])).toBe(true);
    // these bytes are no networks; that is the only thing found wrong
    const problems = (await verifyModel(folder, REPO))?.problems ?? [];
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/[Pp]rotobuf/);
    expect(await leftovers()).toEqual([]);
  });
});

const sha = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

async function sizeOfPart(): Promise<number> {
  const name = (await leftovers()).find((one) => one.startsWith(sha(FILES[VISION]).slice(0, 16)));
  return name === undefined ? 0 : (await readFile(join(folder, '.pulling', name))).length;
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setImmediate(resolve));
}

/** An address where nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return `http://127.0.0.1:${port}`;
}
