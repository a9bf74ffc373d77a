import sharp from 'sharp';
import { shoot } from '../../../sandbox/painter/camera.js';
import { compose } from '../../../sandbox/painter/compose.js';
import { DEFECT_NAMES, plan } from '../../../sandbox/painter/index.js';
import type { Attribute, DefectName, Plan } from '../../../sandbox/painter/index.js';
import { toLinear } from '../../../sandbox/painter/colour.js';

/**
 * The first `count` plans whose only drawn strength is this defect's, and that `accept`; none drawn at all for 'none'. Those that show
 * another scene than asked for are left out, or with `mismatch` taken alone.
 */
export function plansWith(
  defect: DefectName | 'none',
  ask: { prompt: string; count: number; mismatch?: Attribute; accept?: (plan: Plan) => boolean },
): Plan[] {
  const found: Plan[] = [];
  for (let seed = 0; seed < 60_000 && found.length < ask.count; seed++) {
    const candidate = plan(ask.prompt, seed);
    const only = DEFECT_NAMES.every((name) => candidate.labels.defects[name].strength > 0 === (name === defect));
    if (only && candidate.labels.mismatch?.attribute === ask.mismatch && (ask.accept?.(candidate) ?? true))
      found.push(candidate);
  }
  return found;
}

/** Paints a plan that a test may have changed: a twin without its dirt, its blur or its subject. */
export async function develop(changed: Plan, size = 256): Promise<Buffer> {
  const data = await sharp(Buffer.from(compose(changed, { width: size, height: size })))
    .removeAlpha()
    .raw()
    .toBuffer();
  return (await shoot({ data, width: size, height: size }, changed)).data;
}

/** Mean and standard deviation per channel over a square. */
export function patch(data: Buffer, size: number, at: { x: number; y: number; side: number }) {
  return [0, 1, 2].map((channel) => {
    const values: number[] = [];
    for (let y = at.y; y < at.y + at.side; y++)
      for (let x = at.x; x < at.x + at.side; x++) values.push(data[(y * size + x) * 3 + channel]!);
    const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
    return { mean, sd: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) };
  });
}

/** Linear light of an sRGB level, by table. */
export const LIGHT = Float64Array.from({ length: 256 }, (_, level) => toLinear(level));
