import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createComparedReader } from '../../activities/compared.js';
import { createPrepareActivities } from '../../activities/prepare.js';
import { builtInScorers } from '../../scorers/registry.js';
import { keys } from '../../storage/keys.js';
import { openStorage } from '../../storage/index.js';
import type { Storage } from '../../storage/storage.js';
import { parseBindings } from '../../templates/bindings.js';
import type { PlanDoc, RequestDoc } from '../../workflows/contract.js';

let folder: string;
let storage: Storage;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-compared-'));
  storage = openStorage(folder);
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const [FACE, LOGO] = ['f'.repeat(64), '1'.repeat(64)];

describe('what a candidate is compared with', () => {
  it('goes from the template and the inputs of a request into its plan', async () => {
    const graph = {
      '1': { class_type: 'LoadImage', inputs: { image: 'photo.png' } },
      '2': { class_type: 'LoadImage', inputs: { image: 'logo.png' } },
      '3': { class_type: 'ImageAddNoise', inputs: { image: ['1', 0], seed: 1, strength: 0.1 } },
      '4': { class_type: 'SaveImage', inputs: { images: ['3', 0], filename_prefix: 'x' } },
      '5': { class_type: 'MaskToImage', inputs: { mask: ['1', 1] } },
      '6': { class_type: 'SaveImage', inputs: { images: ['5', 0], filename_prefix: 'm' } },
    };
    const text = `
name: t
inputs:
  photo: { node: 1, field: image, required: true }
  other: { node: 2, field: image }
  logo: { node: 2, field: image }
  strength: { node: 3, field: strength }
references: [photo, other]
named: { logo: logo }
masks: { garment: 6 }
expect: { people: 1, strength: { input: strength } }
seed: { node: 3, field: seed }
output: 4
`;
    const { bindings } = parseBindings(text, { graph, source: 't.template.yaml' });
    const policy = {
      policy: 'p',
      gates: [],
      rank: {},
      diversity: { minDistance: 0 },
      deliverReview: false,
      params: {},
    };
    await storage.put(keys.release('abc'), JSON.stringify({ id: 'sha256:abc', graph, bindings, policy }));
    const inputs = { photo: { image: FACE, extension: '.jpg' }, logo: { image: LOGO } };
    const asked: Partial<RequestDoc> = { request: 'r1', tenant: 'acme', release: 'sha256:abc', inputs, seed: 1 };
    await storage.put(keys.request('acme', 'r1'), JSON.stringify({ ...asked, deliver: 1, candidates: 2 }));

    const activities = createPrepareActivities({ storage, scorers: builtInScorers, allowNodes: [] });
    await activities.prepare({ tenant: 'acme', request: 'r1' });
    const plan = JSON.parse((await storage.get(keys.plan('acme', 'r1')))?.body.toString() ?? '') as PlanDoc;
    expect(plan).toMatchObject({
      references: [FACE], // `other` is not given: of it there is only a name
      named: { logo: LOGO },
      masks: { garment: '6' },
      expect: { people: 1, strength: 0.1 },
      output: ['4'],
      // for rules: a photo by what it shows
      inputs: { photo: FACE, logo: LOGO, strength: 0.1 },
    });
  });

  it('is read once for all candidates, but for the masks, which are their own', async () => {
    let reads: string[] = [];
    const counting: Storage = {
      ...storage,
      description: storage.description,
      get: (key) => {
        reads.push(key);
        return storage.get(key);
      },
    };
    await storage.put(keys.input('acme', FACE), 'face');
    await storage.put(keys.input('acme', LOGO), 'logo');
    const plan = { references: [FACE], named: { logo: LOGO }, expect: { people: 1 } } as unknown as PlanDoc;
    const recordOf = async (n: number) => {
      const key = keys.file('acme', 'r1', n, { n: 1, mask: 'garment', extension: 'png' });
      await storage.put(key, `mask ${n}`);
      const about = { kind: 'image', contentType: 'image/png', bytes: 6, sha256: '' } as const;
      return {
        files: [
          { key, ...about, mask: 'garment' },
          { key: 'a.mp4', ...about },
        ],
      };
    };
    const compared = createComparedReader(counting);
    const first = await compared('acme', { plan, record: await recordOf(1) });
    expect(first.references?.map(String)).toEqual(['face']);
    expect(Object.entries(first.named ?? {}).map(([name, bytes]) => [name, String(bytes)])).toEqual([['logo', 'logo']]);
    expect(String(first.masks?.['garment'])).toBe('mask 1');
    expect(first.expect).toEqual({ people: 1 });
    reads = [];
    const second = await compared('acme', { plan, record: await recordOf(2) });
    expect(String(second.masks?.['garment'])).toBe('mask 2');
    expect(second.references?.map(String)).toEqual(['face']);
    expect(reads).toEqual([keys.file('acme', 'r1', 2, { n: 1, mask: 'garment', extension: 'png' })]);
    // The same hash of another tenant is another input.
    await expect(compared('other', { plan, record: {} })).rejects.toMatchObject({ code: 'STORAGE_MISSING' });
  });
});
