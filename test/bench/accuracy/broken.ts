/** The pictures that generic.yaml is measured on: painted scenes and crops of photos, every second one broken in a known way. */
import sharp, { type Sharp } from 'sharp';
import { BACKGROUNDS, COLOURS, OBJECTS, paint } from '../../../sandbox/painter/index.js';
import { normalTable, stream, type Random } from '../../../sandbox/painter/random.js';
import { photo } from '../../support/photos.js';
import type { Job, Label } from './jobs.js';

const SIDE = 512;
const PHOTOS = [1, 2, 3, 4, 5, 6] as const;
/** Share of sources that are photos. */
const FROM_PHOTOS = 1 / 3;

interface Raster {
  data: Buffer;
  width: number;
  height: number;
}

type Break = (whole: Raster, random: Random) => Promise<Raster>;

const BREAKS: Readonly<Record<string, Break>> = {
  /** One tone, from dark grey to white, at most a little grain. */
  blank: (whole, random) => {
    const tone = [0, 1, 2].map(() => random.between(20, 255));
    return Promise.resolve(grained(filled(whole, tone), random.between(0, 0.8), random));
  },
  /** What a decoder gives for numbers that are none. */
  black: (whole, random) => Promise.resolve(grained(filled(whole, [0, 0, 0]), random.between(0, 0.8), random)),
  /** A latent that was never denoised: cells of 8 px or single pixels of noise, in colour. */
  frozenNoise: async ({ width, height }, random) => {
    const cell = random.pick([1, 4, 8]);
    const size = { width: Math.ceil(width / cell), height: Math.ceil(height / cell) };
    const grey = { ...size, data: Buffer.alloc(3 * size.width * size.height, 128) };
    const noise = grained(grey, random.between(25, 60), random);
    return rasterOf(image(noise).resize(width, height, { fit: 'fill', kernel: 'cubic' }));
  },
  /** Two to four copies side by side, each with grain of its own. */
  tiledRepeat: async (whole, random) => {
    const { width, height } = whole;
    const copies = random.pick([2, 3, 4]);
    const across = random.chance(0.5);
    const size = across ? { width: Math.ceil(width / copies), height } : { width, height: Math.ceil(height / copies) };
    const one = await rasterOf(image(whole).resize(size.width, size.height, { fit: 'fill' }));
    const tiled = Buffer.alloc(whole.data.length);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const from = 3 * ((y % one.height) * one.width + (x % one.width));
        one.data.copy(tiled, 3 * (y * width + x), from, from + 3);
      }
    return grained({ width, height, data: tiled }, random.between(0, 4), random);
  },
  /** Tones beyond a straight line jump by 10 to 30 levels, from side to side. */
  seam: ({ width, height, data }, random) => {
    const [across, at] = [random.chance(0.5), random.between(0.2, 0.8)];
    const lift = random.between(10, 30) * (random.chance(0.5) ? 1 : -1);
    const out = Buffer.from(data);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if ((across ? x / width : y / height) >= at)
          for (let p = 3 * (y * width + x), end = p + 3; p < end; p++) out[p] = clipped((out[p] as number) + lift);
    return Promise.resolve({ width, height, data: out });
  },
  /** A truncated file: grey or black from a row or a column on, 10 to 70 % of the picture. */
  halfGrey: ({ width, height, data }, random) => {
    const [across, missing] = [random.chance(0.3), random.between(0.1, 0.7)];
    const tone = random.pick([128, 128, 0]);
    const out = Buffer.from(data);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        if ((across ? x / width : y / height) >= 1 - missing)
          out.fill(tone, 3 * (y * width + x), 3 * (y * width + x) + 3);
    return Promise.resolve({ width, height, data: out });
  },
};

/** Gates of the policy, then what is measured without one, at the middle of its map to quality. */
const GATES: Job['gates'] = {
  'exposure.dynamicRange': ['blank', 'black'],
  'exposure.blackShare': ['black'],
  'artifacts.blank': ['blank', 'black'],
  'artifacts.tiledRepeat': ['tiledRepeat'],
  'artifacts.halfGrey': ['halfGrey'],
  'artifacts.frozenNoise': ['frozenNoise'],
  'artifacts.seams': ['seam'],
};
const WITHOUT_GATE = { 'artifacts.frozenNoise': 0.85, 'artifacts.seams': 0.6 };

/** `from`: the first seed. */
export function brokenJob(from: number): Job {
  const kinds = Object.keys(BREAKS);
  return {
    name: 'generic',
    source:
      'scenes of the painter on all its backgrounds, with its own defects, and, one in three, crops of the photos of @vladmandic/face-api, ' +
      'half of them mirrored; every second picture is broken',
    gates: GATES,
    withoutGate: WITHOUT_GATE,
    async draw(n) {
      const random = stream(`broken|${from + n}`);
      const whole = await source(n, { from, random });
      const broken = n % 2 === 1 ? kinds[Math.floor(n / 2) % kinds.length] : undefined;
      const shown = broken === undefined ? whole : await (BREAKS[broken] as Break)(whole, random);
      const bytes = await image(shown).png({ compressionLevel: 2 }).toBuffer();
      const label = (kind: string): Label => {
        const present = kind === broken;
        return { present, strength: present ? 1 : 0, threshold: 1 };
      };
      return { task: { bytes }, labels: Object.fromEntries(kinds.map((kind) => [kind, label(kind)])) };
    },
  };
}

async function source(n: number, { from, random }: { from: number; random: Random }): Promise<Raster> {
  if (random.chance(FROM_PHOTOS)) return crop(await photo(random.pick(PHOTOS)), random);
  const at = from + n;
  const [colours, backgrounds] = [Object.keys(COLOURS), Object.keys(BACKGROUNDS)];
  const prompt = `a ${colours[at % colours.length]} ${OBJECTS[at % OBJECTS.length]} on a ${backgrounds[Math.floor(at / 3) % backgrounds.length]} background`;
  // a scene without its subject is blank, whatever was done to it
  for (let seed = at; ; seed += 1_000_000) {
    const { data, width, height, labels } = await paint({ prompt, seed, width: SIDE, height: SIDE });
    if (!labels.defects.missingSubject.present) return { data, width, height };
  }
}

/** Some part of a photo, at least half as high, mirrored half the time. */
async function crop(bytes: Buffer, random: Random): Promise<Raster> {
  const { width: w, height: h } = await sharp(bytes).metadata();
  const side = Math.floor(h * random.between(0.5, 1));
  const [left, top] = [Math.floor((w - side) * random.next()), Math.floor((h - side) * random.next())];
  const part = sharp(bytes).extract({ left, top, width: side, height: side }).resize(SIDE, SIDE);
  return rasterOf(random.chance(0.5) ? part.flop() : part);
}

const clipped = (level: number): number => Math.min(255, Math.max(0, Math.round(level)));

const image = ({ data, width, height }: Raster): Sharp => sharp(data, { raw: { width, height, channels: 3 } });

async function rasterOf(of: Sharp): Promise<Raster> {
  const { data, info } = await of.raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

function filled({ width, height }: Raster, tone: readonly number[]): Raster {
  return { width, height, data: Buffer.from(Uint8Array.from({ length: 3 * width * height }, (_, i) => clipped(tone[i % 3] as number))) }; // prettier-ignore
}

function grained({ width, height, data }: Raster, sigma: number, random: Random): Raster {
  const normal = normalTable();
  return { width, height, data: Buffer.from(data.map((v) => clipped(v + sigma * (normal[random.u32() >>> 16] as number)))) }; // prettier-ignore
}
