/** The headshot scorers on real faces: graded damage moves them one way, and they say why they cannot tell. */
import sharp from 'sharp';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { facesOf, mainFace } from '../../../scorers/faces/faces.js';
import { distance } from '../../../scorers/image/geometry.js';
import type { Models } from '../../../scorers/models/models.js';
import type { Scorer } from '../../../scorers/scorer.js';
import { expression } from '../../../scorers/useCase/expression.js';
import { eyes } from '../../../scorers/useCase/eyes.js';
import { faceGeometry } from '../../../scorers/useCase/faceGeometry.js';
import { faceLight } from '../../../scorers/useCase/faceLight.js';
import { faces } from '../../../scorers/useCase/faces.js';
import { faceSharpness } from '../../../scorers/useCase/faceSharpness.js';
import { gaze } from '../../../scorers/useCase/gaze.js';
import { mouth } from '../../../scorers/useCase/mouth.js';
import { naturalColour } from '../../../scorers/useCase/naturalColour.js';
import { pose } from '../../../scorers/useCase/pose.js';
import { assess, draw, png as pngOf, rawOf } from '../synthetic.js';
import { areaUnderCurve, exposed, faceModels, frameWith, photo, PROFILE, portraits, type Portrait } from './photos.js';

const scorers = [faces, faceGeometry, eyes, gaze, pose, mouth, expression, faceSharpness, faceLight, naturalColour];
// dozens of pictures through five networks
vi.setConfig({ testTimeout: 300_000 });

let models: Models;
let cut: Portrait[];
beforeAll(async () => {
  models = await faceModels();
  cut = await portraits(models);
}, 300_000);

const reading = async (scorer: Scorer, dimension: string, bytes: Buffer): Promise<number> =>
  rawOf(scorer, dimension, await frameWith(models, bytes));
const of = (id: string): Portrait => cut.find((one) => one.id === id)!;

describe('all headshot scorers', () => {
  it('answer in range for every face', async () => {
    for (const { id, frame } of cut)
      for (const scorer of scorers)
        for (const [dimension, found] of Object.entries(await assess(scorer, frame))) {
          if (found.status === 'unassessable') continue;
          if (found.status !== 'ok') throw new Error(`${id} ${dimension} ${JSON.stringify(found)}`);
          const [low, high] = scorer.spec.dimensions[dimension]!.range;
          expect(found.raw, dimension).toBeGreaterThanOrEqual(low);
          expect(found.raw, dimension).toBeLessThanOrEqual(high);
          expect(found.quality).toBeGreaterThanOrEqual(0);
          expect(found.quality).toBeLessThanOrEqual(100);
        }
  });

  it('say no-face where there is none; only the count is known', async () => {
    const empty = await frameWith(models, await pngOf(draw(256, 256, () => [128, 128, 128])));
    for (const scorer of scorers)
      for (const [dimension, found] of Object.entries(await assess(scorer, empty)))
        if (dimension === 'faces.count') expect(found).toMatchObject({ status: 'ok', raw: 0, quality: 0 });
        else expect(found, dimension).toMatchObject({ status: 'unassessable', reason: 'no-face' });
  });

  it('give the same numbers twice', async () => {
    for (const { png } of [of('1.0'), of('5.3')])
      for (const scorer of scorers)
        expect(await assess(scorer, await frameWith(models, png))).toEqual(
          await assess(scorer, await frameWith(models, png)),
        );
  });
});

describe('faces', () => {
  it('tells one person from a second one beside', async () => {
    const alone = await assess(faces, of('6.0').frame);
    expect(alone).toMatchObject({
      'faces.count': { raw: 1, quality: 100 },
      'faces.second': { raw: 0, quality: 100 },
    });
    const three = await assess(faces, await frameWith(models, await photo(3)));
    expect(three).toMatchObject({ 'faces.count': { raw: 3, quality: 0 } });
    expect((three['faces.second'] as { raw: number }).raw).toBeGreaterThan(0.5);
  });
});

