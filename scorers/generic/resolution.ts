import { quality, rising, falling } from '../mapping.js';
import type { Ask, Assessment, Scorer } from '../scorer.js';

const LONG_SIDE = rising(512, 160);
const MEGAPIXELS = rising(0.35, 0.12);
const ASPECT = falling(3, 0.4);
const ASPECT_ERROR = falling(0.03, 0.008);

/**
 * Width over height as asked for: `expect.aspect` of the request, else `params.resolution.aspect` of the policy. A number, `2:3`, or
 * `1024x1536`; undefined where there is none.
 */
function wantedAspect({ expect, params }: Ask): number | undefined {
  const wanted = expect?.['aspect'] ?? params['aspect'];
  if (typeof wanted === 'number') return wanted > 0 && Number.isFinite(wanted) ? wanted : undefined;
  if (typeof wanted !== 'string') return undefined;
  const sides = /^\s*(\d+(?:\.\d+)?)\s*[:x/]\s*(\d+(?:\.\d+)?)\s*$/i.exec(wanted);
  const aspect = sides === null ? Number(wanted) : Number(sides[1]) / Number(sides[2]);
  return aspect > 0 && Number.isFinite(aspect) ? aspect : undefined;
}

/** How large the picture is, and of what shape. Reads `expect.aspect` or `params.aspect`. */
export const resolution: Scorer = {
  spec: {
    id: 'resolution',
    version: '1.1.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source: 'Size of the upright picture; no formula.',
    dimensions: {
      'resolution.longSide': {
        direction: 'higher',
        unit: 'px',
        range: [1, Infinity],
        about: 'The longer side; a low value means that the picture cannot be shown large.',
      },
      'resolution.megapixels': {
        direction: 'higher',
        unit: 'megapixels',
        range: [0, Infinity],
        about: 'Width times height; a low value means little detail.',
      },
      'resolution.aspect': {
        direction: 'lower',
        unit: 'long side / short side',
        range: [1, Infinity],
        about: 'A high value means an unusually long strip.',
      },
      'resolution.aspectError': {
        direction: 'lower',
        unit: 'share',
        range: [0, Infinity],
        about:
          'How much too wide or too tall the picture is for the aspect that was asked for; 0.5 means half as wide again.',
      },
    },
  },
  assess({ width, height, hasAlpha }, ask) {
    const longSide = Math.max(width, height);
    const megapixels = (width * height) / 1e6;
    const aspect = longSide / Math.min(width, height);
    return Promise.resolve({
      'resolution.longSide': {
        status: 'ok',
        raw: longSide,
        quality: quality(longSide, LONG_SIDE),
        facts: { width, height, alphaOnWhite: hasAlpha },
      },
      'resolution.megapixels': { status: 'ok', raw: megapixels, quality: quality(megapixels, MEGAPIXELS) },
      'resolution.aspect': { status: 'ok', raw: aspect, quality: quality(aspect, ASPECT) },
      'resolution.aspectError': aspectError(width / height, wantedAspect(ask)),
    });
  },
};

function aspectError(aspect: number, wanted: number | undefined): Assessment {
  if (wanted === undefined) return { status: 'unassessable', reason: 'not-applicable' };
  const raw = Math.max(aspect / wanted, wanted / aspect) - 1;
  return { status: 'ok', raw, quality: quality(raw, ASPECT_ERROR), facts: { aspect, wanted } };
}
