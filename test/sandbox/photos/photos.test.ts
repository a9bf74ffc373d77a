import { describe, expect, it } from 'vitest';
import { labOf } from '../../../sandbox/photos/colours.js';
import { ciede2000, toLinear, type Rgb } from '../../../sandbox/painter/colour.js';
import { alter, CHANGE_NAMES, CHANGES, plan, type Altered, type Photo } from '../../../sandbox/photos/index.js';
import { GOLDEN } from './golden.js';
import { candidateHash, garmentPhoto, photo, pixelHash, PROMPT, seedOf } from './synthetic.js';

const draw = (source: Photo, seed: number, others: Photo[] = []): Promise<Altered> =>
  alter({ photo: source, others, prompt: PROMPT, seed });

const at = ({ data, width }: Altered | Photo['picture'], x: number, y: number): Rgb => {
  const p = (y * width + x) * 3;
  return [data[p] as number, data[p + 1] as number, data[p + 2] as number];
};

/** Mean linear light of a box. */
function light(picture: Altered | Photo['picture'], [left, top, right, bottom]: [number, number, number, number]): Rgb {
  const sums: [number, number, number] = [0, 0, 0];
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) for (const c of [0, 1, 2] as const) sums[c] += toLinear(at(picture, x, y)[c]);
  const n = (right - left) * (bottom - top);
  return [sums[0] / n, sums[1] / n, sums[2] / n];
}

/** Pixels that differ by more than 24 levels in a channel. */
function differing(one: Altered, two: Altered | Photo['picture']): [number, number][] {
  const found: [number, number][] = [];
  for (let i = 0; i < one.width * one.height; i++)
    if ([0, 1, 2].some((c) => Math.abs((one.data[3 * i + c] as number) - (two.data[3 * i + c] as number)) > 24))
      found.push([i % one.width, Math.floor(i / one.width)]);
  return found;
}

/** A strength at about the middle of what is possible. */
const strong =
  (low: number, high = Infinity) =>
  (strength: number) =>
    strength >= low && strength <= high;

describe('candidates of a photo', () => {
  it.each(Object.entries(GOLDEN))('are the same pixels everywhere (%s)', async (name, hash) => {
    expect(await candidateHash(name === 'none' ? undefined : (name as keyof typeof CHANGES))).toBe(hash);
  });

  it('are as large as the photo, different for each seed, the same for the same seed', async () => {
    const [one, again, other] = await Promise.all([draw(photo(), 1), draw(photo(), 1), draw(photo(), 2)]);
    expect(pixelHash(one)).toBe(pixelHash(again));
    expect(pixelHash(one)).not.toBe(pixelHash(other));
    expect([one.width, one.height, one.data.length]).toEqual([160, 200, 160 * 200 * 3]);
  });

  it('have no change that needs what is not known', () => {
    for (let seed = 0; seed < 2000; seed++) {
      const bare = plan({ regions: {}, others: 3, prompt: PROMPT, seed });
      const made = CHANGE_NAMES.filter((name) => bare.strengths[name] > 0);
      expect(made.filter((name) => CHANGES[name].needs !== undefined)).toEqual([]);
    }
  });

  it('have each change as often and as strong as the table says', () => {
    const { regions } = photo();
    const seeds = 6000;
    for (const name of CHANGE_NAMES) {
      const { probability, range, needs } = CHANGES[name];
      if (needs === 'garment') continue;
      let count = 0;
      for (let seed = 0; seed < seeds; seed++) {
        const { strengths } = plan({ regions, others: 2, prompt: PROMPT, seed });
        const strength = strengths[name];
        if (strength === 0) continue;
        count++;
        // Too much light washes a background out: the label says what is left of the difference.
        if (strengths.exposure === 0) expect(strength).toBeGreaterThan(range[0] * 0.99);
        expect(strength).toBeLessThan(range[1] * 1.01);
      }
      // Four standard deviations of a binomial.
      expect(Math.abs(count / seeds - probability)).toBeLessThan(
        4 * Math.sqrt((probability * (1 - probability)) / seeds),
      );
    }
  });
});

