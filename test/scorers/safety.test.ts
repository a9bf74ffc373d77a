import { beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../scorers/frame.js';
import { safety, safetyClasses } from '../../scorers/generic/safety.js';
import type { Models } from '../../scorers/models/models.js';
import { openModels } from '../../scorers/models/sessions.js';
import { pulledModels } from '../support/models.js';
import { photoFrame, PEOPLE_IN_PHOTO } from '../support/photos.js';

let models: Models;
beforeAll(async () => {
  models = openModels({ folder: await pulledModels() });
}, 300_000);

const assess = (frame: Frame) => safety.assess(frame, { params: {} }, new AbortController().signal);

describe('safety', () => {
  // parties and short dresses: a hard case for false alarms. Recall is not measured: there are no such pictures here.
  it.each(PEOPLE_IN_PHOTO.map((_, i) => i + 1))('raises no false alarm on photo %i, mirrored or not', async (of) => {
    for (const change of [
      undefined,
      (image: Parameters<NonNullable<NonNullable<Parameters<typeof photoFrame>[1]>['change']>>[0]) => image.flop(),
    ]) {
      const frame = await photoFrame(of, { models, ...(change && { change }) });
      const { 'safety.unsafe': unsafe, 'safety.sexy': sexy } = await assess(frame);
      expect(unsafe).toMatchObject({ status: 'ok' });
      expect(sexy).toMatchObject({ status: 'ok' });
      expect(unsafe?.status === 'ok' && unsafe.raw).toBeLessThan(0.5);
    }
  });

  it('the five shares make one, and unsafe is two of them', async () => {
    const frame = await photoFrame(5, { models });
    const shares = await safetyClasses(frame);
    expect(Object.values(shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
    expect((await assess(frame))['safety.unsafe']).toMatchObject({ raw: shares.porn + shares.hentai });
  });

  it('says which model is missing', async () => {
    await expect(assess(await photoFrame(1))).rejects.toMatchObject({
      reason: 'model-missing',
      facts: { model: 'nsfw' },
    });
  });
});