describe('faceGeometry', () => {
  it('is what the points say, and follows crop and size', async () => {
    const { png, frame } = of('6.0');
    const face = await frame.derive(mainFace);
    const { leftEye, rightEye, chin } = face.points;
    const t = distance([(leftEye[0] + rightEye[0]) / 2, (leftEye[1] + rightEye[1]) / 2], chin);
    expect(await rawOf(faceGeometry, 'faceGeometry.headSize', frame)).toBeCloseTo(t / frame.height, 9);
    expect(await rawOf(faceGeometry, 'faceGeometry.left', frame)).toBeCloseTo(
      leftEye[0] / distance(leftEye, rightEye),
      9,
    );
    const eyeDistance = await rawOf(faceGeometry, 'faceGeometry.interEyeDistance', frame);
    const double = await sharp(png)
      .resize(frame.width * 2)
      .png()
      .toBuffer();
    expect((await reading(faceGeometry, 'faceGeometry.interEyeDistance', double)) / eyeDistance).toBeCloseTo(2, 1);
    const off = Math.round(leftEye[0] - 0.7 * distance(leftEye, rightEye));
    const cropped = await sharp(png)
      .extract({ left: off, top: 0, width: frame.width - off, height: frame.height })
      .png()
      .toBuffer();
    expect(Math.abs((await reading(faceGeometry, 'faceGeometry.left', cropped)) - 0.7)).toBeLessThan(0.06);
  });

  it('exchanges left and right in a mirror', async () => {
    const { png, frame } = of('5.4');
    const mirrored = await sharp(png).flop().png().toBuffer();
    expect(
      Math.abs(
        (await reading(faceGeometry, 'faceGeometry.left', mirrored)) -
          (await rawOf(faceGeometry, 'faceGeometry.right', frame)),
      ),
    ).toBeLessThan(0.1);
  });
});

describe('faceSharpness', () => {
  it('falls with every step of blur, and little with a stop less light', async () => {
    const [sharpOnes, blurredOnes, stops]: number[][] = [[], [], []];
    for (const { id, png, frame } of cut.filter((one) => one.id !== PROFILE)) {
      const reads = [await rawOf(faceSharpness, 'faceSharpness.detail', frame)];
      for (const sigma of [0.8, 1.5, 3])
        reads.push(await reading(faceSharpness, 'faceSharpness.detail', await sharp(png).blur(sigma).png().toBuffer()));
      expect(reads, id).toEqual([...reads].sort((a, b) => b - a));
      sharpOnes!.push(reads[0]!);
      blurredOnes!.push(reads[3]!);
      stops!.push((await reading(faceSharpness, 'faceSharpness.detail', await exposed(png, -1))) / reads[0]!);
    }
    stops!.sort((a, b) => a - b);
    const median = stops![Math.floor(stops!.length / 2)]!;
    const auc = areaUnderCurve(sharpOnes!, blurredOnes!);
    console.log(
      `face sharpness: as shot ${Math.min(...sharpOnes!).toFixed(1)} and more, blurred by 3 px ${Math.max(...blurredOnes!).toFixed(1)} and less, AUC ${auc.toFixed(3)}; one stop darker reads x ${median.toFixed(2)}`,
    );
    expect(auc).toBeGreaterThan(0.97);
    expect(median).toBeGreaterThan(0.5);
  });

  it('does not judge a face of a few pixels', async () => {
    const { png, frame } = of('6.0');
    const small = await sharp(png)
      .resize(Math.round(frame.width / 4))
      .png()
      .toBuffer();
    expect(await assess(faceSharpness, await frameWith(models, small))).toMatchObject({
      'faceSharpness.detail': { status: 'unassessable', reason: 'too-small' },
    });
  });
});

