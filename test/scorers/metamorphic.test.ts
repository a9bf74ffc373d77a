/**
 * What must follow when a picture is changed in a known way, over all cheap scorers, on painted pictures and on photos: more damage reads as
 * more, and what is no damage (a mirror, another file format, an EXIF tag, more white around) changes nothing beyond a stated tolerance.
 */
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { paint, plan } from '../../sandbox/painter/index.js';
import type { Picture } from '../../scorers/frame.js';
import { builtInScorers } from '../../scorers/registry.js';
import { Unassessable, type Assessment } from '../../scorers/scorer.js';
import { draw, frameOf, noisy, toLight, toSrgb } from './synthetic.js';

type Raws = Record<string, number | string>;

const cheap = builtInScorers.filter(({ spec }) => spec.cost === 'cheap');

/** Raw value, or the reason why there is none, of every dimension of the cheap scorers. */
async function rawsOf(of: Uint8Array | Picture): Promise<Raws> {
  const frame = await frameOf(of);
  const raws: Raws = {};
  for (const scorer of cheap)
    try {
      const found = await scorer.assess(frame, { params: {} }, new AbortController().signal);
      for (const [id, one] of Object.entries(found)) raws[id] = one.status === 'ok' ? one.raw : reasonOf(one);
    } catch (error) {
      if (!(error instanceof Unassessable)) throw error;
      for (const id of Object.keys(scorer.spec.dimensions)) raws[id] = error.reason;
    }
  return raws;
}

const reasonOf = (one: Assessment): string => (one.status === 'unassessable' ? one.reason : one.status);

