import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { DEFECT_NAMES, paint, plan, PAINTER_VERSION } from '../../../sandbox/painter/index.js';
import { GOLDEN, pixelHash } from './golden.js';

const PROMPT = 'product photo of a red mug on a white background';

describe('paint', () => {
  it.each(GOLDEN)(
    `paints the pixels of painter ${PAINTER_VERSION}: $prompt, seed $seed`,
    async ({ prompt, seed, sha256 }) => {
      expect(await pixelHash({ prompt, seed })).toBe(sha256);
    },
  );

  it('draws every kind of defect in the golden pictures', () => {
    const drawn = GOLDEN.flatMap(({ prompt, seed }) =>
      DEFECT_NAMES.filter((name) => plan(prompt, seed).labels.defects[name].strength > 0),
    );
    expect(new Set(drawn)).toEqual(new Set(DEFECT_NAMES));
  });

  it('shows another scene in one of the golden pictures', () => {
    expect(GOLDEN.flatMap(({ prompt, seed }) => plan(prompt, seed).labels.mismatch ?? [])).toEqual([
      { attribute: 'object', asked: 'bag', shown: 'bottle' },
    ]);
  });

  it('paints the same pixels in another process', async () => {
    const script = fileURLToPath(new URL('print-hashes.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script]);
    expect(JSON.parse(stdout)).toEqual(GOLDEN.map(({ sha256 }) => sha256));
  });

  it('paints at once as it paints one after the other', async () => {
    const asks = [1, 2, 3, 4].map((seed) => ({ prompt: PROMPT, seed }));
    const together = await Promise.all(asks.map(pixelHash));
    for (const [i, ask] of asks.entries()) expect(await pixelHash(ask)).toBe(together[i]);
  });

  it.each([
    [320, 200],
    [200, 320],
    [64, 64],
  ])('fills %d x %d, 3 bytes a pixel', async (width, height) => {
    const painting = await paint({ prompt: PROMPT, seed: 2, width, height });
    expect(painting.data.length).toBe(width * height * 3);
    expect([painting.width, painting.height]).toEqual([width, height]);
    expect(painting.labels).toEqual(plan(PROMPT, 2).labels);
  });

  it.each([
    [15, 256],
    [256, 4097],
    [256.5, 256],
  ])('refuses %d x %d', async (width, height) => {
    await expect(paint({ prompt: PROMPT, seed: 1, width, height })).rejects.toThrow(RangeError);
  });
});