describe('faceLight', () => {
  it('reads how much brighter one half of a face was made', async () => {
    for (const id of ['6.0', '6.2', '6.3']) {
      const { png, frame } = of(id);
      const middle = Math.round((await frame.derive(mainFace)).points.nose[0]);
      const signed = async (one: Buffer): Promise<number> => {
        const found = (await assess(faceLight, await frameWith(models, one)))['faceLight.balance'];
        if (found?.status !== 'ok') throw new Error(JSON.stringify(found));
        return found.facts!['brighter'] === 'left' ? found.raw : -found.raw;
      };
      const darker = await sharp(await exposed(png, -1))
        .extract({ left: middle, top: 0, width: frame.width - middle, height: frame.height })
        .png()
        .toBuffer();
      const split = await sharp(png)
        .composite([{ input: darker, left: middle, top: 0 }])
        .png()
        .toBuffer();
      expect(Math.abs((await signed(split)) - (await signed(png)) - 1), id).toBeLessThan(0.2);
      expect(await reading(faceLight, 'faceLight.uniformity', split), id).toBeLessThan(
        await reading(faceLight, 'faceLight.uniformity', png),
      );
    }
  });

  it('follows exposure', async () => {
    for (const { id, png } of cut.filter((one) => one.photo === 6)) {
      const reads = { mean: [] as number[], under: [] as number[], over: [] as number[] };
      for (const stops of [-3, -1.5, 0, 1.5]) {
        const one = await frameWith(models, await exposed(png, stops));
        for (const key of ['mean', 'under', 'over'] as const)
          reads[key].push(await rawOf(faceLight, `faceLight.${key}`, one));
      }
      expect(reads.mean, id).toEqual([...reads.mean].sort((a, b) => a - b));
      expect(reads.under, id).toEqual([...reads.under].sort((a, b) => b - a));
      expect(reads.over, id).toEqual([...reads.over].sort((a, b) => a - b));
      expect(reads.under[0]).toBeGreaterThan(0.8);
      expect(reads.over[3]).toBeGreaterThan(0.1);
    }
  });
});

describe('mouth and expression', () => {
  it('part smiles that show teeth from closed mouths', async () => {
    // by looking at them: mouths with a gap between the lips, and closed ones
    const [open, closed] = [
      ['1.1', '3.0', '3.1', '4.2', '5.3', '6.1'],
      ['1.2', '2.0', '4.0', '4.1', '5.1', '5.4', '6.0', '6.2', '6.3'],
    ] as const;
    const read = (ids: readonly string[]): Promise<number[]> =>
      Promise.all(ids.map((id) => rawOf(mouth, 'mouth.opening', of(id).frame)));
    expect(areaUnderCurve(await read(open), await read(closed))).toBe(1);
    const happy = (ids: readonly string[]): Promise<number[]> =>
      Promise.all(ids.map((id) => rawOf(expression, 'expression.happy', of(id).frame)));
    expect(areaUnderCurve(await happy(['1.1', '3.0', '3.1', '4.2', '6.1']), await happy(['2.2', '4.0', '6.3']))).toBe(
      1,
    );
  });
});

describe('gaze', () => {
  it('changes sides in a mirror', async () => {
    for (const id of ['3.0', '5.2', '6.1']) {
      const { png, frame } = of(id);
      const sideways = async (one: Record<string, unknown>): Promise<number> =>
        Promise.resolve((one['gaze.offset'] as { facts: { sideways: number } }).facts.sideways);
      const [a, b] = [
        await sideways(await assess(gaze, frame)),
        await sideways(await assess(gaze, await frameWith(models, await sharp(png).flop().png().toBuffer()))),
      ];
      expect(Math.abs(a + b), id).toBeLessThan(0.06);
    }
  });
});

it('a face beside is no main face', async () => {
  const found = await facesOf(await frameWith(models, await photo(5)));
  const areas = found.map(({ box }) => box.width * box.height);
  expect(areas).toEqual([...areas].sort((a, b) => b - a));
});
