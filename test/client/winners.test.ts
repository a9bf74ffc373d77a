/** The first passing image at once: the winners so far through the library and the command line, on a real server, with a worker that dies. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Cull } from '../../client/cull.js';
import type { WinnersStep } from '../../client/winners.js';
import type { ResultDoc } from '../../workflows/contract.js';
import { runCli, startCli } from '../support/cli.js';
import { openPipeline, PROMPT, type Pipeline } from '../support/pipeline.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { startWorker } from '../support/worker-process.js';
import { temporalAddress } from '../support/temporal-address.js';

let sandbox: TestSandbox;
let pipeline: Pipeline;
beforeAll(async () => {
  sandbox = await startSandbox({ secondsPerImage: 0.05 });
  pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
});
afterAll(async () => {
  await pipeline.close();
  await sandbox.close();
});
beforeEach(() => sandbox.config({ secondsPerImage: 0.05 }));

async function toEnd(
  cull: Cull,
  request: string,
  options: { after?: number; seen?: (step: WinnersStep) => Promise<void> } = {},
): Promise<{ steps: WinnersStep[]; result: ResultDoc }> {
  const { after, seen } = options;
  const watching = cull.winners(request, after === undefined ? {} : { after });
  const steps: WinnersStep[] = [];
  for (;;) {
    const step = await watching.next();
    if (step.done) return { steps, result: step.value };
    steps.push(step.value);
    await seen?.(step.value);
  }
}

const picked = (winners: readonly { candidate: number; rank: number; quality: number }[]) =>
  winners.map(({ candidate, rank, quality }) => ({ candidate, rank, quality }));

/** What holds for every request that delivered. */
function expectWhole({ steps, result }: Awaited<ReturnType<typeof toEnd>>): void {
  expect(steps.map(({ event }) => event.event)).toEqual(steps.map((_, i) => i + 1));
  expect(steps.at(-1)?.event).toMatchObject({ kind: 'end', state: result.state });
  expect(picked(steps.at(-1)?.winners ?? [])).toEqual(picked(result.delivered));
  expect(steps.at(-1)?.winners.map(({ url }) => url)).toEqual(result.delivered.map(({ url }) => url));
}

describe('Cull.winners', () => {
  test('shows the first image while the rest is drawn, and ends with what was delivered', async () => {
    await sandbox.config({ secondsPerImage: 0.3 });
    const request = await pipeline.generate({ deliver: 2, candidates: 6 });
    let wasOpen: boolean | undefined;
    const all = await toEnd(pipeline.cull, request, {
      seen: async ({ event }) => {
        if (event.event === 1) wasOpen = (await pipeline.cull.result(request)) === undefined;
      },
    });
    expect(wasOpen).toBe(true);
    expectWhole(all);
    expect(all.result.delivered).toHaveLength(2);
    // whoever comes back sees what it has not seen yet, under the same numbers
    const [, , third] = all.steps;
    const rest = await toEnd(pipeline.cull, request, { after: 2 });
    expect(rest.steps).toEqual(all.steps.slice(2));
    expect(rest.steps[0]).toEqual(third);
  });

  test('survives a worker that dies: no gap, nothing twice', async () => {
    await sandbox.config({ secondsPerImage: 0.3 });
    const request = await pipeline.generate({ deliver: 3, candidates: 8, seed: 5 });
    let worker: Awaited<ReturnType<typeof startWorker>> | undefined;
    const all = await toEnd(pipeline.cull, request, {
      seen: async ({ event }) => {
        if (event.event !== 1) return;
        await pipeline.worker.kill('SIGKILL');
        worker = await startWorker(pipeline.env);
      },
    });
    expectWhole(all);
    await worker?.kill('SIGTERM');
  });
});

describe('--stream', () => {
  beforeAll(async () => {
    await pipeline.close();
    pipeline = await openPipeline({ address: temporalAddress, comfyUrls: [sandbox.url] });
  });
  const args = (key: string) => [
    ...['generate', 'examples/templates/product.json', '-p', 'examples/policies/generic.yaml'],
    ...['-i', `prompt=${PROMPT}`, '-i', 'width=128', '-i', 'height=128'],
    ...['-k', '2', '-n', '6', '--seed', '7', '--key', key],
  ];
  const cli = (...given: string[]) => runCli(given, { env: pipeline.env, cwd: pipeline.dir });
  const files = async (folder: string) => (await readdir(join(pipeline.dir, folder))).sort();

  test('writes each winner so far as it passes; the folder ends as it would without', async () => {
    await sandbox.config({ secondsPerImage: 0.5 });
    const running = startCli([...args('streamed'), '--stream'], { env: pipeline.env, cwd: pipeline.dir });
    await running.saw('winner so far');
    expect((await files('out/streamed')).filter((name) => /^0[12]-candidate-\d{4}\.png$/.test(name))).not.toEqual([]);
    expect(await pipeline.cull.result('streamed')).toBeUndefined();
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('Delivered 2 of 2');
    const streamed = await files('out/streamed');
    await cli('watch', 'streamed', '--out', 'plain');
    expect(streamed).toEqual(await files('plain/streamed'));
  });

  test('--json: an event a line, then the result', async () => {
    const { code, stdout } = await cli(...args('lines'), '--stream', '--json');
    expect(code).toBe(0);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event?: number; winners?: number[]; joined?: { url: string }[] });
    const result = lines.at(-1) as unknown as ResultDoc;
    const events = lines.slice(0, -1);
    expect(result).toMatchObject({ request: 'lines', state: 'delivered' });
    expect(events.map(({ event }) => event)).toEqual(events.map((_, i) => i + 1));
    expect(events[0]?.joined?.[0]?.url).toMatch(/^file:.*\/candidates\/\d{4}\.png$/);
    expect(events.at(-1)).toMatchObject({
      kind: 'end',
      winners: result.delivered.map(({ candidate }) => candidate),
    });
  });

  test('what an interrupted one left is put right by the next, with or without --stream', async () => {
    await sandbox.config({ secondsPerImage: 0.5 });
    const running = startCli([...args('again'), '--stream'], { env: pipeline.env, cwd: pipeline.dir });
    await running.saw('winner so far');
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
    await cli('watch', 'again');
    const [left, winners] = [await files('out/again'), (await pipeline.cull.result('again'))?.delivered];
    expect(left.filter((name) => /^\d\d-/.test(name))).toEqual(
      winners?.map(({ rank, candidate }) => `0${rank}-candidate-${String(candidate).padStart(4, '0')}.png`),
    );
  });

  test('cannot be had with --detach', async () => {
    expect((await cli(...args('detached'), '--stream', '--detach')).code).toBe(2);
  });
});
