/** `comfy-cull erase` as its users run it: a tenant goes, from storage, Temporal and the ComfyUIs, and another stays as it is. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readRelease } from '../../cli/release.js';
import type { EraseReport } from '../../cli/views/erase.js';
import { batchResult } from '../../client/batch-reads.js';
import { startBatch } from '../../client/batch.js';
import type { Cull } from '../../client/cull.js';
import { addLabels } from '../../client/labels.js';
import { ComfyClient, hostId } from '../../providers/comfyui/index.js';
import { createKey } from '../../service/keys.js';
import { runCli } from '../support/cli.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

const WORDS = { quince: 'quince-marzipan-lantern', medlar: 'medlar-cobalt-teapot' } as const;
type Tenant = keyof typeof WORDS;

let dir: string;
let sandboxes: TestSandbox[];
let pipeline: Pipeline;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'cull-erase-'));
  const folders = [0, 1].map((n) => ({ output: join(dir, `output-${n}`), input: join(dir, `input-${n}`) }));
  for (const { output, input } of folders) await Promise.all([output, input].map((path) => mkdir(path)));
  sandboxes = await Promise.all(
    folders.map(({ output, input }) => startSandbox({ secondsPerImage: 0.05, outputDir: output, inputDir: input })),
  );
  const file = join(dir, 'fleet.json');
  await writeFile(file, JSON.stringify(sandboxes.map(({ url }, n) => ({ url, ...folders[n] }))));
  pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: [],
    env: { CULL_COMFYUI_FILE: file },
  });
}, 120_000);
afterAll(async () => {
  await pipeline.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
  await rm(dir, { recursive: true, force: true });
});

const run = (...args: string[]) => runCli(['erase', ...args], { env: pipeline.env });
const reported = async (...args: string[]): Promise<{ code: number | null; report: EraseReport }> => {
  const { code, stdout, stderr } = await run(...args, '--json');
  expect(stdout, stderr).not.toBe('');
  return { code, report: JSON.parse(stdout) as EraseReport };
};
const foundOf = ({ rows }: EraseReport): Record<string, number> =>
  Object.fromEntries(rows.map(({ place, kind, found }) => [`${place.replace(/ .*/, '')}: ${kind}`, found]));

const releaseOf = (name: string) =>
  readRelease(`examples/templates/${name}.json`, {
    policyPath: 'examples/policies/generic.yaml',
    scorers: [],
    allowNodes: [],
  });

/** Requests of the tenant to their ends: of a text, of a photo, and of a batch; labels and a key. */
async function fill(tenant: Tenant): Promise<{ cull: Cull; text: string; photo: string; again: string }> {
  const cull = pipeline.cull.forTenant(tenant);
  const prompt = `product photo of a ${WORDS[tenant]} on a white background`;
  const options = { release: await releaseOf('product'), deliver: 1, candidates: 2 };
  const inputs = { prompt, width: 64, height: 64 };
  const text = await cull.generate({ ...options, inputs, seed: tenant.length });
  const bytes = (channel: number): Promise<Buffer> =>
    sharp({ create: { width: 64, height: 64, channels: 3, background: { r: channel, g: 9, b: tenant.length } } })
      .png()
      .toBuffer();
  const [shared, own] = await Promise.all([40, 200].map(async (r) => cull.putInput(await bytes(r), { name: 'a.png' })));
  const headshot = { ...options, release: await releaseOf('headshot') };
  const photo = await cull.generate({ ...headshot, inputs: { photo: own!, prompt }, seed: 5 });
  const again = await cull.generate({ ...headshot, inputs: { photo: shared!, prompt }, seed: 6 });
  const { batch } = await startBatch(cull, {
    key: 'b1',
    lines: ['{"seed":11}', '{"seed":12}'],
    optionsOf: (line) => ({ ...options, inputs, ...(line as object) }),
  });
  for (const request of [text, photo, again])
    await vi.waitFor(async () => expect(await cull.result(request)).toBeDefined(), 60_000);
  await vi.waitFor(async () => expect(await batchResult(cull, batch)).toBeDefined(), 60_000);
  const labels = [text, photo].map((request) => ({ picture: `${request}/0`, gate: null, pass: true, who: 'ann' }));
  await addLabels(cull.storage, { tenant, labels, at: new Date().toISOString() });
  await createKey(cull.storage, { tenant, scopes: ['read'] });
  return { cull, text, photo, again };
}

/** Path -> sha256 of every file below a folder; `words`: the files that hold the text, or have it in their path. */
async function filesBelow(root: string, words: string): Promise<{ all: Record<string, string>; holding: string[] }> {
  const all: Record<string, string> = {};
  const holding: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (path.includes(words)) holding.push(path);
    if (!entry.isFile()) continue;
    const content = await readFile(path);
    all[path] = createHash('sha256').update(content).digest('hex');
    if (content.includes(words)) holding.push(path);
  }
  return { all, holding };
}

const storageOf = (): string => join(pipeline.dir, 'storage');
const ofTenant = (files: Record<string, string>, tenant: Tenant): Record<string, string> =>
  Object.fromEntries(Object.entries(files).filter(([path]) => path.includes(`/${tenant}/`)));

async function workflowsOf(tenant: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { workflowId } of pipeline.cull.temporal.workflow.list()) ids.push(workflowId);
  return ids.filter((id) => id.split('/')[1] === tenant).sort();
}

async function promptsHolding(words: string): Promise<number> {
  let count = 0;
  for (const { url } of sandboxes)
    for (const { graph } of await new ComfyClient({ url }).history())
      if (JSON.stringify(graph).includes(words)) count++;
  return count;
}

test('one request goes, then its tenant; the other tenant stays bit for bit', { timeout: 600_000 }, async () => {
  const [quince] = [await fill('quince'), await fill('medlar')];
  const files = async (words: string) => ({
    storage: await filesBelow(storageOf(), words),
    comfy: await filesBelow(dir, words),
  });
  const before = await files(WORDS.medlar);
  const medlars = await workflowsOf('medlar');
  const medlarPrompts = await promptsHolding(WORDS.medlar);
  expect(medlars).toHaveLength(6);
  expect(medlarPrompts).toBeGreaterThanOrEqual(10);

  // without --yes, nobody can be asked here
  const refused = await run('--tenant', 'quince');
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain('--yes');

  // a dry run changes nothing
  const dry = await reported('--tenant', 'quince', '--dry-run');
  expect(dry.code).toBe(0);
  expect(dry.report).toMatchObject({ complete: false, dryRun: true });
  expect((await filesBelow(storageOf(), WORDS.quince)).holding).not.toEqual([]);
  expect(await workflowsOf('quince')).toHaveLength(6);

  // one request, with the input that is only its own
  const one = await reported('--tenant', 'quince', '--request', quince.photo, '--yes');
  expect(one.code, JSON.stringify(one.report)).toBe(0);
  expect(one.report.complete).toBe(true);
  expect(foundOf(one.report)).toMatchObject({
    'Temporal: request workflows': 1,
    'storage: inputs': 1,
    'storage: labels': 1,
    'storage: images': 2,
  });
  expect((await filesBelow(pipeline.dir, quince.photo)).holding).toEqual([]);
  expect((await filesBelow(dir, quince.photo)).holding).toEqual([]);
  expect(await quince.cull.result(quince.again)).toBeDefined();

  // a line of a batch
  const line = await reported('--tenant', 'quince', '--request', 'b1.000002', '--yes');
  expect(line.code).toBe(0);
  expect(foundOf(line.report)).toMatchObject({ 'storage: lines of batches': 2 });
  expect((await filesBelow(storageOf(), 'b1.000002')).holding.filter((path) => path.includes('/quince/'))).toEqual([]);
  expect(await quince.cull.result('b1.000001')).toBeDefined();

  // all of the tenant
  const { code, report } = await reported('--tenant', 'quince', '--yes');
  expect(code, JSON.stringify(report)).toBe(0);
  expect(report.rows.map(({ left }) => left)).toEqual(report.rows.map(() => 0));
  expect(foundOf(report)).toMatchObject({
    'storage: API keys': 1,
    'storage: inputs': 1,
    'Temporal: batch workflows': 1,
  });
  for (const words of [WORDS.quince, 'quince']) {
    expect((await filesBelow(storageOf(), words)).holding, words).toEqual([]);
    expect((await filesBelow(dir, words)).holding, words).toEqual([]);
  }
  expect(await workflowsOf('quince')).toEqual([]);
  expect(await promptsHolding(WORDS.quince)).toBe(0);

  const after = await files(WORDS.medlar);
  expect(ofTenant(after.storage.all, 'medlar')).toEqual(ofTenant(before.storage.all, 'medlar'));
  expect(ofTenant(after.comfy.all, 'medlar')).toEqual(ofTenant(before.comfy.all, 'medlar'));
  expect(await workflowsOf('medlar')).toEqual(medlars);
  expect(await promptsHolding(WORDS.medlar)).toBe(medlarPrompts);

  // again: there is nothing
  const again = await run('--tenant', 'quince', '--yes');
  expect(again.code).toBe(0);
  expect(again.stdout).toContain('nothing of tenant quince was found');
});

test(
  'what runs is refused, or cancelled; a ComfyUI that does not answer is named, and the rest goes on',
  { timeout: 600_000 },
  async () => {
    const cull = pipeline.cull.forTenant('crane');
    const inputs = { prompt: 'product photo of a mug on a white background', width: 64, height: 64 };
    const release = await releaseOf('product');
    const request = await cull.generate({ release, inputs, deliver: 40, candidates: 400, seed: 3 });
    await vi.waitFor(async () => expect((await cull.progress(request))?.state.scored).toBeGreaterThan(2), 60_000);
    const refused = await run('--tenant', 'crane', '--yes');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('ERASE_OPEN');
    expect(await cull.requestDoc(request)).toBeDefined();

    const second = sandboxes.pop()!;
    await second.close();
    const cancelled = await reported('--tenant', 'crane', '--yes', '--cancel');
    expect(cancelled.code).toBe(1);
    expect(cancelled.report.complete).toBe(false);
    expect(cancelled.report.notReached).toMatchObject([{ place: `ComfyUI ${hostId(second.url)}` }]);
    expect(cancelled.report.rows.every(({ left }) => left === 0)).toBe(true);
    expect(await workflowsOf('crane')).toEqual([]);

    const { code, report } = await reported('--tenant', 'crane', '--yes', '--gone', hostId(second.url));
    expect(code).toBe(0);
    expect(report.complete).toBe(true);
    expect((await filesBelow(storageOf(), 'crane')).holding).toEqual([]);
  },
);
