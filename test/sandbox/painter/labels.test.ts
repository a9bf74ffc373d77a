import { describe, expect, it } from 'vitest';
import { BASE } from '../../../sandbox/painter/backgrounds.js';
import { ciede2000, map, parseHex, toLab } from '../../../sandbox/painter/colour.js';
import type { Rgb } from '../../../sandbox/painter/colour.js';
import type { Plan } from '../../../sandbox/painter/index.js';
import { develop, LIGHT, patch, plansWith } from './find.js';

// What a label says is measured again in the finished pixels, with formulas of the test's own.
const WHITE = 'a blue vase on a white background';
const GREY = 'a blue vase on a grey background';
const BLACK = 'a blue vase on a black background';
const SIZE = 256;
const LARGE = 512;
const CORNER = { x: 2, y: 2, side: 28 };
const strength = (plan: Plan, name: keyof Plan['labels']['defects']): number => plan.labels.defects[name].strength;
const pixel = (data: Buffer, i: number): Rgb => [data[i * 3]!, data[i * 3 + 1]!, data[i * 3 + 2]!];
const lab = (rgb: Rgb): Rgb => toLab(map(rgb, (level) => LIGHT[Math.round(level)]!));
/** Indices of the pixels that differ between two pictures by more than grain. */
const changed = (one: Buffer, two: Buffer, by = 4): number[] =>
  Array.from({ length: one.length / 3 }, (_, i) => i).filter((i) =>
    [0, 1, 2].some((c) => Math.abs(one[i * 3 + c]! - two[i * 3 + c]!) >= by),
  );

