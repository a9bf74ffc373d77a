/** Identity on real faces: each against altered copies of itself, and against the others. */
import sharp from 'sharp';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { mainEmbedding } from '../../../scorers/faces/embedding.js';
import { dot } from '../../../scorers/vectors.js';
import { Unassessable, unlessUnassessable } from '../../../scorers/scorer.js';
import type { Models } from '../../../scorers/models/models.js';
import { identity } from '../../../scorers/useCase/identity.js';
import { assess, draw, png as pngOf } from '../synthetic.js';
import { areaUnderCurve, exposed, faceModels, frameWith, portraits, PROFILE, type Portrait } from './photos.js';

/** What may happen to a photo between the reference and the candidate. */
const CHANGES: Record<string, (png: Buffer) => Promise<Buffer>> = {
  'one stop darker': (one) => exposed(one, -1),
  'half a stop brighter': (one) => exposed(one, 0.5),
  'JPEG 40': (one) => sharp(one).jpeg({ quality: 40 }).toBuffer(),
  'blurred by 1.5 px': (one) => sharp(one).blur(1.5).png().toBuffer(),
  'cropped to three quarters': async (one) => {
    const { width, height } = await sharp(one).metadata();
    const part = { left: 0.12 * width, top: 0.1 * height, width: 0.75 * width, height: 0.8 * height };
    return sharp(one)
      .extract({
        left: Math.round(part.left),
        top: Math.round(part.top),
        width: Math.round(part.width),
        height: Math.round(part.height),
      })
      .png()
      .toBuffer();
  },
  'turned by 8 degrees': (one) => sharp(one).rotate(8, { background: '#808080' }).png().toBuffer(),
  'half the size': async (one) => {
    const { width } = await sharp(one).metadata();
    return sharp(one)
      .resize(Math.round(width / 2))
      .png()
      .toBuffer();
  },
  mirrored: (one) => sharp(one).flop().png().toBuffer(),
};

// dozens of pictures through five networks
vi.setConfig({ testTimeout: 300_000 });

let models: Models;
let cut: Portrait[];
beforeAll(async () => {
  models = await faceModels();
  cut = await portraits(models);
}, 300_000);

describe('identity', () => {
  it('parses same from different', async () => {
    const own = await Promise.all(cut.map(({ frame }) => frame.derive(mainEmbedding)));
    const genuine: number[] = [];
    const profile: number[] = [];
    let lost = 0;
    for (const change of Object.values(CHANGES))
      for (const [i, { png, id }] of cut.entries()) {
        const changed = await frameWith(models, await change(png));
        const found = await unlessUnassessable(() => mainEmbedding(changed));
        if (found instanceof Unassessable) lost++;
        else (id === PROFILE ? profile : genuine).push(dot(own[i]!, found));
      }
    const impostors: number[] = [];
    const sameRoom: number[] = [];
    for (let i = 0; i < cut.length; i++)
      for (let j = i + 1; j < cut.length; j++) {
        const value = dot(own[i]!, own[j]!);
        impostors.push(value);
        // two faces of one photo are two people for certain; across photos nobody has labelled them
        if (cut[i]!.photo === cut[j]!.photo) sameRoom.push(value);
      }
    const altered = [...genuine, ...profile];
    const [all, within] = [areaUnderCurve(altered, impostors), areaUnderCurve(altered, sameRoom)];
    console.log(
      `identity: ${altered.length} altered copies (${lost} without a face), lowest ${Math.min(...genuine).toFixed(3)}, of the profile ${Math.min(...profile).toFixed(3)}; ` +
        `${impostors.length} pairs of different faces, highest ${Math.max(...impostors).toFixed(3)}; AUC ${all.toFixed(4)}, ` +
        `${sameRoom.length} pairs of one photo: highest ${Math.max(...sameRoom).toFixed(3)}, AUC ${within.toFixed(4)}`,
    );
    expect(lost).toBeLessThanOrEqual(0.03 * (altered.length + lost));
    expect(all).toBeGreaterThanOrEqual(0.99);
    expect(within).toBeGreaterThanOrEqual(0.99);
  });

  it('takes the best and the mean of several references, and leaves out those without a face', async () => {
    const [one, other] = [cut.find(({ id }) => id === '6.0')!, cut.find(({ id }) => id === '6.1')!];
    const empty = await frameWith(models, await pngOf(draw(200, 200, () => [90, 120, 90])));
    const copy = await frameWith(models, await CHANGES['JPEG 40']!(one.png));
    const found = await assess(identity, copy, { references: [other.frame, empty, one.frame] });
    const [best, mean] = [found['identity.best'], found['identity.mean']];
    if (best?.status !== 'ok' || mean?.status !== 'ok') throw new Error(JSON.stringify(found));
    expect(best.raw).toBeGreaterThan(0.9);
    expect(best.quality).toBeGreaterThan(95);
    expect(best.facts).toMatchObject({ references: 3 });
    const [low, high] = best.facts!['cosines'] as [number, number];
    expect(best.raw).toBeCloseTo(high, 2);
    expect(mean.raw).toBeCloseTo((low + high) / 2, 2);
    expect(low).toBeLessThan(0.634);
  });

  it('cannot tell without a reference, without a face in it, and without a face in the picture', async () => {
    const { frame } = cut[0]!;
    const empty = await frameWith(models, await pngOf(draw(200, 200, () => [90, 120, 90])));
    const reason = async (found: Promise<Record<string, unknown>>) => (await found)['identity.best'];
    expect(await reason(assess(identity, frame))).toMatchObject({ status: 'unassessable', reason: 'no-reference' });
    expect(await reason(assess(identity, frame, { references: [empty] }))).toMatchObject({ reason: 'no-reference' });
    expect(await reason(assess(identity, empty, { references: [frame] }))).toMatchObject({ reason: 'no-face' });
  });
});
