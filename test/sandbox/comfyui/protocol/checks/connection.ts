import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { first, types } from '../pick.js';
import type { Checks } from '../player.js';

const FLAGS = { type: 'feature_flags', data: { supports_preview_metadata: true } };

/** Connecting to the websocket, and its two bugs. */
export const connection: Checks = {
  'ws.first-message': async (p) => {
    const by = await p.listen({ clientId: 'any text, even this' });
    expect(by.events[0]).toEqual({
      type: 'status',
      data: { status: { exec_info: { queue_remaining: 0 } }, sid: 'any text, even this' },
    });
  },
  'ws.sid.made': async (p) => {
    const by = await p.listen({});
    expect(by.sid).toMatch(/^[0-9a-f]{32}$/);
  },
  'ws.sid.only-in-the-first': async (p) => {
    const by = await p.listen();
    await p.run(p.noise(), { by });
    const later = by.events.slice(1).filter((e) => e.type === 'status');
    expect(later.length).toBeGreaterThan(0);
    for (const { data } of later)
      expect(data).toEqual({ status: { exec_info: { queue_remaining: expect.any(Number) as number } } });
  },
  'ws.reconnect.current-node': async (p) => {
    const by = await p.listen();
    await p.hold({ by });
    const again = await p.listen({ clientId: by.sid });
    await again.until((events) => events.length > 1);
    expect(again.events[1]).toEqual({ type: 'executing', data: { node: '3' } });
  },
  'ws.reconnect.no-replay': async (p) => {
    const [clientId, watcher] = [randomUUID(), await p.listen()];
    const { id } = await p.submit(p.noise(), { client_id: clientId });
    await p.run(p.noise(), { by: watcher }); // the worker is done with the one before
    const late = await p.listen({ clientId });
    await p.run(p.noise(), { by: late });
    expect(late.events.filter((e) => e.data.prompt_id === id)).toEqual([]);
  },
  'ws.flags.answered': async (p) => {
    const by = await p.listen();
    by.say(FLAGS);
    await by.until((events) => events.length > 1);
    const { type, data } = by.events[1]!;
    expect([type, data.supports_preview_metadata]).toEqual(['feature_flags', true]);
    expect(data.max_upload_size).toBeTypeOf('number');
  },
  'ws.flags.only-first': async (p) => {
    const by = await p.listen();
    by.say({ type: 'hello', data: {} });
    by.say(FLAGS);
    await p.run(p.noise(), { by });
    expect(types(by.events)).not.toContain('feature_flags');
  },
  'ws.flags.no-json-does-not-count': async (p) => {
    const by = await p.listen();
    by.say('{no JSON');
    by.say(FLAGS);
    await by.until((events) => events.length > 1);
    expect(by.events[1]!.type).toBe('feature_flags');
  },
  'ws.flags.once-per-connection': async (p) => {
    const by = await p.listen();
    by.say(FLAGS);
    await by.until((events) => events.length > 1);
    await by.close();
    const again = await p.listen({ clientId: by.sid });
    const sink = { class_type: 'SaveImageWebsocket', inputs: { images: ['3', 0] } };
    await p.run({ ...p.noise(), '4': sink }, { by: again });
    expect(first(again.events, 'binary').data.kind).toBe(1);
  },
  'ws.4-mib': async (p) => {
    const by = await p.listen();
    by.say('x'.repeat(4 * 1024 * 1024 + 1));
    await by.closed();
    expect(by.socket.readyState).toBe(by.socket.CLOSED);
  },
  'ws.no-limit-to-the-client': async (p) => {
    const by = await p.listen();
    const { '1': empty, '2': noisy } = p.noise({ size: 1400 });
    const sink = { class_type: 'SaveImageWebsocket', inputs: { images: ['2', 0] } };
    await p.run({ '1': empty!, '2': noisy!, '3': sink }, { by });
    expect(by.frames[0]?.length).toBeGreaterThan(4 * 1024 * 1024);
  },
  'ws.deflate': async (p) => {
    const by = await p.listen({ clientId: p.tag, deflate: true });
    expect(by.socket.extensions).toContain('permessage-deflate');
  },
  'ws.ping': async (p) => {
    const by = await p.listen();
    const pong = once(by.socket, 'pong');
    by.socket.ping('hello');
    expect(String((await pong)[0])).toBe('hello');
  },
  'ws.bug.same-id-falls-silent': async (p) => {
    const [clientId, watcher] = [randomUUID(), await p.listen()];
    const old = await p.listen({ clientId });
    const fresh = await p.listen({ clientId });
    const { id } = await p.run(p.noise(), { by: fresh });
    expect(old.events.filter((e) => e.data.prompt_id === id)).toEqual([]);
    const heard = fresh.events.length;
    await old.close();
    await p.run(p.noise(), { by: watcher });
    expect(fresh.events.length - heard).toBe(0);
  },
};