describe('labels, measured in the picture', () => {
  it('exposure: stops in linear light', async () => {
    const under = plansWith('exposure', { prompt: WHITE, count: 4, accept: (p) => p.camera.gain < 1 });
    // On black paper nothing clips, up to the largest strength.
    const over = plansWith('exposure', { prompt: BLACK, count: 4, accept: (p) => p.camera.gain > 1 });
    for (const [plans, base] of [
      [under, 255],
      [over, 0x1e],
    ] as const) {
      expect(plans.length).toBe(4);
      for (const plan of plans) {
        const level = patch(await develop(plan), SIZE, CORNER)[0]!.mean;
        const stops = Math.abs(Math.log2(LIGHT[Math.round(level)]! / LIGHT[base]!));
        expect(Math.abs(stops - strength(plan, 'exposure'))).toBeLessThan(0.06);
      }
    }
  });

  it('tint: CIEDE2000 of the background', async () => {
    for (const plan of plansWith('tint', { prompt: WHITE, count: 8 })) {
      const [r, g, b] = patch(await develop(plan), SIZE, CORNER).map(({ mean }) => mean) as [number, number, number];
      expect(Math.abs(ciede2000(lab([r, g, b]), [100, 0, 0]) - strength(plan, 'tint'))).toBeLessThan(0.45);
    }
  });

  it('noise: sigma on a flat area, the same in every channel', async () => {
    const plans = plansWith('noise', { prompt: GREY, count: 6, accept: (p) => p.camera.noiseSigma < 18 });
    for (const plan of plans) {
      for (const { sd, mean } of patch(await develop(plan), SIZE, { ...CORNER, side: 40 })) {
        expect(sd / Math.hypot(strength(plan, 'noise'), 0.5, Math.sqrt(1 / 12))).toBeGreaterThan(0.93);
        expect(sd / Math.hypot(strength(plan, 'noise'), 0.5, Math.sqrt(1 / 12))).toBeLessThan(1.07);
        expect(Math.abs(mean - 0xc4)).toBeLessThan(2);
      }
    }
  });

  it('blur: the spread of the subject grows by sigma squared', async () => {
    // Blur keeps the amount of darkness on white paper and adds sigma^2 to its variance along each axis.
    const spread = (data: Buffer, size: number): number => {
      let [mass, first, second] = [0, 0, 0];
      for (let i = 0; i < size * size; i++) {
        const dark = 1 - LIGHT[data[i * 3]!]!;
        const x = i % size;
        mass += dark;
        first += dark * x;
        second += dark * x * x;
      }
      return second / mass - (first / mass) ** 2;
    };
    const plans = plansWith('blur', { prompt: WHITE, count: 4, accept: (p) => p.camera.blurSigma > 1.4 });
    for (const size of [256, 512]) {
      for (const plan of plans) {
        const sharp = await develop({ ...plan, camera: { ...plan.camera, blurSigma: 0 } }, size);
        const sigma = Math.sqrt(spread(await develop(plan, size), size) - spread(sharp, size));
        expect(sigma / ((strength(plan, 'blur') * size) / 512)).toBeGreaterThan(0.85);
        expect(sigma / ((strength(plan, 'blur') * size) / 512)).toBeLessThan(1.15);
      }
    }
  });

  it('text: height of the ink', async () => {
    for (const plan of plansWith('backgroundText', { prompt: WHITE, count: 8 })) {
      const ink = changed(await develop(plan), await develop({ ...plan, text: 0 }), 60).map((i) =>
        Math.floor(i / SIZE),
      );
      const height = Math.max(...ink) - Math.min(...ink) + 1;
      expect(Math.abs(height - (strength(plan, 'backgroundText') / 100) * SIZE)).toBeLessThan(1.6);
    }
  });

  it('dirt: difference of the dirtied area, at least 3 % of the frame, from the clean background', async () => {
    const kinds = new Set<string>();
    for (const plan of plansWith('dirtyBackground', { prompt: WHITE, count: 12 })) {
      const clean = await develop({ ...plan, dirt: undefined, missing: true }, LARGE);
      const dirty = await develop({ ...plan, missing: true }, LARGE);
      const area = changed(clean, dirty, 1);
      expect(area.length / LARGE ** 2).toBeGreaterThan(0.03);
      const differences = area.map((i) => ciede2000(lab(pixel(dirty, i)), [100, 0, 0])).sort((a, b) => a - b);
      // Well inside the dirt: pixels at its edges are covered in part.
      const solid = differences[Math.floor(differences.length * 0.7)]!;
      const expected = strength(plan, 'dirtyBackground');
      expect(Math.abs(solid - expected), plan.dirt?.kind).toBeLessThan(0.25 + expected * 0.05);
      kinds.add(plan.dirt!.kind);
    }
    expect(kinds.size).toBeGreaterThan(2);
  });

  it.each(['a blue vase', 'three red mugs', 'a green chair', 'two black shoes'])(
    'crop of %s: share of the area outside',
    async (what) => {
      for (const plan of plansWith('croppedSubject', { prompt: `${what} on a white background`, count: 5 })) {
        const composition = { ...plan.composition, shadow: 0 };
        const area = async (crop: Plan['crop']): Promise<number> =>
          changed(
            await develop({ ...plan, crop, composition }, LARGE),
            await develop({ ...plan, crop, composition, missing: true }, LARGE),
          ).length;
        const outside = 100 * (1 - (await area(plan.crop)) / (await area(undefined)));
        expect(Math.abs(outside - strength(plan, 'croppedSubject'))).toBeLessThan(1.5);
      }
    },
  );

  it('jpeg: steps on the 8 x 8 grid', async () => {
    const steps = (data: Buffer): number => {
      const sums = new Float64Array(8);
      for (let y = 0; y < SIZE; y++)
        for (let x = 0; x + 1 < SIZE; x++) {
          sums[x % 8]! += Math.abs(data[(y * SIZE + x + 1) * 3 + 1]! - data[(y * SIZE + x) * 3 + 1]!);
        }
      return sums[7]! / ((sums.reduce((sum, v) => sum + v, 0) - sums[7]!) / 7);
    };
    for (const plan of plansWith('jpeg', { prompt: WHITE, count: 4, accept: (p) => strength(p, 'jpeg') > 2.5 })) {
      const raw = await develop({ ...plan, camera: { ...plan.camera, jpegQuality: undefined } });
      expect(steps(await develop(plan))).toBeGreaterThan(steps(raw) * 1.15);
    }
  });

  it('missing: nothing but paper', async () => {
    for (const plan of plansWith('missingSubject', { prompt: WHITE, count: 2 })) {
      expect((await develop(plan)).every((level) => level === 255)).toBe(true);
    }
  });

  it('mismatch: another background, another colour', async () => {
    for (const plan of plansWith('none', { prompt: WHITE, count: 6, mismatch: 'background' })) {
      if (/studio|wood|marble/.test(plan.scene.background)) continue;
      const corner = patch(await develop(plan), SIZE, CORNER).map(({ mean }) => mean);
      for (const [i, level] of parseHex(BASE[plan.scene.background]).entries())
        expect(Math.abs(corner[i]! - level)).toBeLessThan(1);
      expect(corner.every((level) => level > 254)).toBe(false);
    }
    for (const plan of plansWith('none', { prompt: WHITE, count: 4, mismatch: 'colour' })) {
      const data = await develop(plan);
      const asked = await develop({ ...plan, scene: { ...plan.scene, colour: 'blue' } });
      expect(changed(data, asked, 12).length / SIZE ** 2, plan.scene.colour).toBeGreaterThan(0.02);
      expect(changed(data, await develop({ ...plan, missing: true })).length / SIZE ** 2).toBeGreaterThan(0.04);
    }
  });

  it('clean: white paper, the subject whole and clear of the frame, shadows small', async () => {
    for (const what of ['a white mug', 'a red lamp', 'four navy bottles', 'a yellow shoe', 'two black bags']) {
      for (const plan of plansWith('none', { prompt: `${what} on a white background`, count: 3 })) {
        const data = await develop(plan);
        const subject = changed(data, await develop({ ...plan, missing: true }));
        const margin = SIZE * 0.05;
        const clear = (at: number): boolean => at >= margin && at < SIZE - margin;
        expect(subject.every((i) => clear(i % SIZE) && clear(Math.floor(i / SIZE)))).toBe(true);
        expect(subject.length / SIZE ** 2).toBeGreaterThan(0.04);
        const bare = { ...plan, composition: { ...plan.composition, shadow: 0 } };
        expect(changed(data, await develop(bare)).length / SIZE ** 2).toBeLessThan(0.03);
        const seen = new Set(subject);
        expect(data.every((level, at) => level >= 250 || seen.has(Math.floor(at / 3)))).toBe(true);
      }
    }
  });
});
