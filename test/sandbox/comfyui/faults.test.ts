import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFECT_NAMES } from '../../../sandbox/painter/index.js';
import { startSandbox } from '../../support/sandbox.js';
import { noise, txt2img } from './graphs.js';
import { closeAll, run, start, submit, types } from './harness.js';

afterEach(closeAll);

describe('labels', () => {
  it('are told by the admin port, and by no public answer', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: txt2img({ seed: 3, prefix: 'a' }) });
    const labels = await comfy.labels();
    expect(labels[s.id(1)]).toMatchObject({
      seed: 3,
      prompt: 'a red mug on a white background',
      labels: { defects: {} },
    });
    for (const path of [
      `/history/${s.id(1)}`,
      `/api/jobs/${s.id(1)}`,
      '/api/jobs',
      '/history',
      '/queue',
      '/features',
      '/labels',
      '/log',
    ]) {
      await s.get(path);
    }
    const png = Buffer.from(await (await fetch(`${comfy.url}/view?filename=a_00001_.png`)).arrayBuffer());
    expect(png.includes('tEXtprompt')).toBe(true);
    const said = JSON.stringify(s.transcript) + png.toString('latin1');
    for (const name of [...DEFECT_NAMES, 'hasDefect', 'defect', 'defects', 'strength', 'threshold']) {
      expect(said, name).not.toMatch(new RegExp(`(?<![a-z])${name}(?![a-z])`, 'i'));
    }
    expect((await fetch(`${comfy.url}/labels`)).status).toBe(404);
  });
});

describe('faults', () => {
  const png = 'filename=a_00001_.png';

  it('spoil the next downloads as asked, and no more', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a', size: 64 }) });
    const whole = Buffer.from(await (await fetch(`${comfy.url}/view?${png}`)).arrayBuffer());
    await comfy.config({ fault: { truncateViews: 1 } });
    expect((await (await fetch(`${comfy.url}/view?${png}`)).arrayBuffer()).byteLength).toBe(whole.length >> 1);
    await comfy.config({ fault: { cutViews: 1 } });
    await expect(fetch(`${comfy.url}/view?${png}`).then((r) => r.arrayBuffer())).rejects.toThrow();
    await comfy.config({ fault: { textViews: 1 } });
    expect((await fetch(`${comfy.url}/view?${png}`)).headers.get('content-type')).toContain('text/plain');
    expect(Buffer.from(await (await fetch(`${comfy.url}/view?${png}`)).arrayBuffer()).equals(whole)).toBe(true);
  });

  it('fail the seeds asked for, with and without a sampler', async () => {
    const { comfy, s } = await start();
    await comfy.config({ fault: { failSeeds: [7] } });
    expect(types(await run(s, { n: 1, graph: txt2img({ seed: 7, prefix: 'a' }) }))).toContain('execution_error');
    expect(types(await run(s, { n: 2, graph: noise({ seed: 7, prefix: 'a' }) }))).toContain('execution_error');
    expect(types(await run(s, { n: 3, graph: noise({ seed: 8, prefix: 'a' }) }))).toContain('execution_success');
    expect((await comfy.log()).map((e) => e.status)).toEqual(['error', 'error', 'success']);
  });

  it('refuse connections for a while, and lose nothing', async () => {
    const { comfy, s } = await start({ secondsPerImage: 0.2 });
    await submit(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    await comfy.config({ fault: { refuseMs: 400 } });
    await expect(fetch(`${comfy.url}/prompt`)).rejects.toThrow();
    const answers = async (): Promise<unknown> => {
      const answer = await fetch(`${comfy.url}/api/jobs/${s.id(1)}`).catch(() => undefined);
      return answer && ((await answer.json()) as { status: string }).status;
    };
    await expect.poll(answers, { timeout: 10_000 }).toBe('completed');
  });

  it('is forgotten on reset, with log and labels', async () => {
    const { comfy, s } = await start();
    await run(s, { n: 1, graph: txt2img({ seed: 1, prefix: 'a' }) });
    await comfy.config({ fault: { textViews: 1 } });
    await comfy.reset();
    expect([await comfy.log(), await comfy.labels()]).toEqual([[], {}]);
    expect((await fetch(`${comfy.url}/view?${png}`)).headers.get('content-type')).toBe('image/png');
  });
});

it('leaves no temporary folder behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-test-'));
  vi.stubEnv('TMPDIR', folder);
  const comfy = await startSandbox();
  expect(await readdir(folder)).toHaveLength(1);
  await comfy.close();
  expect(await readdir(folder)).toEqual([]);
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});
