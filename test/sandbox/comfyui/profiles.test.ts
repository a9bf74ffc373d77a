import { afterEach, describe, expect, it } from 'vitest';
import { PROFILES, type ProfileVersion } from '../../../sandbox/comfyui/index.js';
import { changed, noise, txt2img, type Graph } from './graphs.js';
import { closeAll, run, start, submit, types } from './harness.js';
import type { Session } from './session.js';

afterEach(closeAll);

const graph = (seed: number): Graph => noise({ seed, prefix: 'a' });

async function status(url: string, path: string, init?: RequestInit): Promise<number> {
  return (await fetch(url + path, init)).status;
}

/** Submits a prompt that hangs in its sampler; resolves to its id when it does. */
async function begin(s: Session): Promise<string> {
  const answer = await s.post('/prompt', { prompt: graph(1), client_id: s.alice });
  const { prompt_id: promptId } = answer as { prompt_id: string };
  await s.executing(s.alice, { promptId, node: '2' });
  return promptId;
}

describe('versions', () => {
  it.each(PROFILES)('%s says which it is', async (profile) => {
    const { s } = await start({ profile });
    expect(await s.get('/system_stats')).toMatchObject({ system: { comfyui_version: profile } });
  });

  it.each<[ProfileVersion, Record<string, number>]>([
    ['0.3.40', { '/features': 404, '/api/jobs': 404, '/api/jobs/x': 404 }],
    ['0.16.3', { '/features': 200, '/api/jobs': 200, '/api/jobs/x': 404 }],
    ['0.33.0', { '/features': 200, '/api/jobs': 200, '/api/jobs/x': 404 }],
  ])('%s has the routes of its time', async (profile, routes) => {
    const { comfy } = await start({ profile });
    for (const [path, code] of Object.entries(routes)) expect(await status(comfy.url, path), path).toBe(code);
  });

  it.each<[ProfileVersion, number]>([
    ['0.3.40', 405],
    ['0.18.2', 405],
    ['0.27.0', 200],
  ])('%s answers %i to the cancelling of many jobs', async (profile, code) => {
    const { comfy } = await start({ profile });
    const body = JSON.stringify({ job_ids: [] });
    expect(await status(comfy.url, '/api/jobs/cancel', { method: 'POST', body })).toBe(code);
  });

  it.each<[ProfileVersion, unknown, unknown]>([
    ['0.3.40', 'mine', expect.stringMatching(/^[0-9a-f-]{36}$/)],
    ['0.18.2', 'mine', 'mine'],
    ['0.18.2', null, 'None'],
    ['0.18.2', 5, '5'],
    ['0.18.2', true, 'True'],
    ['0.27.0', null, expect.stringMatching(/^[0-9a-f-]{36}$/)],
  ])('%s takes the prompt id %j as %j', async (profile, prompt_id, taken) => {
    const { s } = await start({ profile });
    expect(await s.post('/prompt', { prompt: graph(1), prompt_id })).toMatchObject({ prompt_id: taken });
  });

  it('0.27 refuses prompt ids that are not canonical', async () => {
    const { s } = await start({ profile: '0.27.0' });
    const answer = await s.post('/prompt', { prompt: graph(1), prompt_id: 'mine' });
    expect(answer).toMatchObject({ error: { type: 'invalid_prompt_id' } });
  });

  it('0.3.40 interrupts whatever runs, whichever prompt is named', async () => {
    const { comfy, s } = await start({ profile: '0.3.40', fault: { stallPrompts: 1 } });
    const id = await begin(s);
    await s.post('/interrupt', { prompt_id: s.id(9) });
    await s.ended(s.alice, id);
    expect((await comfy.log())[0]!.status).toBe('interrupted');
  });

  it('0.16.3 interrupts only the prompt that is named', async () => {
    const { comfy, s } = await start({ profile: '0.16.3', fault: { stallPrompts: 1 } });
    const id = await begin(s);
    await s.post('/interrupt', { prompt_id: s.id(9) });
    for (let i = 0; i < 5; i++) expect(await s.get(`/api/jobs/${id}`)).toMatchObject({ status: 'in_progress' });
    await s.post('/interrupt', { prompt_id: id });
    await s.ended(s.alice, id);
    expect((await comfy.log())[0]!.status).toBe('interrupted');
  });

  it('0.3.40 sends no progress_state and does not answer feature_flags', async () => {
    const { s } = await start({ profile: '0.3.40' });
    s.say(s.alice, { type: 'feature_flags', data: { supports_preview_metadata: true } });
    const { prompt_id: id } = (await s.post('/prompt', { prompt: graph(1), client_id: s.alice })) as {
      prompt_id: string;
    };
    await s.ended(s.alice, id);
    const seen = new Set(s.transcript.ws[s.alice]!.map((e) => e.type));
    expect(seen).not.toContain('progress_state');
    expect(seen).not.toContain('feature_flags');
  });

  it.each<[ProfileVersion, string]>([
    ['0.3.40', 'invalid_prompt'],
    ['0.16.3', 'missing_node_type'],
  ])('%s calls an unknown class %s', async (profile, type) => {
    const { s } = await start({ profile });
    const answer = await s.post('/prompt', { prompt: { '1': { class_type: 'Nope', inputs: {} } } });
    expect(answer).toMatchObject({ error: { type } });
  });

  it.each<[ProfileVersion, string[]]>([
    ['0.18.2', []],
    ['0.27.0', ['2', '3']],
  ])('%s gives reasons for a cycle at the nodes %j', async (profile, nodes) => {
    const { s } = await start({ profile });
    const answer = await s.post('/prompt', { prompt: changed(graph(1), '2', { image: ['3', 0] }) });
    expect(answer).toMatchObject({ error: { type: 'prompt_outputs_failed_validation' } });
    expect(Object.keys((answer as { node_errors: object }).node_errors)).toEqual(nodes);
  });

  it('from 0.30 on the history names a cached output to those without client id, too', async () => {
    for (const [profile, outputs] of [
      ['0.27.0', 0],
      ['0.30.0', 1],
    ] as const) {
      const { comfy, s } = await start({ profile });
      for (const n of [1, 2]) await s.post('/prompt', { prompt: graph(1), prompt_id: s.id(n) });
      await expect.poll(async () => (await comfy.log()).map((e) => e.status)).toEqual(['success', 'success']);
      const history = (await s.get(`/history/${s.id(2)}`)) as Record<string, { outputs: object }>;
      expect(Object.keys(history[s.id(2)]!.outputs), profile).toHaveLength(outputs);
    }
  });

  it('0.18 has no output at SaveImage, the old categories, and no nosniff', async () => {
    const { comfy, s } = await start({ profile: '0.18.2' });
    expect(await s.get('/object_info/SaveImage')).toMatchObject({ SaveImage: { output: [], output_name: [] } });
    expect(await s.get('/object_info/KSampler')).toMatchObject({ KSampler: { category: 'sampling' } });
    await run(s, { n: 1, graph: graph(1) });
    const view = await fetch(`${comfy.url}/view?filename=a_00001_.png`);
    expect(view.headers.get('x-content-type-options')).toBeNull();
  });
});

