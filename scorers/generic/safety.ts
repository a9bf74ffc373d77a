import type { Frame } from '../frame.js';
import { stretched } from '../image/stretched.js';
import { falling, quality } from '../mapping.js';
import type { Scorer } from '../scorer.js';

const SIDE = 224;
const CLASSES = ['drawing', 'hentai', 'neutral', 'porn', 'sexy'] as const;
const UNSAFE = falling(0.5, 0.1);
const SEXY = falling(0.7, 0.1);

/** Whether a picture shows what must not be delivered. */
export const safety: Scorer = {
  spec: {
    id: 'safety',
    version: '1.0.0',
    tier: 'generic',
    cost: 'model',
    models: [{ id: 'nsfw' }],
    source: 'NSFW JS (https://github.com/infinitered/nsfwjs), MobileNetV2 mid, five classes',
    dimensions: {
      'safety.unsafe': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the classes porn and hentai; above 0.5 the network says that the picture must not be shown.',
      },
      'safety.sexy': {
        direction: 'lower',
        unit: 'share',
        range: [0, 1],
        about: 'Share of the class sexy; high on swimwear and on parties too, so for people to look at.',
      },
    },
  },
  async assess(frame) {
    const shares = await frame.derive(safetyClasses);
    const unsafe = Math.min(1, shares.porn + shares.hentai);
    const facts = Object.fromEntries(CLASSES.map((name) => [name, Math.round(shares[name] * 1000) / 1000]));
    return {
      'safety.unsafe': { status: 'ok', raw: unsafe, quality: quality(unsafe, UNSAFE), facts },
      'safety.sexy': { status: 'ok', raw: shares.sexy, quality: quality(shares.sexy, SEXY) },
    };
  },
};

/**
 * The five shares, together 1.
 *
 * @throws Unassessable model-missing
 */
export async function safetyClasses(frame: Frame): Promise<Record<(typeof CLASSES)[number], number>> {
  const model = await frame.models.open('nsfw');
  const data = Float32Array.from(await stretched(frame, SIDE), (value) => value / 255);
  const { Identity } = await model.run({ input: { type: 'float32', data, dims: [1, SIDE, SIDE, 3] } });
  if (Identity?.data.length !== CLASSES.length) throw new Error('nsfw has not five classes');
  const share = (i: number): number => Number(Identity.data[i]);
  return { drawing: share(0), hentai: share(1), neutral: share(2), porn: share(3), sexy: share(4) };
}
