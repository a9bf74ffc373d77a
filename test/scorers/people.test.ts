import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../scorers/business/people.js';
import type { Frame } from '../../scorers/frame.js';
import type { Models } from '../../scorers/models/models.js';
import { openModels } from '../../scorers/models/sessions.js';
import { peopleOf } from '../../scorers/people.js';
import type { Ask } from '../../scorers/scorer.js';
import { pulledModels } from '../support/models.js';
import { PEOPLE_IN_PHOTO, photoFrame } from '../support/photos.js';

let models: Models;
beforeAll(async () => {
  models = openModels({ folder: await pulledModels() });
}, 300_000);

const assess = (frame: Frame, ask: Partial<Ask> = {}) =>
  people.assess(frame, { params: {}, ...ask }, new AbortController().signal);

describe('people', () => {
  // photos 1 to 3 chose the least score; 4 to 6 report: 12 of 13, none too many
  it.each(PEOPLE_IN_PHOTO.map((count, i) => [i + 1, count] as const))(
    'photo %i has %i, or one hidden behind another less',
    async (of, count) => {
      const found = await peopleOf(await photoFrame(of, { models }));
      expect(count - found.length).toBeOneOf(of === 4 ? [0, 1] : [0]);
    },
  );

  it('finds the same in a mirrored photo, mirrored', async () => {
    const [there, back] = [
      await peopleOf(await photoFrame(6, { models })),
      await peopleOf(await photoFrame(6, { models, change: (image) => image.flop() })),
    ];
    const frame = await photoFrame(6);
    const lefts = there.map(({ box }) => frame.width - box.left - box.width).sort((a, b) => a - b);
    const mirrored = back.map(({ box }) => box.left).sort((a, b) => a - b);
    expect(mirrored).toHaveLength(lefts.length);
    mirrored.forEach((left, i) => expect(Math.abs(left - lefts[i]!)).toBeLessThan(0.04 * frame.width));
  });

  it('places boxes in the picture, whatever its shape', async () => {
    for (const change of [
      { left: 0, top: 0, width: 800, height: 1500 },
      { left: 0, top: 300, width: 1900, height: 900 },
    ]) {
      const frame = await photoFrame(6, { models, change: (image) => image.extract(change) });
      const found = await peopleOf(frame);
      expect(found.length).toBeGreaterThan(0);
      for (const { box } of found) {
        expect(box.left).toBeGreaterThanOrEqual(0);
        expect(box.top).toBeGreaterThanOrEqual(0);
        expect(box.left + box.width).toBeLessThanOrEqual(frame.width);
        expect(box.top + box.height).toBeLessThanOrEqual(frame.height);
      }
    }
  });

  it('counts against what is wanted: expectation before parameter, text or number', async () => {
    const frame = await photoFrame(6, { models });
    const ok = (raw: number, quality: number) => expect.objectContaining({ status: 'ok', raw, quality }) as unknown;
    expect(await assess(frame, { expect: { people: 4 } })).toMatchObject({
      'people.count': ok(4, 100),
      'people.off': ok(0, 100),
    });
    expect(await assess(frame, { params: { people: 1 }, expect: { people: '3' } })).toMatchObject({
      'people.off': ok(1, 50),
    });
    expect(await assess(frame, { params: { people: 1 } })).toMatchObject({ 'people.off': ok(3, 0) });
    expect(await assess(frame)).toMatchObject({
      'people.count': ok(4, 100),
      'people.off': { status: 'unassessable', reason: 'not-applicable' },
    });
    expect(await assess(frame, { expect: { people: 'many' } })).toMatchObject({
      'people.off': { status: 'unassessable' },
    });
  });

  it('says where they are', async () => {
    const { 'people.count': count } = await assess(await photoFrame(1, { models }));
    const boxes = count?.status === 'ok' ? (count.facts?.['boxes'] as unknown[]) : [];
    expect(boxes).toHaveLength(3);
    for (const box of boxes as Record<string, unknown>[]) {
      expect(Object.keys(box)).toEqual(['left', 'top', 'width', 'height', 'label', 'score']);
      expect(box['label']).toBe('person');
    }
  });

  it('nobody on an empty staircase', async () => {
    const stairs = { left: 0, top: 0, width: 380, height: 400 };
    expect(await peopleOf(await photoFrame(5, { models, change: (image) => image.extract(stairs) }))).toEqual([]);
  });

  it('says which model is missing', async () => {
    await expect(assess(await photoFrame(1))).rejects.toMatchObject({
      reason: 'model-missing',
      facts: { model: 'centernet' },
    });
  });
});
