import { readdir, readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { CHECKPOINT, type Graph } from './graphs.js';
import { events, exchange } from './normalise.js';
import { SCENARIOS } from './scenarios.js';
import { Session, type Event, type Transcript } from './session.js';

const FIXTURES = new URL('../../fixtures/comfyui/', import.meta.url);
/** Scenarios in which prompts are put while another runs: where `status` lands among its events is a race. */
const RACING = new Set(['queue']);

async function fixture<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(new URL(name, FIXTURES), 'utf8')) as T;
}

let comfy: TestSandbox;
beforeEach(async () => {
  comfy = await startSandbox({ checkpoints: [CHECKPOINT] });
});
afterEach(() => comfy.close());

describe('answers as the recorded ComfyUI 0.30', () => {
  it('has a recording for each scenario, and no other', async () => {
    const names = (await readdir(FIXTURES)).filter((n) => n.endsWith('.json') && !n.startsWith('transcripts'));
    expect(names.sort()).toEqual(
      Object.keys(SCENARIOS)
        .map((name) => `${name}.json`)
        .sort(),
    );
  });

  it.each(Object.keys(SCENARIOS))('%s', async (name) => {
    const recorded = await fixture<Transcript>(`${name}.json`);
    if (name === 'queue') await comfy.config({ secondsPerImage: 2 });
    const session = new Session(comfy.url, 'abcd0123');
    await SCENARIOS[name]!(session);
    await session.close();
    const here = { before033: true, tag: session.tag };
    const there = { before033: true, tag: '' };
    const status = !RACING.has(name);
    expect(session.transcript.http.map((e) => exchange(e, here))).toEqual(recorded.http.map((e) => exchange(e, there)));
    for (const [client, seen] of Object.entries(recorded.ws)) {
      const own = session.transcript.ws[client.replace('TAG', session.tag)] ?? [];
      expect(events(own, { ...here, status })).toEqual(events(seen, { ...there, status }));
      if (!status)
        expect(own.filter((e) => e.type === 'status').length).toBe(seen.filter((e) => e.type === 'status').length);
    }
  });
});

interface Recorded {
  readonly ws: Event[];
  readonly history: Record<string, { prompt: [number, string, Graph, unknown, string[]] }>;
  readonly job: unknown;
}

describe('answers as the recorded ComfyUI 0.33', () => {
  it('plays the transcripts in their order on one server', async () => {
    const { handshake, ...runs } = await fixture<Record<string, Recorded> & { handshake: Event[] }>(
      'transcripts-0.33.json',
    );
    const session = new Session(comfy.url, '');
    const client = '11111111-2222-4333-8444-555555555555';
    const tolerance = { before033: false, tag: '' };
    await session.connect(client);
    const seen = session.transcript.ws[client]!;
    expect(events(seen, { ...tolerance, status: true })).toEqual(events(handshake, { ...tolerance, status: true }));
    await session.upload('/upload/image', { image: ['bad.png', 'not a picture'] });
    for (const [name, { ws, history, job }] of Object.entries(runs)) {
      const start = seen.length;
      const [number, promptId, prompt] = Object.values(history)[0]!.prompt;
      await session.post('/prompt', { prompt, prompt_id: promptId, client_id: client });
      if (name === 'interrupted') {
        await session.executing(client, { promptId, node: '2' });
        await session.post('/interrupt', { prompt_id: promptId });
      }
      await session.ended(client, promptId);
      const order = (list: readonly Event[]): unknown[] => events(list.map(named), { ...tolerance, status: true });
      expect(order(seen.slice(start)), name).toEqual(order(ws));
      expect(number).toBeTypeOf('number');
      const wrap = (body: unknown): unknown =>
        exchange({ request: { method: '', path: '' }, response: { status: 200, headers: {}, body } }, tolerance);
      expect(wrap(await session.get(`/history/${promptId}`)), name).toEqual(wrap(history));
      expect(wrap(await session.get(`/api/jobs/${promptId}`)), name).toEqual(wrap(job));
    }
    await session.close();
  });
});

/** Binary frames are written down differently by the two recorders; here only their place counts. */
function named(event: Event): Event {
  return 'type' in event && event.type !== 'binary' ? event : { type: 'binary', data: {} };
}
