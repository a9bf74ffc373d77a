/** What every scorer from outside must do, however it is attached. Runs through the scoring pool, as its user would. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScorePool, type ScorePool } from '../../../activities/scoring/pool.js';
import type { Policy } from '../../../selection/types.js';
import { disc, draw, png } from '../synthetic.js';
import { policyOf } from '../../selection/samples.js';

export const policyWith = (params: Policy['params'] = {}): Policy => policyOf([], { params });

/**
 * @param name of the way in which the scorer is attached
 * @param start gives what stands in CULL_SCORERS, with scorers that measure the mean saturation of an image as `saturation.mean`, and
 *   know the parameter `wanted`
 */
export function conformance(
  name: string,
  start: () => Promise<{ specifier: string; end?: () => Promise<void> }>,
): void {
  describe(`a scorer attached as ${name}`, () => {
    let pool: ScorePool;
    let end: (() => Promise<void>) | undefined;
    beforeAll(async () => {
      const started = await start();
      end = started.end;
      pool = await createScorePool({ threads: 2, scorerModules: [started.specifier] });
    }, 300_000);
    afterAll(async () => {
      await pool.close();
      await end?.();
    });
    const saturation = async (bytes: Uint8Array, params: Policy['params'] = {}) => {
      const { scores } = await pool.score({ bytes, policy: policyWith(params), explain: 'all' });
      return scores['saturation.mean'];
    };

    it('declares exactly what it measures, in the registry beside the built-in ones', () => {
      const spec = pool.scorers.find((one) => one.spec.id === 'saturation')?.spec;
      expect(spec).toMatchObject({ version: '1.0.0', tier: 'generic' });
      expect(Object.keys(spec?.dimensions ?? {})).toEqual(['saturation.mean']);
    });

    it('measures: grey has none, pure red has all', async () => {
      expect(await saturation(await png(draw(64, 64, () => [128, 128, 128])))).toMatchObject({ status: 'ok', raw: 0 });
      expect(await saturation(await png(draw(64, 64, () => [255, 0, 0])))).toMatchObject({
        status: 'ok',
        raw: 1,
        scorer: 'saturation@1.0.0',
      });
    });

    it('gives the same answer for the same bytes, alone and among others', async () => {
      const bytes = await png(disc({ side: 128 }));
      const others = await Promise.all([32, 48, 64].map((side) => png(disc({ side }))));
      const alone = await saturation(bytes);
      const [together] = await Promise.all([bytes, ...others, bytes].map((file) => saturation(file)));
      expect(together).toEqual(alone);
      expect(alone).toMatchObject({ status: 'ok' });
    });

    it('reads the parameters of the policy', async () => {
      const red = await png(draw(64, 64, () => [255, 0, 0]));
      expect(await saturation(red, { saturation: { wanted: 1 } })).toMatchObject({ quality: 100 });
      expect(await saturation(red, { saturation: { wanted: 0 } })).toMatchObject({ quality: 0 });
    });

    it('says "cannot tell" for bytes that are no image, and goes on', async () => {
      expect(await saturation(Buffer.from('no image'))).toMatchObject({
        status: 'unassessable',
        reason: 'undecodable',
      });
      expect(await saturation(await png(draw(8, 8, () => [0, 0, 0])))).toMatchObject({ status: 'ok', raw: 0 });
    });
  });
}