describe('sampler previews', () => {
  const sampler = (seed: number): Graph => txt2img({ seed, prefix: 'a', steps: 3, size: 64 });
  /** Kinds of the binary frames that came, each with its format or the length of its metadata. */
  const frames = (events: readonly { type: string; data: Record<string, unknown> }[]): unknown[] =>
    events.filter((e) => e.type === 'binary').map((e) => e.data.kind);

  it('are off unless the server or the prompt wants them', async () => {
    const { s } = await start();
    await run(s, { n: 1, graph: sampler(1) });
    expect(frames(s.transcript.ws[s.alice]!)).toEqual([]);
    const extra_data = { preview_method: 'latent2rgb' };
    await s.post('/prompt', { prompt: sampler(2), client_id: s.alice, prompt_id: s.id(2), extra_data });
    await s.ended(s.alice, s.id(2));
    expect(frames(s.transcript.ws[s.alice]!)).toEqual([1, 1, 1]);
  });

  it('can be on for all, and follow the step; with metadata they come before it', async () => {
    const { s } = await start({ previewMethod: 'auto' });
    await submit(s, { n: 1, graph: sampler(1) });
    await s.ended(s.alice, s.id(1));
    const kinds = (): string[] =>
      s.transcript.ws[s.alice]!.map((e) => e.type).filter((t) => /binary|^progress$/.test(t));
    expect(kinds()).toEqual(['progress', 'binary', 'progress', 'binary', 'progress', 'binary']);
    s.say(s.alice, { type: 'feature_flags', data: { supports_preview_metadata: true } });
    await s.until(s.alice, (events) => events.some((e) => e.type === 'feature_flags'));
    await submit(s, { n: 2, graph: sampler(2) });
    await s.ended(s.alice, s.id(2));
    expect(kinds().slice(6)).toEqual(['binary', 'progress', 'binary', 'progress', 'binary', 'progress']);
    expect(frames(s.transcript.ws[s.alice]!)).toEqual([1, 1, 1, 4, 4, 4]);
  });

  it('can be turned off by the prompt', async () => {
    const { s } = await start({ previewMethod: 'auto' });
    const extra_data = { preview_method: 'none' };
    await s.post('/prompt', { prompt: sampler(2), client_id: s.alice, prompt_id: s.id(2), extra_data });
    await s.ended(s.alice, s.id(2));
    expect(types(s.transcript.ws[s.alice]!)).not.toContain('binary');
  });
});
