/** Photos redrawn, through the whole pipeline: what a candidate is compared with reaches the scorers, and who wins is clean by the hidden labels. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeGarments, writePeople } from '../../cli/demo-photos.js';
import { readRelease } from '../../cli/release.js';
import type { Labels } from '../../sandbox/photos/index.js';
import { pulledModels } from '../support/models.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

let photos: string;
let sandbox: TestSandbox;
let pipeline: Pipeline;
beforeAll(async () => {
  photos = await mkdtemp(join(tmpdir(), 'cull-photos-'));
  sandbox = await startSandbox({ photosDir: photos });
  pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: [sandbox.url],
    env: { CULL_MODELS: await pulledModels() },
  });
}, 600_000);
afterAll(async () => {
  await pipeline.close();
  await sandbox.close();
  await rm(photos, { recursive: true, force: true });
});

const release = (name: string) =>
  readRelease(`examples/templates/${name}.json`, { policyPath: undefined, scorers: [], allowNodes: [] });

const put = async (path: string) => pipeline.cull.putInput(await readFile(path), { name: path });

/** By prompt id: the names of the changes that count. */
async function changes(): Promise<Map<string, string[]>> {
  const labels = Object.entries(await sandbox.labels());
  return new Map(
    labels.map(([id, entry]) => {
      const { defects } = entry.labels as Labels;
      return [id, Object.entries(defects).flatMap(([name, { present }]) => (present ? [name] : []))];
    }),
  );
}

test('a headshot: winners are the person of the photo and clean', async () => {
  const [person] = await writePeople(photos);
  const request = await pipeline.generate({
    release: await release('headshot'),
    inputs: { photo: await put(person!.photo) },
    deliver: 2,
    candidates: 8,
    seed: 3,
  });
  const { result, records } = await pipeline.end(request);
  expect(result).toMatchObject({ state: 'delivered', counts: { drawn: 8, scored: 8, lost: 0 } });
  const made = await changes();
  const dirty = records.filter(({ promptId }) => made.get(promptId ?? '')!.length > 0);
  expect(dirty.length).toBeGreaterThan(0);
  for (const { candidate } of result.delivered) {
    const winner = records[candidate];
    expect(made.get(winner?.promptId ?? '')).toEqual([]);
    expect(winner?.scores['identity.best']).toMatchObject({ status: 'ok' });
    expect(winner?.scores['eyes.open']).toMatchObject({ status: 'ok' });
    expect(winner?.scores['skinTone.stops']).toMatchObject({ status: 'ok' });
  }
  // The manifest names every dimension of the policy for every candidate, and the models that they came from.
  for (const { scores } of records) expect(scores['identity.best']?.scorer).toMatch(/^identity@/);
  expect(records[result.delivered[0]!.candidate]?.scores['identity.best']?.models).toBeDefined();
});

test('a garment: its mask is kept beside each candidate and scored with', async () => {
  const [worn] = await writeGarments(photos);
  const request = await pipeline.generate({
    release: await release('garment'),
    inputs: { photo: await put(worn!.photo), mask: await put(worn!.mask!), garment: await put(worn!.garment!) },
    deliver: 1,
    candidates: 4,
    seed: 5,
  });
  const { result, records } = await pipeline.end(request);
  const made = await changes();
  expect(made.get(records[result.delivered[0]!.candidate]?.promptId ?? '')).toEqual([]);
  for (const { files, scores, candidate } of records) {
    expect(files).toMatchObject([
      { key: `default/requests/${request}/candidates/000${candidate}.1.garment.png`, mask: 'garment' },
    ]);
    expect(scores['garment.covered']).toMatchObject({ status: 'ok' });
    expect(scores['garment.colourMatched']).toMatchObject({ status: 'ok' });
  }
});
