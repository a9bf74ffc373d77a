/**
 * How well a garment is found without a mask, and what that does to the gates of examples/policies/garment.yaml: intersection over union with the
 * known mask, precision and recall with the mask and without, on the held-out garments and seeds.
 *
 *   npm run bench:garment [-- --json]
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { readPolicy } from '../../cli/release.js';
import { writeGarments } from '../../cli/demo-photos.js';
import { alter } from '../../sandbox/photos/index.js';
import { decodeFrame, type Frame } from '../../scorers/frame.js';
import { openModels } from '../../scorers/models/sessions.js';
import { unlessUnassessable, Unassessable } from '../../scorers/scorer.js';
import { garment } from '../../scorers/useCase/garment.js';
import { garmentOf, maskRegion } from '../../scorers/useCase/garment-region.js';
import { judge } from '../../selection/judge.js';
import type { Scores } from '../../selection/types.js';
import { pulledModels } from '../support/models.js';
import { BACKDROPS, figure, sharedOver } from '../support/worn-garments.js';
import { figuresOf, type Judged } from './accuracy/figures.js';
import { openJobs, RANGES } from './accuracy/jobs.js';

const COUNT = 48;
const CROWDED = 8;
const PROMPT = 'the garment worn by a person, soft light';

const models = openModels({ folder: await pulledModels() });
const open = async (bytes: Uint8Array): Promise<Frame> => {
  const decoded = await decodeFrame(bytes, { models });
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.frame;
};
const { garments, seeds } = RANGES.heldOut;
const seed = seeds.from + 700_000;
const folder = await mkdtemp(join(tmpdir(), 'cull-garment-'));
try {
  const job = (await openJobs(folder, RANGES.heldOut)).find(({ name }) => name === 'garment');
  if (job === undefined) throw new Error('there is no garment job');
  const alone = new Map((await writeGarments(folder)).map((one) => [one.name, one.garment ?? '']));
  const policy = await readPolicy('examples/policies/garment.yaml', []);
  const own = { ...policy, gates: policy.gates.filter(({ id }) => id.startsWith('garment.')) };
  const gates = Object.fromEntries(Object.entries(job.gates).filter(([id]) => id.startsWith('garment.')));

  const shared: Record<string, number[]> = {};
  const judged: Record<'mask' | 'none', Judged[]> = { mask: [], none: [] };
  for (let n = 0; n < COUNT; n++) {
    const name = garments[n % garments.length] ?? '';
    const worn = await figure(name, BACKDROPS[Math.floor(n / garments.length) % BACKDROPS.length] ?? '');
    const { data, width, height, labels } = await alter({ photo: worn.photo, prompt: PROMPT, seed: seed + n });
    const frame = await open(
      await sharp(data, { raw: { width, height, channels: 3 } })
        .png()
        .toBuffer(),
    );
    const mask = await open(worn.mask);
    const region = await unlessUnassessable(() => garmentOf(frame, { params: {} }));
    const list = (shared[name] ??= []);
    list.push(region instanceof Unassessable ? 0 : sharedOver(region, maskRegion(frame, mask)));
    const references = [await open(await readFile(alone.get(name) ?? ''))];
    for (const [way, masks] of [
      ['mask', { garment: mask }],
      ['none', {}],
    ] as const) {
      const scores = await unlessUnassessable(() =>
        garment.assess(frame, { references, masks, params: {} }, new AbortController().signal),
      );
      const scorer = `${garment.spec.id}@${garment.spec.version}`;
      const known = Object.fromEntries(
        Object.keys(garment.spec.dimensions).map((id) => [
          id,
          { ...((scores instanceof Unassessable ? scores.assessment : scores[id]) ?? { status: 'notRun' }), scorer },
        ]),
      ) as Scores;
      const verdict = judge(known, own);
      const blind = own.gates.filter(({ id }) => known[id]?.status !== 'ok').map(({ id }) => id);
      // what cannot be told is counted as such, not as a rejection
      const failed = verdict.pass ? [] : verdict.failed.map(({ gate }) => gate).filter((id) => !blind.includes(id));
      judged[way].push({ n, labels: labels.defects, failed, failedWithout: [], unassessable: blind });
    }
  }
  let unassessable = 0;
  for (let n = 0; n < CROWDED; n++) {
    const frame = await open((await job.draw(n)).task.bytes);
    if ((await unlessUnassessable(() => garmentOf(frame, { params: {} }))) instanceof Unassessable) unassessable++;
  }

  const summary = Object.entries(shared).map(([name, values]) => {
    const sorted = values.toSorted((a, b) => a - b);
    return { garment: name, n: sorted.length, least: sorted[0], median: sorted[sorted.length >> 1] };
  });
  const report = {
    bench: 'garment',
    intersectionOverUnion: summary,
    withMask: figuresOf(judged.mask, gates),
    withoutMask: figuresOf(judged.none, gates),
    crowded: { pictures: CROWDED, unassessable },
  };
  if (process.argv.includes('--json')) console.log(JSON.stringify(report, null, 2));
  else {
    console.table(summary);
    for (const way of ['withMask', 'withoutMask'] as const) {
      const { gates: rows, precision, recall } = report[way];
      console.log(`${way}: precision ${precision.hit}/${precision.of}, recall ${recall.hit}/${recall.of}`);
      for (const row of rows)
        console.log(
          `  ${row.gate}: precision ${row.precision.hit}/${row.precision.of}, recall ${row.recall.hit}/${row.recall.of}, could not tell ${row.unassessable}`,
        );
    }
    console.log(`crowded photos of the garment job: ${unassessable} of ${CROWDED} unassessable`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