async function photo(number: number): Promise<Picture> {
  const file = new URL(`../../node_modules/@vladmandic/face-api/demo/sample${number}.jpg`, import.meta.url);
  const { data, info } = await sharp(fileURLToPath(file))
    .resize(512, 640, { fit: 'cover', kernel: 'lanczos3' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb: data };
}

async function painted(prompt: string): Promise<Picture> {
  const seed = Array.from({ length: 200 }, (_, i) => i).find((i) => !plan(prompt, i).labels.hasDefect) ?? 0;
  const { data, width, height } = await paint({ prompt, seed, width: 512, height: 512 });
  return { width, height, rgb: data };
}

const MAKERS: Readonly<Record<string, () => Promise<Picture>>> = {
  'a painted mug': () => painted('product photo of a red mug on a white background'),
  'a painted chair': () => painted('product photo of a blue chair on a white background'),
  'photo 1': () => photo(1),
  'photo 4': () => photo(4),
};
const names = Object.keys(MAKERS);
const pictures = new Map<string, Picture>();
const originals = new Map<string, Raws>();
beforeAll(async () => {
  for (const [name, make] of Object.entries(MAKERS)) {
    const picture = await make();
    pictures.set(name, picture);
    originals.set(name, await rawsOf(picture));
  }
}, 120_000);
const of = (name: string): Picture => pictures.get(name)!;
const before = (name: string): Raws => originals.get(name)!;

const encoded = ({ width, height, rgb }: Picture) => sharp(rgb, { raw: { width, height, channels: 3 } });

/** How far a value may move: a share of itself plus a number in its unit. */
interface Room {
  share?: number;
  plus?: number;
}

function expectNear(found: Raws, wanted: Raws, room: (id: string) => Room | undefined): void {
  const moved: string[] = [];
  for (const [id, value] of Object.entries(wanted)) {
    const allowed = room(id);
    if (allowed === undefined) continue;
    const now = found[id];
    const isNear =
      typeof value === 'number' && typeof now === 'number'
        ? Math.abs(now - value) <= (allowed.share ?? 0) * Math.abs(value) + (allowed.plus ?? 0)
        : now === value;
    if (!isNear) moved.push(`${id}: ${value} -> ${now}`);
  }
  expect(moved).toEqual([]);
}

describe('the same pixels give the same scores, bit for bit', () => {
  it.each(names)('%s as lossless WebP', async (name) => {
    expect(await rawsOf(await encoded(of(name)).webp({ lossless: true }).toBuffer())).toEqual(before(name));
  });

  /** Where the stored pixel (column, row) of an EXIF orientation comes from in the upright picture of w x h (TIFF 6.0, tag 274). */
  const SOURCES: Readonly<Record<number, (c: number, r: number, w: number, h: number) => [number, number]>> = {
    1: (c, r) => [c, r],
    2: (c, r, w) => [w - 1 - c, r],
    3: (c, r, w, h) => [w - 1 - c, h - 1 - r],
    4: (c, r, _w, h) => [c, h - 1 - r],
    5: (c, r) => [r, c],
    6: (c, r, w) => [w - 1 - r, c],
    7: (c, r, w, h) => [w - 1 - r, h - 1 - c],
    8: (c, r, _w, h) => [r, h - 1 - c],
  };
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('stored with EXIF orientation %d', async (orientation) => {
    const { width, height, rgb } = of('photo 1');
    const isTurned = orientation >= 5;
    const source = SOURCES[orientation]!;
    const stored = draw(isTurned ? height : width, isTurned ? width : height, (c, r) => {
      const [x, y] = source(c, r, width, height);
      const at = 3 * (y * width + x);
      return [rgb[at]!, rgb[at + 1]!, rgb[at + 2]!];
    });
    const file = await encoded(stored).withMetadata({ orientation }).webp({ lossless: true }).toBuffer();
    expect(await rawsOf(file)).toEqual(before('photo 1'));
  });
});

describe('mirroring', () => {
  /** What the mirror may change: the hash is of one handedness; ties between neighbours are broken from the left. */
  const ROOM: Readonly<Record<string, Room | undefined>> = {
    'fingerprint.phash': undefined,
    'sharpness.edgeBlur': { plus: 0.12 },
    'sharpness.subjectEdgeBlur': { plus: 0.12 },
    'sharpness.tileP90': { share: 0.03 },
    'sharpness.subjectTileP90': { share: 0.1 },
    'composition.horizonTilt': { plus: 0.6 },
    'colourCast.neutral': { plus: 0.1 },
    'colourCast.greyWorld': { plus: 0.1 },
    'background.dirt': { share: 0.05, plus: 0.1 },
    'artifacts.seams': { plus: 0.04 },
    'artifacts.tiledRepeat': { plus: 0.05 },
    'artifacts.frozenNoise': { plus: 0.03 },
    'compression.blockiness': { share: 0.02 },
    'noise.sigma': { share: 0.02, plus: 0.02 },
  };
  it.each(names)('of %s changes nothing but the hash', async (name) => {
    const mirrored = await encoded(of(name)).flop().png({ compressionLevel: 1 }).toBuffer();
    expectNear(await rawsOf(mirrored), before(name), (id) => (id in ROOM ? ROOM[id] : { share: 0.01, plus: 0.005 }));
  });
});

describe('JPEG of quality 95', () => {
  /** What its rounding may change, by dimension; every other one 2 % and 0.01. */
  const ROOM: Readonly<Record<string, Room | undefined>> = {
    'fingerprint.phash': { plus: 4 },
    'noise.sigma': { plus: 0.7 },
    'sharpness.tileP90': { share: 0.1, plus: 5 },
    'sharpness.subjectTileP90': { share: 0.1, plus: 5 },
    'sharpness.edgeBlur': { plus: 0.2 },
    'sharpness.subjectEdgeBlur': { plus: 0.2 },
    'compression.blockiness': { plus: 0.2 },
    'compression.banding': { plus: 0.1 },
    'contrast.entropy': { plus: 0.8 },
    'exposure.clippedShare': { plus: 0.02 },
    'exposure.dynamicRange': { plus: 4 },
    'colourCast.neutral': { plus: 0.8 },
    'colourCast.greyWorld': { plus: 0.8 },
    'background.whiteShare': { plus: 0.02 },
    'background.dirt': { share: 0.1, plus: 0.5 },
    'background.tint': { plus: 0.3 },
    'artifacts.seams': { plus: 0.05 },
    'artifacts.tiledRepeat': { plus: 0.03 },
    'composition.horizonTilt': { plus: 0.6 },
    // strict counts of pure white are what a JPEG destroys
    'productBackground.pureWhite': undefined,
    'productBackground.nearWhite': undefined,
  };
  it.each(names)('of %s reads within the stated tolerance', async (name) => {
    const file = await encoded(of(name)).jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer();
    expectNear(await rawsOf(file), before(name), (id) => (id in ROOM ? ROOM[id] : { share: 0.02, plus: 0.02 }));
  });
});

describe('white padding of a product on white', () => {
  const SAME: Readonly<Record<string, Room>> = {
    'background.tint': { plus: 0.2 },
    'background.stopsBelowWhite': { plus: 0.02 },
    'exposure.clippedShare': { plus: 0.02 },
    'exposure.darkTone': { plus: 0.02 },
    'exposure.midTone': { plus: 0.02 },
    'exposure.brightTone': { plus: 0.03 },
    'exposure.blackShare': { plus: 0.01 },
    'composition.centre': { plus: 0.01 },
    'composition.edgeCut': {},
    'compression.quantiser': {},
    'artifacts.halfGrey': {},
  };
  it.each(names.slice(0, 2))('leaves the tones and the background of %s', async (name) => {
    const side = { top: 64, bottom: 64, left: 64, right: 64, background: '#ffffff' };
    const padded = await encoded(of(name)).extend(side).png({ compressionLevel: 1 }).toBuffer();
    expectNear(await rawsOf(padded), before(name), (id) => SAME[id]);
  });
});

describe('graded damage reads as more, step by step', () => {
  const blurred = (sigma: number) => (picture: Picture) =>
    sigma === 0 ? Promise.resolve(picture) : encoded(picture).blur(sigma).png({ compressionLevel: 1 }).toBuffer();
  const perChannel = (change: (level: number, channel: number) => number) => (picture: Picture) =>
    Promise.resolve({ ...picture, rgb: picture.rgb.map((v, i) => Math.round(change(v, i % 3))) });
  const stops = (n: number) => perChannel((v) => toSrgb(Math.min(1, toLight(v) * 2 ** n)));
  const tint = (n: number) =>
    perChannel((v, channel) => v * (channel === 2 ? 1 - 0.05 * n : channel === 1 ? 1 - 0.02 * n : 1));
  const cropped = (share: number) => (picture: Picture) => {
    const left = Math.round(share * picture.width);
    return encoded(picture)
      .extract({ left, top: 0, width: picture.width - left, height: picture.height })
      .png({ compressionLevel: 1 })
      .toBuffer();
  };
  type Change = (n: number) => (picture: Picture) => Promise<Uint8Array | Picture>;
  const grain: Change = (sigma) => (picture) => Promise.resolve(sigma === 0 ? picture : noisy(picture, sigma));
  const encodedAt: Change = (quality) => (picture) =>
    encoded(picture).jpeg({ quality, chromaSubsampling: '4:2:0' }).toBuffer();

  interface Grade {
    change: Change;
    steps: readonly number[];
    rising?: readonly string[];
    falling?: readonly string[];
    on: readonly string[];
  }
  const GRADES: Readonly<Record<string, Grade>> = {
    blur: {
      change: blurred,
      steps: [0, 1, 2, 4],
      falling: ['sharpness.tileP90', 'sharpness.subjectTileP90'],
      on: names.slice(0, 2),
    },
    'blur of photos': { change: blurred, steps: [0, 1, 2, 4], falling: ['sharpness.tileP90'], on: names.slice(2) },
    'wide blur': { change: blurred, steps: [1.5, 2.5, 4], rising: ['sharpness.edgeBlur'], on: names },
    noise: { change: grain, steps: [0, 4, 8, 16], rising: ['noise.sigma', 'artifacts.frozenNoise'], on: names },
    underexposure: {
      change: (n) => stops(-n),
      steps: [0, 0.7, 1.5, 2.5],
      rising: ['background.stopsBelowWhite'],
      falling: ['exposure.midTone', 'exposure.brightTone'],
      on: names.slice(0, 2),
    },
    'underexposure of photos': {
      change: (n) => stops(-n),
      steps: [0, 0.7, 1.5, 2.5],
      falling: ['contrast.rms', 'exposure.dynamicRange', 'contrast.entropy'],
      on: names.slice(2),
    },
    tint: { change: tint, steps: [0, 1, 2], rising: ['background.tint'], on: names.slice(0, 2) },
    'tint of photos': { change: tint, steps: [0, 1.5, 3], rising: ['colourCast.greyWorld'], on: names.slice(2) },
    crop: { change: cropped, steps: [0, 0.42, 0.5], rising: ['composition.edgeCut'], on: names.slice(0, 1) },
    JPEG: { change: encodedAt, steps: [90, 40, 12], rising: ['compression.blockiness'], on: names },
  };

  it.each(
    Object.entries(GRADES).flatMap(([name, grade]) => grade.on.map((picture) => [name, picture, grade] as const)),
  )('%s, %s', async (_name, picture, { change, steps, rising = [], falling = [] }) => {
    const reads: Raws[] = [];
    for (const step of steps) reads.push(await rawsOf(await change(step)(of(picture))));
    for (const [ids, sign] of [
      [rising, 1],
      [falling, -1],
    ] as const)
      for (const id of ids) {
        const values = reads.map((raws) => raws[id]);
        expect(
          values.every((v) => typeof v === 'number'),
          `${id}: ${values.join(', ')}`,
        ).toBe(true);
        const isMonotone = values.every((v, k) => k === 0 || sign * ((v as number) - (values[k - 1] as number)) > 0);
        expect(isMonotone, `${id}: ${values.join(', ')}`).toBe(true);
      }
  });
});
