import { scaledBox } from '../facts.js';
import { instancesOf, type Instance } from '../image/instances.js';
import { falling, quality, rising } from '../mapping.js';
import type { Ask, Assessment, Scorer } from '../scorer.js';

const FILL = rising(0.5, 0.1);
const AREA = rising(0.25, 0.06);
const MARGIN = rising(0.02, 0.006);
const COUNT_OFF = falling(0.5, 0.1);
const NO_SUBJECT: Assessment = { status: 'unassessable', reason: 'no-subject' };
/** Without a word about it, a product picture shows one. */
const EXPECTED = 1;

/** How a product stands in its frame, and how many there are. */
export const product: Scorer = {
  spec: {
    id: 'product',
    version: '1.0.0',
    tier: 'useCase',
    cost: 'cheap',
    models: [],
    source:
      'Geometry and components of the subject mask (scorers/image/subject.ts, instances.ts). Fill: the main image rule of Amazon Seller ' +
      'Central (help page "Product image guide") asks for 85 % of the frame; how much is enough is the policy\'s',
    dimensions: {
      'product.fill': {
        direction: 'higher',
        unit: 'share',
        range: [0, 1],
        about:
          "Share of the frame's width or height that the subject's box reaches, the larger of both; a low value means too small.",
      },
      'product.boxShare': {
        direction: 'higher',
        unit: 'share',
        range: [0, 1],
        about: "Share of the picture that the subject's box covers; a low value means that the product is small.",
      },
      'product.margin': {
        direction: 'higher',
        unit: 'share of the short side',
        range: [0, 1],
        about: 'Smallest distance of the subject from the frame; 0 means that it touches the frame or is cut by it.',
      },
      'product.count': {
        direction: 'target',
        unit: 'objects',
        range: [0, Infinity],
        about: 'Objects that are alike in size, colour and shape; more than wanted means duplicates of the product.',
      },
      'product.countOff': {
        direction: 'lower',
        unit: 'objects',
        range: [0, Infinity],
        about:
          'By how many objects the count misses what is expected (`count` of the request, else of the policy, else 1).',
      },
    },
  },
  assess(frame, ask) {
    const { subject, working } = frame;
    const { width, height } = working;
    if (!subject.found)
      return Promise.resolve(
        Object.fromEntries(Object.keys(product.spec.dimensions).map((id) => [id, NO_SUBJECT] as const)),
      );
    const { left, top, right, bottom } = subject.box;
    const [wide, high] = [(right - left + 1) / width, (bottom - top + 1) / height];
    const margin = Math.min(left, top, width - 1 - right, height - 1 - bottom) / Math.min(width, height);
    const { scale } = frame;
    const box = scaledBox(subject.box, scale);
    const like = frame.derive(instancesOf);
    const expected = expectedCount(ask);
    const off = Math.abs(like.length - expected);
    const boxes = like.map((instance: Instance) => scaledBox(instance, scale));
    return Promise.resolve({
      'product.fill': { ...ok(Math.max(wide, high), FILL), facts: { box } },
      'product.boxShare': { ...ok(wide * high, AREA), facts: { box } },
      'product.margin': ok(margin, MARGIN),
      'product.count': {
        status: 'ok',
        raw: like.length,
        quality: quality(off, COUNT_OFF),
        facts: { boxes, expected },
      },
      'product.countOff': { ...ok(off, COUNT_OFF), facts: { boxes, expected } },
    });
  },
};

const ok = (raw: number, curve: Parameters<typeof quality>[1]): Assessment & { status: 'ok' } => ({
  status: 'ok',
  raw,
  quality: quality(raw, curve),
});

/** A whole number of 0 or more, from the request, else from the policy. */
function expectedCount({ expect, params }: Ask): number {
  for (const value of [expect?.['count'], params['count']]) {
    const count = typeof value === 'string' ? Number(value) : value;
    if (typeof count === 'number' && Number.isInteger(count) && count >= 0) return count;
  }
  return EXPECTED;
}
