import { expect } from 'vitest';
import { pick } from '../pick.js';
import type { Checks } from '../player.js';

const TROUBLE = '500 Internal Server Error\n\nServer got itself in trouble';

/** What holds for every route. */
export const http: Checks = {
  'http.api-prefix': async (p) => {
    for (const path of ['/prompt', '/queue', '/history', '/system_stats', '/models', '/object_info/SaveImage']) {
      const answers = [await p.get(path), await p.get(`/api${path}`)];
      expect(
        answers.map((a) => a.status),
        path,
      ).toEqual([200, 200]);
    }
  },
  'http.api-prefix.websocket': async (p) => {
    const by = await p.listen({ path: '/api/ws', clientId: p.tag });
    expect(by.sid).toBe(p.tag);
  },
  'http.jobs-only-under-api': async (p) => {
    expect((await p.get('/jobs')).status).toBe(404);
    expect((await p.get('/api/jobs')).status).toBe(200);
    expect((await p.get('/api/api/jobs')).status).toBe(200);
  },
  'http.internal-no-alias': async (p) => {
    expect((await p.get('/internal/logs')).status).toBe(200);
    expect((await p.get('/api/internal/logs')).status).toBe(404);
  },
  'http.content-type-ignored': async (p) => {
    const body = JSON.stringify({ prompt: p.noise() });
    for (const type of ['text/plain', 'application/octet-stream']) {
      expect((await p.send('POST', '/prompt', { body, headers: { 'content-type': type } })).status, type).toBe(200);
    }
  },
  'http.500.malformed-json': async (p) => {
    for (const path of ['/prompt', '/queue', '/history', '/free']) {
      const answer = await p.send('POST', path, { body: '{' });
      expect([answer.status, answer.text], path).toEqual([500, TROUBLE]);
      expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
      expect(answer.headers.get('connection')).toBe('close');
    }
  },
  'http.500.wrong-top-level': async (p) => {
    for (const path of ['/prompt', '/queue', '/history', '/free']) {
      expect((await p.post(path, 7)).status, path).toBe(500);
    }
  },
  'http.413.body-too-large': async (p) => {
    const most = Number(pick((await p.get('/features')).json, 'max_upload_size'));
    const answer = await p.send('POST', '/prompt', { body: Buffer.alloc(most + 1, ' ') });
    expect([answer.status, answer.text]).toEqual([413, `Maximum request body size ${most} exceeded.`]);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
  },
  'http.max-upload-size': async (p) => {
    const size = pick((await p.get('/features')).json, 'max_upload_size');
    expect(size).toBeTypeOf('number');
    expect(Number(size)).toBeGreaterThanOrEqual(1024 * 1024);
  },
  'http.404.unknown-path': async (p) => {
    const answer = await p.get('/no-such-path');
    expect([answer.status, answer.text]).toEqual([404, '']);
  },
  'http.404.no-health': async (p) => {
    for (const path of ['/health', '/healthz', '/api/health']) expect((await p.get(path)).status, path).toBe(404);
  },
  'http.405.wrong-method': async (p) => {
    const answer = await p.post('/object_info', {});
    expect([answer.status, answer.text]).toEqual([405, '405: Method Not Allowed']);
  },
  'http.options': async (p) => {
    for (const path of ['/prompt', '/view', '/no-such-path']) {
      const answer = await p.send('OPTIONS', path);
      expect([answer.status, answer.text], path).toEqual([200, '']);
    }
  },
  'http.no-compression': async (p) => {
    const answer = await p.get('/object_info/KSampler', { 'accept-encoding': 'gzip' });
    expect(answer.headers.get('content-encoding')).toBeNull();
  },
};
