/** Stops, hue and difference of the skin against a reference: known changes, injected exactly in linear light, are read back. */
import sharp from 'sharp';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { cheeksOf } from '../../../scorers/faces/cheeks.js';
import type { Models } from '../../../scorers/models/models.js';
import type { Assessment } from '../../../scorers/scorer.js';
import { naturalColour } from '../../../scorers/useCase/naturalColour.js';
import { skinTone } from '../../../scorers/useCase/skinTone.js';
import { assess, toLight, toSrgb } from '../synthetic.js';
import { exposed, faceModels, frameWith, portraits, type Portrait } from './photos.js';

// dozens of pictures through five networks
vi.setConfig({ testTimeout: 300_000 });

let models: Models;
let cut: Portrait[];
beforeAll(async () => {
  models = await faceModels();
  cut = await portraits(models);
}, 300_000);

async function compare(one: Portrait, changed: Buffer): Promise<Record<string, Assessment>> {
  return assess(skinTone, await frameWith(models, changed), { references: [one.frame] });
}

/** The same picture with each channel's light multiplied. */
async function tinted(png: Buffer, gains: readonly [number, number, number]): Promise<Buffer> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const tables = gains.map((gain) =>
    Uint8Array.from({ length: 256 }, (_, v) => Math.round(toSrgb(Math.min(1, gain * toLight(v))))),
  );
  const rgb = data.map((v, i) => tables[i % 3]![v]!);
  return sharp(rgb, { raw: { width: info.width, height: info.height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

describe('skinTone.stops', () => {
  it('reads injected stops within a tenth for most faces, and says when the skin is clipped', async () => {
    const lines: string[] = [];
    let [read, within, clipped, noFace] = [0, 0, 0, 0];
    for (const stops of [-2, -1.5, -1, -0.5, 0.5]) {
      const errors: number[] = [];
      let unreadable = 0;
      for (const one of cut) {
        // once more through the encoder, so that the face is found anew on other bytes
        const changed = await sharp(await exposed(one.png, stops))
          .jpeg({ quality: 90 })
          .toBuffer();
        const found = (await compare(one, changed))['skinTone.stops'];
        if (found?.status === 'ok') errors.push(Math.abs(found.raw - stops));
        else if (found?.status === 'unassessable' && found.reason === 'clipped') unreadable++;
        else noFace++;
      }
      const good = errors.filter((error) => error <= 0.1).length;
      lines.push(`${stops}: ${good} of ${errors.length} (${unreadable} clipped)`);
      [read, within, clipped] = [read + errors.length, within + good, clipped + unreadable];
      expect(good / errors.length).toBeGreaterThanOrEqual(0.7);
    }
    console.log(`skin stops within .1: ${lines.join(', ')}; all ${within} of ${read}, ${noFace} without a face`);
    expect(clipped).toBeGreaterThan(0);
    expect(noFace).toBeLessThanOrEqual(2);
    expect(within / read).toBeGreaterThanOrEqual(0.7);
  });

  it('does not guess once the cheeks are blown out', async () => {
    for (const one of cut.filter(({ photo }) => photo === 6)) {
      const blown = await compare(one, await exposed(one.png, 2));
      expect(blown['skinTone.stops'], one.id).toMatchObject({ status: 'unassessable', reason: 'clipped' });
    }
  });
});

describe('colour of the skin', () => {
  it('is unchanged by exposure and moves with the tint', async () => {
    for (const one of cut.filter(({ photo }) => photo === 6)) {
      const value = async (changed: Buffer, dimension: string): Promise<number> => {
        const found = (await compare(one, changed))[dimension];
        if (found?.status !== 'ok') throw new Error(`${one.id}: ${JSON.stringify(found)}`);
        return found.raw;
      };
      expect(await value(await exposed(one.png, -1), 'skinTone.hue'), one.id).toBeLessThan(4);
      expect(await value(await exposed(one.png, -1), 'skinTone.difference'), one.id).toBeLessThan(2);
      const tints = [0.95, 0.85, 0.7].map((gain) => tinted(one.png, [gain, 1, 1]));
      const differences: number[] = [];
      for (const tint of tints) differences.push(await value(await tint, 'skinTone.difference'));
      expect(differences, one.id).toEqual([...differences].sort((a, b) => a - b));
      expect(differences.at(-1)).toBeGreaterThan(6);
    }
  });

  it('is natural as it is, and not in green light or in grey', async () => {
    for (const one of cut.filter(({ photo }) => photo === 6)) {
      const value = async (changed: Buffer): Promise<number> => {
        const found = (await assess(naturalColour, await frameWith(models, changed)))['naturalColour.distance'];
        if (found?.status !== 'ok') throw new Error(`${one.id}: ${JSON.stringify(found)}`);
        return found.raw;
      };
      expect(await value(one.png), one.id).toBe(0);
      expect(await value(await tinted(one.png, [0.55, 1, 0.9])), one.id).toBe(100);
      expect(
        await value(await sharp(one.png).greyscale().toColourspace('srgb').png().toBuffer()),
        one.id,
      ).toBeGreaterThan(5);
    }
  });
});

describe('cheeks', () => {
  it('exchange sides in a mirror and keep their light', async () => {
    for (const one of cut.filter(({ photo }) => photo === 6)) {
      const [a, b] = [
        await one.frame.derive(cheeksOf),
        await (await frameWith(models, await sharp(one.png).flop().png().toBuffer())).derive(cheeksOf),
      ];
      expect(Math.abs(Math.log2(a.light / b.light)), one.id).toBeLessThan(0.1);
      for (const [own, mirrored] of [
        [a.left, b.right],
        [a.right, b.left],
      ] as const)
        if (!Number.isNaN(own) && !Number.isNaN(mirrored))
          expect(Math.abs(Math.log2(own / mirrored)), one.id).toBeLessThan(0.15);
    }
  });
});