describe('a change measures what its label says', () => {
  it('nothing: the person on the background that the prompt asks for', async () => {
    const clean = await draw(photo(), seedOf(undefined, { photo: photo() }));
    expect(clean.labels.hasDefect).toBe(false);
    expect(ciede2000(labOf(at(clean, 4, 4)), labOf(clean.labels.background!.asked))).toBeLessThan(3);
  });

  it('exposure, in stops', async () => {
    const seed = seedOf('exposure', { photo: garmentPhoto(), wanted: (s, detail) => s > 0.8 && detail === 'under' });
    const dark = await draw(garmentPhoto(), seed);
    const [before, after] = [garmentPhoto().picture, dark].map((one) => light(one, [60, 150, 100, 190])[1]);
    expect(Math.log2(before! / after!)).toBeCloseTo(dark.labels.defects.exposure.strength, 1);
  });

  it('tilt: the line through the eyes', async () => {
    const seed = seedOf('tilt', { photo: photo(), wanted: strong(12, 25) });
    const tilted = await draw(photo(), seed);
    // Dark pixels left and right of the face's middle are the eyes.
    const dark: [number, number][] = [];
    for (let y = 0; y < 200; y++) for (let x = 0; x < 160; x++) if (at(tilted, x, y)[1] < 60) dark.push([x, y]);
    const middle = dark.reduce((sum, [x]) => sum + x, 0) / dark.length;
    const centre = (side: [number, number][]): [number, number] => [
      side.reduce((sum, [x]) => sum + x, 0) / side.length,
      side.reduce((sum, [, y]) => sum + y, 0) / side.length,
    ];
    const [left, right] = [centre(dark.filter(([x]) => x < middle)), centre(dark.filter(([x]) => x > middle))];
    const angle = (Math.atan2(right[1] - left[1], right[0] - left[0]) * 180) / Math.PI;
    expect(Math.abs(Math.abs(angle) - tilted.labels.defects.tilt.strength)).toBeLessThan(2);
  });

  it('crop: skin that is left, against the whole face', async () => {
    const seed = seedOf('crop', { photo: photo(), wanted: (s, side) => s > 30 && side === 'left' });
    const cut = await draw(photo(), seed);
    // The face begins at the frame: skin in the very first column.
    const column = Array.from({ length: 200 }, (_, y) => at(cut, 0, y));
    expect(column.some(([r, g, b]) => r > 170 && r - b > 30 && g > 120)).toBe(true);
    expect(cut.labels.defects.crop).toMatchObject({ present: true, detail: 'left' });
  });

  it('blur of the face alone leaves the rest as it is', async () => {
    const seed = seedOf('faceBlur', { photo: photo(), wanted: strong(4) });
    const blurred = await draw(photo(), seed);
    const eyes = (picture: Altered): number => {
      let darkest = 255;
      for (let y = 40; y < 130; y++) for (let x = 40; x < 120; x++) darkest = Math.min(darkest, at(picture, x, y)[0]);
      return darkest;
    };
    expect(eyes(await draw(photo(), seedOf(undefined, { photo: photo() })))).toBeLessThan(50);
    expect(eyes(blurred)).toBeGreaterThan(50);
    expect(blurred.labels.defects.blur.present).toBe(false);
  });

  it('bars: one over all of the eyes hides them', async () => {
    const wanted = (s: number, kind: string | undefined) => s > 95 && kind === 'skin';
    const hidden = await draw(photo(), seedOf('eyesCovered', { photo: photo(), wanted }));
    let dark = 0;
    for (let i = 0; i < 160 * 200; i++) if ((hidden.data[3 * i + 1] as number) < 60) dark++;
    expect(dark).toBe(0);
  });

  it('another person: the candidate is theirs', async () => {
    const other = photo([170, 60, 60]);
    const seed = seedOf('otherPerson', { photo: photo(), others: 1 });
    const swapped = await draw(photo(), seed, [other]);
    const [red, , blue] = light(swapped, [70, 175, 90, 195]);
    expect(red).toBeGreaterThan(2 * blue);
    expect(swapped.labels.defects.otherPerson.present).toBe(true);
  });

  it('text: the height of its ink', async () => {
    const seed = seedOf('backgroundText', { photo: photo(), wanted: strong(4) });
    const written = await draw(photo(), seed);
    const { strength } = written.labels.defects.backgroundText;
    expect(strength).toBeGreaterThan(0);
    // Ink is dark and colourless, above the shoulders and outside the head.
    const rows = new Set<number>();
    for (let y = 0; y < 200; y++)
      for (let x = 0; x < 160; x++) {
        const [r, g, b] = at(written, x, y);
        const isFace = Math.abs(x - 80) < 36 && y > 20;
        if (!isFace && y < 130 && Math.max(r, g, b) < 120) rows.add(y);
      }
    expect(Math.abs(rows.size - (strength / 100) * 200)).toBeLessThanOrEqual(2);
  });

  it('the background: its distance from what was asked for', async () => {
    const seed = seedOf('backgroundColour', { photo: photo(), wanted: strong(15, 30) });
    const { labels, ...picture } = await draw(photo(), seed);
    const seen = ciede2000(labOf(labels.background!.asked), labOf(at({ ...picture, labels }, 80, 8)));
    expect(Math.abs(seen - labels.defects.backgroundColour.strength)).toBeLessThan(2);
  });

  it('a busy background differs from a plain one, behind the person only', async () => {
    const seed = seedOf('busyBackground', { photo: photo(), wanted: strong(15) });
    const busy = await draw(photo(), seed);
    const colours = new Set(
      Array.from({ length: 160 * 20 }, (_, i) =>
        at(busy, i % 160, Math.floor(i / 160))
          .map((v) => v >> 4)
          .join(),
      ),
    );
    expect(colours.size).toBeGreaterThan(4);
    expect(busy.labels.defects.busyBackground.strength).toBeGreaterThan(10);
  });

  it('a recoloured garment: CIEDE2000 of its mean', async () => {
    const seed = seedOf('garmentColour', { photo: garmentPhoto(), wanted: strong(10, 20) });
    const dyed = await draw(garmentPhoto(), seed);
    const box: [number, number, number, number] = [60, 150, 100, 190];
    const [before, after] = [garmentPhoto().picture, dyed].map((one) => {
      const linear = light(one, box);
      return labOf(
        linear.map((v) => 255 * (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055)) as unknown as Rgb,
      );
    });
    expect(Math.abs(ciede2000(before!, after!) - dyed.labels.defects.garmentColour.strength)).toBeLessThan(1.5);
    // Nothing else has changed.
    expect(differing(dyed, garmentPhoto().picture).every(([x, y]) => y > 115 && x > 28 && x < 132)).toBe(true);
  });

  it('a covered garment: the share that is hidden', async () => {
    const seed = seedOf('garmentCovered', { photo: garmentPhoto(), wanted: strong(15, 35) });
    const covered = await draw(garmentPhoto(), seed);
    const hidden = differing(covered, garmentPhoto().picture).filter(([x, y]) => y > 142 && x > 32 && x < 128).length;
    const area = 96 * 58 + (48 + 96) * 11; // the garment's body and its shoulders
    const { strength } = covered.labels.defects.garmentCovered;
    expect(Math.abs((100 * hidden) / area - strength)).toBeLessThan(7);
  });
});
