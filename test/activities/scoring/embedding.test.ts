import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { float32, fromFloat32 } from '../../../activities/float32.js';
import { createScorePool, type ScorePool } from '../../../activities/scoring/pool.js';
import { imageEmbedding } from '../../../scorers/clip/clip.js';
import { decodeFrame } from '../../../scorers/frame.js';
import { openModels } from '../../../scorers/models/sessions.js';
import { SMALL_CLIP, writeRandomClip } from '../../support/random-clip.js';
import { disc, png } from '../../scorers/synthetic.js';
import { policyOf, threshold } from '../../selection/samples.js';

const policy = policyOf([threshold({ dimension: 'resolution.longSide', on: 'raw', accept: { min: 100 } })]);

let folder: string;
let pool: ScorePool;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cull-embedding-'));
  await writeRandomClip(join(folder, 'clip'), SMALL_CLIP);
  pool = await createScorePool({ threads: 1, models: { folder } });
}, 60_000);
afterAll(async () => {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

describe('the embedding of a scored image', () => {
  it('comes with its scores, which name the towers', async () => {
    const bytes = await png(disc({ side: 128 }));
    const { embedding, scores } = await pool.score({ bytes, policy, explain: 'gates', prompt: 'a grey disc' });
    const decoded = await decodeFrame(bytes, { models: openModels({ folder }) });
    if (!decoded.ok) throw new Error(decoded.detail);
    expect(embedding).toEqual(await imageEmbedding(decoded.frame));
    const hash = expect.stringMatching(/^[0-9a-f]{64}$/) as string;
    expect(scores['alignment.margin']).toMatchObject({
      status: 'ok',
      scorer: 'alignment@1.0.0',
      models: { 'clip/vision': hash, 'clip/text': hash },
    });
  });

  it('is there without a prompt, and not where a cheap gate has said no', async () => {
    const seen = await pool.score({ bytes: await png(disc({ side: 128 })), policy, explain: 'gates' });
    expect(seen.embedding).toHaveLength(SMALL_CLIP.dimensions);
    const small = await pool.score({ bytes: await png(disc({ side: 64 })), policy, explain: 'gates' });
    expect(small.embedding).toBeNull();
  });

  it('is stored as float32, little-endian', () => {
    const stored = float32(Float32Array.of(1, -2.5));
    expect([...stored]).toEqual([0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0]);
    expect(fromFloat32(stored)).toEqual(Float32Array.of(1, -2.5));
    // as it comes from storage: somewhere in a larger buffer
    expect(fromFloat32(Buffer.concat([Buffer.from('x'), stored]).subarray(1))).toEqual(Float32Array.of(1, -2.5));
  });
});
