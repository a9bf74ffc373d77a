import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { noise, txt2img, type Graph } from './graphs.js';
import { closeAll, run, start, submit } from './harness.js';
import type { Session } from './session.js';

afterEach(closeAll);

/** A picture too large for the buffers between server and client. */
function large(seed: number): Graph {
  const { '1': empty, '2': noisy } = noise({ seed, prefix: 'a', size: 1600 });
  return { '1': empty!, '2': noisy!, '3': { class_type: 'SaveImageWebsocket', inputs: { images: ['2', 0] } } };
}

async function done(s: Session, n: number): Promise<void> {
  await expect.poll(() => s.get(`/api/jobs/${s.id(n)}`), { timeout: 20_000 }).toMatchObject({ status: 'completed' });
}

describe('a client that does not read', () => {
  it('holds up the events of all others, but neither HTTP nor the work; closing it lets them go', async () => {
    const { comfy, s } = await start();
    const stalled = new WebSocket(`${comfy.url.replace('http', 'ws')}/ws?clientId=${s.bob}`, { maxPayload: 0 });
    await once(stalled, 'message');
    stalled.pause();
    await submit(s, { n: 1, graph: large(1), client: s.bob });
    await done(s, 1);
    const before = s.transcript.ws[s.alice]!.length;
    await submit(s, { n: 2, graph: noise({ seed: 2, prefix: 'a' }) });
    await done(s, 2);
    await s.connect(s.id(902));
    expect(s.transcript.ws[s.id(902)]!.map((e) => e.type)).toEqual(['status']);
    expect(s.transcript.ws[s.alice]!.slice(before)).toEqual([]);
    stalled.terminate();
    await s.ended(s.alice, s.id(2));
    const types = s.transcript.ws[s.alice]!.slice(before).map((e) => e.type);
    expect(types).toEqual(expect.arrayContaining(['status', 'execution_start', 'execution_success', 'executing']));
  });

  it('lets them go, too, when it reads again', async () => {
    const { comfy, s } = await start();
    const stalled = new WebSocket(`${comfy.url.replace('http', 'ws')}/ws?clientId=${s.bob}`, { maxPayload: 0 });
    await once(stalled, 'message');
    stalled.pause();
    await submit(s, { n: 1, graph: large(1), client: s.bob });
    await done(s, 1);
    await submit(s, { n: 2, graph: noise({ seed: 2, prefix: 'a' }) });
    await done(s, 2);
    stalled.resume();
    await s.ended(s.alice, s.id(2));
    stalled.terminate();
  });
});

describe('a client id that connects twice', () => {
  it('falls silent when its first connection ends', async () => {
    const { s } = await start();
    const first = s.socketOf(s.alice);
    await s.connect(s.alice);
    await s.connect(s.bob);
    const heard = s.transcript.ws[s.alice]!;
    await run(s, { n: 1, graph: noise({ seed: 1, prefix: 'a' }) });
    expect(heard.map((e) => e.type)).toContain('execution_success');
    first.terminate();
    await once(first, 'close');
    const news = async (): Promise<number> => {
      const before = heard.length;
      await submit(s, { n: 2, graph: noise({ seed: 2, prefix: 'a' }), client: s.bob });
      await s.ended(s.bob, s.id(2));
      return heard.length - before;
    };
    await expect.poll(news).toBe(0); // as soon as the server has noticed the end
    expect(s.socketOf(s.alice).readyState).toBe(WebSocket.OPEN);
  });
});

describe('a prompt without client id', () => {
  const graph: Graph = {
    ...txt2img({ seed: 1, prefix: 'a', steps: 2, size: 64 }),
    '20': { class_type: 'GetImageSize', inputs: { image: ['8', 0] } },
    '21': { class_type: 'PreviewAny', inputs: { source: ['20', 0] } },
    '22': { class_type: 'SaveImageWebsocket', inputs: { images: ['8', 0] } },
  };

  it('shows its progress and pictures to all, without metadata, and nothing else', async () => {
    const { s } = await start({ previewMethod: 'auto' });
    s.say(s.alice, { type: 'feature_flags', data: { supports_preview_metadata: true } });
    await s.until(s.alice, (events) => events.some((e) => e.type === 'feature_flags'));
    await s.connect(s.bob);
    await s.post('/prompt', { prompt: graph, prompt_id: s.id(1) });
    const ended = (events: readonly { type: string }[]): boolean =>
      events.filter((e) => e.type === 'status').length === 4;
    for (const client of [s.alice, s.bob]) {
      await s.until(client, ended);
      const events = s.transcript.ws[client]!;
      const seen = new Set(events.map((e) => e.type));
      seen.delete('feature_flags');
      expect([...seen].sort()).toEqual(['binary', 'progress', 'progress_state', 'status']);
      const kinds = events.filter((e) => e.type === 'binary').map((e) => e.data.kind);
      expect(kinds.sort()).toEqual([1, 1, 1, 3]);
    }
  });

  it('tells all that it was interrupted', async () => {
    const { s } = await start({ fault: { stallPrompts: 1 } });
    await s.post('/prompt', { prompt: graph, prompt_id: s.id(1) });
    await s.until(s.alice, (events) => events.some((e) => e.type === 'progress_state'));
    await expect
      .poll(async () => {
        await s.post('/interrupt', { prompt_id: s.id(1) });
        return s.get(`/api/jobs/${s.id(1)}`);
      })
      .toMatchObject({ status: 'cancelled' });
    await s.until(s.alice, (events) => events.some((e) => e.type === 'execution_interrupted'));
  });

  it('is nobody’s with an id that is not a text', async () => {
    const { s } = await start();
    await s.post('/prompt', { prompt: graph, prompt_id: s.id(1), client_id: 7 });
    await done(s, 1);
    await s.until(s.alice, (events) => events.filter((e) => e.type === 'status').length === 4);
    expect(s.transcript.ws[s.alice]!.map((e) => e.type).filter((t) => t !== 'binary')).toEqual([
      ...['status', 'status', 'status', 'status'],
    ]);
  });
});

it('sends the text of a node to everybody, whoever the prompt belongs to', async () => {
  const { s } = await start();
  await s.connect(s.bob);
  const graph: Graph = {
    '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 32, batch_size: 1, color: 0 } },
    '2': { class_type: 'GetImageSize', inputs: { image: ['1', 0] } },
    '3': { class_type: 'PreviewAny', inputs: { source: ['2', 0] } },
  };
  const events = await run(s, { n: 1, graph });
  expect(events.find((e) => e.type === 'executed')!.data.output).toEqual({ text: ['64'] });
  const heard = (client: string): unknown[] =>
    s.transcript.ws[client]!.filter((e) => e.type === 'binary').map((e) => e.data.kind);
  await s.until(s.bob, (seen) => seen.some((e) => e.type === 'binary'));
  expect([heard(s.alice), heard(s.bob)]).toEqual([[3], [3]]);
});
