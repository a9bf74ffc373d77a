/** A scoring pool under attack: what must hold after each file. */
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { createScorePool, type ScorePool, type ScorePoolOptions } from '../../activities/scoring/pool.js';
import type { ScoreResult } from '../../activities/scoring/task.js';
import type { ModelOptions } from '../../scorers/models/sessions.js';
import { parsePolicy } from '../../selection/policy-file.js';
import { pulledModels } from '../support/models.js';
import { subject } from './hostile-files.js';
import { png } from './synthetic.js';

export const policy = parsePolicy('policy: none\ngates: {}\n', { file: 'none.yaml', dimensions: {} });

/** Every model that a test can have: those of npm, and the tiny CLIP of the sandbox. */
export async function allModels(): Promise<ModelOptions> {
  const clip = fileURLToPath(new URL('../../examples/models/cull/sandbox-clip', import.meta.url));
  return { folder: await pulledModels(), use: { clip } };
}

/** All but the clock. */
export function measured({ image, scores, embedding }: ScoreResult): unknown {
  return { image, scores, embedding: embedding && [...embedding] };
}

export interface Siege {
  pool: ScorePool;
  /** Scores a file; whatever is in it, every dimension has a clear answer, and the next good picture has the scores of the first. */
  survive(bytes: Uint8Array, about: string): Promise<ScoreResult>;
  close(): Promise<void>;
}

/** @param options e.g. models; one thread, so that the good picture meets the thread that had the bad one */
export async function besiege(options: Partial<ScorePoolOptions> = {}): Promise<Siege> {
  const pool = await createScorePool({ threads: 1, taskTimeoutMs: 120_000, ...options });
  const good = await png(subject);
  const score = (bytes: Uint8Array): Promise<ScoreResult> => pool.score({ bytes, policy, explain: 'all' });
  const before = measured(await score(good));
  return {
    pool,
    async survive(bytes, about) {
      const result = await score(bytes);
      for (const [id, found] of Object.entries(result.scores)) {
        // a scorer that fell over, a thread that ended or had to be ended
        expect(found.status, `${about}: ${id} ${JSON.stringify(found)}`).not.toBe('error');
        expect(found, `${about}: ${id}`).not.toMatchObject({ reason: 'timeout' });
        if (found.status === 'ok') expect(Number.isFinite(found.raw) && Number.isFinite(found.quality)).toBe(true);
      }
      if (result.undecodable) expect(result.undecodable.detail.length, about).toBeGreaterThan(5);
      expect(measured(await score(good)), `the good picture after ${about}`).toEqual(before);
      return result;
    },
    close: () => pool.close(),
  };
}
