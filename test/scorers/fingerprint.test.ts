import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { fingerprint, perceptualHash } from '../../scorers/generic/fingerprint.js';
import { assess, disc, draw, frameOf, jpeg, noisy } from './synthetic.js';

const scene = draw(256, 256, (x, y) =>
  Math.hypot(x - 90, y - 150) < 60 ? [180, 40, 50] : [230 - x / 4, 225 - y / 5, 200 + 20 * Math.sin(x / 40)],
);
const raw = { raw: { width: 256, height: 256, channels: 3 } } as const;

function distance(one: string, two: string): number {
  let bits = BigInt(`0x${one}`) ^ BigInt(`0x${two}`);
  let count = 0;
  for (; bits > 0n; bits &= bits - 1n) count++;
  return count;
}

describe('fingerprint', () => {
  it('is 16 hex digits, with the pixel hash beside it', async () => {
    const frame = await frameOf(scene);
    const found = (await assess(fingerprint, frame))['fingerprint.phash'];
    expect(found).toMatchObject({ status: 'ok', facts: { pixelSha256: frame.pixelSha256 } });
    expect(perceptualHash(frame)).toMatch(/^[0-9a-f]{16}$/);
  });

  it.each([
    ['another size', () => sharp(scene.rgb, raw).resize(700, 700).png().toBuffer()],
    ['JPEG quality 60', () => jpeg(scene, 60)],
    ['noise', () => sharp(noisy(scene, 5).rgb, raw).png().toBuffer()],
    ['more light', () => sharp(scene.rgb, raw).linear(0.85, 10).png().toBuffer()],
  ])('hardly changes with %s', async (_name, make) => {
    const before = perceptualHash(await frameOf(scene));
    expect(distance(before, perceptualHash(await frameOf(await make())))).toBeLessThanOrEqual(6);
  });

  it('differs for another picture and for the mirrored one', async () => {
    const before = perceptualHash(await frameOf(scene));
    const mirrored = await sharp(scene.rgb, raw).flop().png().toBuffer();
    expect(distance(before, perceptualHash(await frameOf(mirrored)))).toBeGreaterThan(10);
    expect(distance(before, perceptualHash(await frameOf(disc({ side: 256 }))))).toBeGreaterThan(10);
  });
});
