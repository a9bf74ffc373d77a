/** Blurred pictures found, and how long it takes: our sharpness scorer beside cleanvision's blur check. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { decodeFrame } from '../../../scorers/frame.js';
import { sharpness } from '../../../scorers/generic/sharpness.js';
import { cleanvisionOn } from '../peers/cleanvision.js';
import type { BenchImage } from './images.js';

/** Gaussian sigma in px of 1024 x 1536; 0 is the picture as it is. */
const SIGMAS = [0, 2, 4, 8] as const;
/** The gate of examples/policies/product.yaml. */
const EDGE_BLUR = 1.45;

export interface BlurFound {
  /** By sigma: pictures flagged. */
  flagged: Record<string, number>;
  of: number;
  ms: number;
}

export async function timeBlur(
  images: readonly BenchImage[],
): Promise<{ ours: BlurFound; cleanvision: BlurFound | { missing: string } }> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-blur-'));
  try {
    const files: { file: string; png: Buffer; sigma: number }[] = [];
    for (const [index, { png }] of images.entries())
      for (const sigma of SIGMAS) {
        const blurred = sigma === 0 ? png : await sharp(png).blur(sigma).png({ compressionLevel: 4 }).toBuffer();
        const file = join(folder, `${index}-${sigma}.png`);
        await writeFile(file, blurred);
        files.push({ file, png: blurred, sigma });
      }
    const count = (isFlagged: (file: string) => boolean): Record<string, number> =>
      Object.fromEntries(
        SIGMAS.map((sigma) => [sigma, files.filter((one) => one.sigma === sigma && isFlagged(one.file)).length]),
      );
    const start = performance.now();
    const flagged = new Set<string>();
    for (const { file, png } of files) {
      const decoded = await decodeFrame(png);
      if (!decoded.ok) throw new Error(decoded.detail);
      const scores = await sharpness.assess(decoded.frame, { params: {} }, new AbortController().signal);
      const found = scores['sharpness.edgeBlur'];
      if (found?.status === 'ok' && found.raw > EDGE_BLUR) flagged.add(file);
    }
    const ours = { flagged: count((file) => flagged.has(file)), of: images.length, ms: performance.now() - start };
    const theirs = await cleanvisionOn(files.map(({ file }) => file));
    if ('missing' in theirs) return { ours, cleanvision: theirs };
    const blurred = new Set(theirs.blurred);
    return {
      ours,
      cleanvision: { flagged: count((file) => blurred.has(file)), of: images.length, ms: theirs.blurryMs },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
