import { beforeAll, describe, expect, it } from 'vitest';
import type { Point } from '../../scorers/image/view.js';
import { anatomy, extraHands } from '../../scorers/generic/anatomy.js';
import { handsOf } from '../../scorers/hands/hands.js';
import { handShape } from '../../scorers/hands/shape.js';
import type { Models } from '../../scorers/models/models.js';
import { openModels } from '../../scorers/models/sessions.js';
import type { Assessment } from '../../scorers/scorer.js';
import { pulledModels } from '../support/models.js';
import { photoFrame } from '../support/photos.js';
import { frameOf } from './synthetic.js';

let models: Models;
beforeAll(async () => {
  models = openModels({ folder: await pulledModels() });
}, 300_000);

const assess = (frame: Parameters<typeof anatomy.assess>[0]): Promise<Record<string, Assessment>> =>
  anatomy.assess(frame, { params: {} }, new AbortController().signal);

/** The hand on the knee in photo 5, by eye: wrist, tip of the middle finger, in pixels of the photo. */
const WRIST: Point = [1390, 1150];
const HAND = { left: 1100, top: 1080, width: 340, height: 310 };

describe('handsOf on photos', () => {
  it('finds the one hand that is seen whole in photo 5, within the place where it lies', async () => {
    const [hand, ...more] = await handsOf(await photoFrame(5, { models }));
    expect(more).toEqual([]);
    expect(hand!.score).toBeGreaterThan(0.9);
    for (const [x, y] of hand!.points) {
      expect(x).toBeGreaterThan(HAND.left);
      expect(x).toBeLessThan(HAND.left + HAND.width);
      expect(y).toBeGreaterThan(HAND.top);
      expect(y).toBeLessThan(HAND.top + HAND.height);
    }
    expect(Math.hypot(hand!.points[0]![0] - WRIST[0], hand!.points[0]![1] - WRIST[1])).toBeLessThan(40);
  });

  it('finds the same joints where the hand is cut out, mirrored or turned', async () => {
    const margin = 150;
    const region = {
      left: HAND.left - margin,
      top: HAND.top - margin,
      width: HAND.width + 2 * margin,
      height: HAND.height + margin,
    };
    const of = async (
      change: (image: Parameters<NonNullable<Parameters<typeof photoFrame>[1]>['change'] & object>[0]) => typeof image,
    ) => (await handsOf(await photoFrame(5, { models, change: (image) => change(image.extract(region)) })))[0];
    const upright = await of((image) => image);
    const mirrored = await of((image) => image.flop());
    const turned = await of((image) => image.rotate(90));
    const tolerance = 0.12 * HAND.width;
    upright!.points.forEach(([x, y], i) => {
      const [mx, my] = mirrored!.points[i]!;
      expect(Math.hypot(region.width - x - mx, y - my)).toBeLessThan(tolerance);
      const [tx, ty] = turned!.points[i]!;
      expect(Math.hypot(region.height - y - tx, x - ty)).toBeLessThan(tolerance);
    });
  });

  it('takes no face and no wall for a hand', async () => {
    for (const of of [1, 3]) expect(await handsOf(await photoFrame(of, { models }))).toEqual([]);
    expect(await handsOf(await emptyStairs())).toEqual([]);
  });
});

const emptyStairs = () =>
  photoFrame(5, { models, change: (image) => image.extract({ left: 0, top: 0, width: 380, height: 400 }) });

/** A flat hand: palm of length 1 upwards, each finger of a length along the same line. */
function flatHand(lengths: readonly number[], bend = 0): { points: Point[]; depth: number[] } {
  const points: Point[] = [[0, 0]];
  const depth = [0];
  lengths.forEach((length, finger) => {
    const angle = ((finger - 2) * 15 * Math.PI) / 180;
    let [x, y] = [Math.sin(angle), -Math.cos(angle)];
    points.push([x, y]);
    depth.push(0);
    for (let bone = 1; bone <= 3; bone++) {
      const turn = angle + bend * bone;
      x += (Math.sin(turn) * length) / 3;
      y -= (Math.cos(turn) * length) / 3;
      points.push([x, y]);
      depth.push(0);
    }
  });
  return { points, depth };
}
const ADULT = [0.85, 0.88, 0.98, 0.92, 0.75];

describe('the build of a hand', () => {
  it('of an adult hand: nothing off, five fingers stretched', () => {
    const { worstLength, extended } = handShape(flatHand(ADULT));
    expect(worstLength).toBeCloseTo(0, 10);
    expect(extended).toBe(5);
  });
  it('a finger of twice its length is one octave off, of half its length too', () => {
    expect(handShape(flatHand(ADULT.map((l, i) => (i === 3 ? 2 * l : l)))).worstLength).toBeCloseTo(1, 10);
    expect(handShape(flatHand(ADULT.map((l, i) => (i === 1 ? l / 2 : l)))).worstLength).toBeCloseTo(1, 10);
  });
  it('bent fingers keep their length and are not stretched', () => {
    const { worstLength, extended } = handShape(flatHand(ADULT, 1));
    expect(worstLength).toBeCloseTo(0, 10);
    expect(extended).toBe(0);
  });
  it('size does not matter', () => {
    const { points, depth } = flatHand([0.9, 0.7, 1.1, 1, 0.6]);
    const large = points.map(([x, y]): Point => [50 * x + 7, 50 * y - 9]);
    expect(handShape({ points: large, depth }).worstLength).toBeCloseTo(handShape({ points, depth }).worstLength, 10);
  });
});

describe('anatomy', () => {
  it('on photos of real people nothing is too many, and hands that are seen whole are well built', async () => {
    const found = await assess(await photoFrame(5, { models }));
    expect(found['anatomy.hands']).toMatchObject({ status: 'ok', raw: 1 });
    expect(found['anatomy.extraHands']).toMatchObject({ status: 'ok', raw: 0, quality: 100 });
    expect(found['anatomy.handBelief']).toMatchObject({ status: 'ok' });
    const length = found['anatomy.fingerLength'];
    expect(length?.status === 'ok' && length.raw).toBeLessThan(0.5);
  });

  it('a third hand for one person is one too many, and where nobody is seen two hands have an owner', () => {
    expect(extraHands({ hands: 3, people: 1 })).toMatchObject({ raw: 1, quality: 40 });
    expect(extraHands({ hands: 4, people: 2 })).toMatchObject({ raw: 0, quality: 100 });
    expect(extraHands({ hands: 2, people: 0 })).toMatchObject({ raw: 0, quality: 100 });
    expect(extraHands({ hands: 9, people: 1 })).toMatchObject({ raw: 7, quality: 0 });
  });

  it('without a hand the build is unassessable, the count is 0', async () => {
    expect(await assess(await emptyStairs())).toMatchObject({
      'anatomy.hands': { status: 'ok', raw: 0 },
      'anatomy.handBelief': { status: 'unassessable', reason: 'not-applicable' },
      'anatomy.fingerLength': { status: 'unassessable', reason: 'not-applicable' },
    });
  });

  it('says which model is missing', async () => {
    await expect(
      assess(await frameOf({ width: 64, height: 64, rgb: new Uint8Array(3 * 64 * 64) })),
    ).rejects.toMatchObject({
      reason: 'model-missing',
      facts: { model: 'handtrack' },
    });
  });
});
