/** Groups of looks: an input that differs between the candidates of one request, through the whole pipeline. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readRelease } from '../../cli/release.js';
import type { GenerateOptions } from '../../client/request.js';
import type { CandidateRecord, ResultDoc } from '../../workflows/contract.js';
import { runCli } from '../support/cli.js';
import { openPipeline, PROMPT, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { temporalAddress } from '../support/temporal-address.js';

let sandboxes: TestSandbox[];
let pipeline: Pipeline;
beforeAll(async () => {
  sandboxes = await Promise.all([startSandbox({ secondsPerImage: 0.05 }), startSandbox({ secondsPerImage: 0.05 })]);
  const comfyUrls = sandboxes.map(({ url }) => url);
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls });
});
afterAll(async () => {
  await pipeline.close();
  await Promise.all(sandboxes.map((sandbox) => sandbox.close()));
});
beforeEach(() => Promise.all(sandboxes.map((sandbox) => sandbox.config({ secondsPerImage: 0.05 }))));

const TEMPLATE = 'examples/templates/product.json';
const RANK = 'rank: { sharpness.tileP90: 1 }\n';
/** A request of the product template that varies its steps over 4, 6 and 8. */
async function generate(policy: string, differences: Partial<GenerateOptions> = {}): Promise<string> {
  const policyPath = join(pipeline.dir, 'policy.yaml');
  await writeFile(policyPath, `policy: looks\n${policy}`);
  const release = await readRelease(TEMPLATE, { policyPath, scorers: [], allowNodes: [] });
  const vary = { input: 'steps', values: [4, 6, 8] };
  return pipeline.generate({ release, vary, candidates: undefined, ...differences });
}
const groupsOf = (records: readonly { group?: string }[]) =>
  records.reduce<Record<string, number>>(
    (counts, { group = 'none' }) => ({ ...counts, [group]: (counts[group] ?? 0) + 1 }),
    {},
  );
/** What the sandbox that drew a prompt knows of it. */
async function stepsDrawn(promptId: string): Promise<unknown> {
  for (const { url } of sandboxes) {
    const history = (await (await fetch(`${url}/history/${promptId}`)).json()) as Record<string, { prompt: unknown[] }>;
    const graph = history[promptId]?.prompt[2] as Record<string, { inputs: Record<string, unknown> }> | undefined;
    if (graph) return graph['3']?.inputs['steps'];
  }
  return undefined;
}
const rejecting = (steps: string) =>
  `gates: { business: { steps: { rule: 'request.inputs.steps != ${steps}', reason: so many steps } } }\n`;

describe('a request that varies an input', () => {
  test('draws each candidate with a value, which its record and the winners name', async () => {
    const request = await generate(RANK, { deliver: 3, candidates: 6 });
    const { result, records } = await pipeline.end(request);
    expect(result.state).toBe('delivered');
    expect(groupsOf(records)).toEqual({ 4: 2, 6: 2, 8: 2 });
    for (const { candidate, group } of result.delivered) expect(group).toBe(records[candidate]?.group);
    // ComfyUI drew it with that value
    for (const { promptId, group } of records) expect(await stepsDrawn(promptId ?? '')).toBe(Number(group));
    const winners = (await pipeline.cull.winners(request, { after: 0 }).next()).value;
    expect(winners).toMatchObject({ event: { joined: [{ group: expect.stringMatching(/^[468]$/) as string }] } });
  });

  test('meets the minimum of each, and draws no more of one that has it', async () => {
    const { result, records } = await pipeline.end(await generate(`${RANK}minPerGroup: 2\n`, { deliver: 6 }));
    expect(result).toMatchObject({ state: 'delivered', wanted: 6, shortfall: null });
    expect(groupsOf(result.delivered)).toEqual({ 4: 2, 6: 2, 8: 2 });
    expect(records.length).toBeLessThan(64);
  });

  test('rules read the value of the candidate; a look that cannot be had is a shortfall that names it', async () => {
    const policy = `${rejecting('8')}${RANK}minPerGroup: { 4: 1, 8: 2 }\n`;
    const { result, records } = await pipeline.end(await generate(policy, { deliver: 4, cap: 16, hurry: 0.1 }));
    expect(result).toMatchObject({ state: 'shortfall', shortfall: { missing: 2, missingPerGroup: { 8: 2 } } });
    expect(result.delivered).toHaveLength(2);
    for (const { verdict, group } of records) if (verdict) expect(verdict.pass).toBe(group !== '8');
    // once the others had their share, only the one that lacks was drawn
    const drawn = groupsOf(records);
    expect(drawn['8']).toBeGreaterThan((drawn['4'] ?? 0) + (drawn['6'] ?? 0));
  });

  test('resumed, it keeps the value of each candidate that was drawn', async () => {
    for (const sandbox of sandboxes) await sandbox.config({ secondsPerImage: 0.4 });
    const request = await generate(`${RANK}minPerGroup: 2\n`, { deliver: 6 });
    for await (const { progress } of pipeline.cull.watch(request)) if ((progress?.state.drawn ?? 0) >= 2) break;
    await pipeline.cull.cancel(request);
    const before = (await pipeline.end(request)).records.filter(({ image }) => image !== null);
    expect(before.length).toBeGreaterThanOrEqual(2);
    await pipeline.cull.resume(request);
    const { result, records } = await pipeline.end(request);
    expect(groupsOf(result.delivered)).toEqual({ 4: 2, 6: 2, 8: 2 });
    const kept = (all: readonly CandidateRecord[]) =>
      before
        .map(({ candidate }) => all.find((one) => one.candidate === candidate))
        .map((one) => [one?.group, one?.image?.sha256]);
    expect(kept(records)).toEqual(kept(before));
  });

  test('values that do not fit the template fail the request, in words', async () => {
    const { result } = await pipeline.end(await generate(RANK, { vary: { input: 'steps', values: ['few'] } }));
    expect(result).toMatchObject({ state: 'failed', error: { code: 'TEMPLATE_INPUT_INVALID' } });
  });

  test('the same key with other values is another request', async () => {
    await generate(RANK, { key: 'values', deliver: 1, candidates: 1 });
    const other = generate(RANK, {
      key: 'values',
      deliver: 1,
      candidates: 1,
      vary: { input: 'steps', values: [4, 6] },
    });
    await expect(other).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
  });
});

test('generate --vary: prompts with commas, and the winners in words', async () => {
  const values = JSON.stringify([PROMPT, PROMPT.replace('green bottle', 'red mug, with a handle')]);
  const args = ['-i', 'width=128', '-i', 'height=128', '-k', '2', '-n', '4', '--seed', '7', '--key', 'looks'];
  const run = await runCli(
    ['generate', TEMPLATE, '-p', 'examples/policies/generic.yaml', '--vary', `prompt=${values}`, ...args],
    { env: pipeline.env, cwd: pipeline.dir },
  );
  expect(run.stderr).toContain('2 values of prompt');
  expect(run).toMatchObject({ code: 0 });
  expect(run.stdout).toMatch(/rank +candidate +quality +seed +group/);
  const result = (await pipeline.cull.result('looks')) as ResultDoc;
  expect(result.delivered.every(({ group }) => group !== undefined)).toBe(true);
  await rm(join(pipeline.dir, 'out'), { recursive: true, force: true });
});
