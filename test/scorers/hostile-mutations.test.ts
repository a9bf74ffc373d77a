import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { besiege, type Siege } from './hostile.js';
import { drawings, subject } from './hostile-files.js';
import { mutated } from './mutations.js';

const PER_FORMAT = 25;
const ROOM = 600;
const picture = (): Sharp => sharp(subject.rgb, { raw: { width: 160, height: 160, channels: 3 } });
const FORMATS: Readonly<Record<string, () => Promise<Buffer>>> = {
  PNG: () => picture().png().toBuffer(),
  JPEG: () => picture().jpeg().toBuffer(),
  WebP: () => picture().webp().toBuffer(),
  GIF: () => picture().gif().toBuffer(),
  TIFF: () => picture().tiff({ compression: 'lzw' }).toBuffer(),
  AVIF: () => picture().avif({ effort: 0 }).toBuffer(),
  SVG: () => Promise.resolve(drawings('http://127.0.0.1:9')['a plain drawing']!),
  PNG16: () => picture().toColourspace('rgb16').png().toBuffer(),
};

let siege: Siege;
let rssBefore: number;
beforeAll(async () => {
  // without models: what they see is decoded already, and 400 pictures through all of them take minutes
  siege = await besiege({ models: { folder: 'no-models' } });
  rssBefore = process.resourceUsage().maxRSS;
});
afterAll(() => siege.close());

describe(`${PER_FORMAT * Object.keys(FORMATS).length} damaged files, seeds 1 to ${PER_FORMAT} of each format`, () => {
  it.each(Object.entries(FORMATS))('%s', async (format, make) => {
    const whole = await make();
    let undecodable = 0;
    for (let n = 1; n <= PER_FORMAT; n++) {
      const result = await siege.survive(mutated(whole, `${format} ${n}`), `seed "${format} ${n}"`);
      if (result.undecodable) undecodable++;
    }
    // the wounds are real: some files cannot be read any more
    expect(undecodable).toBeGreaterThan(2);
    if (format === 'SVG') expect(undecodable).toBe(PER_FORMAT);
  });

  it(`memory stays bounded: at most ${ROOM} MB more at the peak`, () => {
    expect((process.resourceUsage().maxRSS - rssBefore) / 1024).toBeLessThan(ROOM);
  });
});
