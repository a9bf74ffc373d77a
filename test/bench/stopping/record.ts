/**
 * Records verdicts for bench:stopping: 40 requests of 64 candidates, painted, measured and judged by the product policy as the sandbox's
 * requests are. Seeds that no other benchmark uses.
 *
 *   npx tsx test/bench/stopping/record.ts
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { createScorePool } from '../../../activities/scoring/pool.js';
import { COLOURS, OBJECTS, paint, PAINTER_VERSION } from '../../../sandbox/painter/index.js';
import { dimensionsOf } from '../../../scorers/registry.js';
import { parsePolicy } from '../../../selection/policy-file.js';
import { TRACES, type TraceLine } from './traces.js';

const [REQUESTS, CANDIDATES, SEED, SIDE] = [40, 64, 31_000_000, 512] as const;
const POLICY = fileURLToPath(new URL('../../../examples/policies/product.yaml', import.meta.url));

const pool = await createScorePool({ threads: availableParallelism() });
const policy = parsePolicy(await readFile(POLICY, 'utf8'), { file: POLICY, dimensions: dimensionsOf(pool.scorers) });

async function verdictOf(prompt: string, seed: number): Promise<'p' | 'f'> {
  const { data, width, height } = await paint({ prompt, seed, width: SIDE, height: SIDE });
  const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  const { verdict } = await pool.score({ bytes, policy, prompt, explain: 'gates' });
  return verdict.pass ? 'p' : 'f';
}

const lines: string[] = [];
for (let request = 0; request < REQUESTS; request++) {
  const colours = Object.keys(COLOURS);
  const prompt = `product photo of a ${colours[(request * 7) % colours.length]} ${OBJECTS[request % OBJECTS.length]} on a white background`;
  const seed = SEED + request * CANDIDATES;
  const verdicts = await Promise.all(Array.from({ length: CANDIDATES }, (_, index) => verdictOf(prompt, seed + index)));
  lines.push(
    JSON.stringify({ prompt, seed, painter: PAINTER_VERSION, verdicts: verdicts.join('') } satisfies TraceLine),
  );
}
await mkdir(new URL('.', TRACES), { recursive: true });
await writeFile(TRACES, `${lines.join('\n')}\n`);
await pool.close();
