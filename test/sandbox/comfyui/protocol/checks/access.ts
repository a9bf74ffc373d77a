import { request } from 'node:http';
import { expect } from 'vitest';
import type { Checks, Player } from '../player.js';

/** Status of a websocket upgrade with headers of its own. */
async function upgrade(p: Player, headers: Record<string, string>): Promise<number | undefined> {
  const asked = request(`${p.server.url}/ws?clientId=${p.tag}`, {
    headers: {
      ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
      ...{ 'sec-websocket-key': Buffer.alloc(16).toString('base64'), ...headers },
    },
  });
  return new Promise((done, failed) => {
    asked.on('response', (answer) => {
      answer.resume();
      done(answer.statusCode);
    });
    asked.on('upgrade', (answer, socket) => {
      socket.destroy();
      done(answer.statusCode);
    });
    asked.on('error', failed);
    asked.end();
  });
}

/** Status of a plain request with headers of its own. */
function status(p: Player, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((done, failed) => {
    const asked = request(`${p.server.url}/prompt`, { headers }, (answer) => {
      answer.resume();
      done(answer.statusCode);
    });
    asked.on('error', failed);
    asked.end();
  });
}

/** Who is let in. */
export const access: Checks = {
  'access.no-authentication': async (p) => {
    expect(await status(p, {})).toBe(200);
    expect(await status(p, { authorization: 'Bearer anything' })).toBe(200);
  },
  'access.403.cross-site': async (p) => {
    expect(await status(p, { 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await upgrade(p, { 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await status(p, { 'sec-fetch-site': 'same-origin' })).toBe(200);
  },
  'access.403.foreign-origin': async (p) => {
    expect(await status(p, { origin: 'http://example.com' })).toBe(403);
    expect(await status(p, { origin: p.server.url })).toBe(200);
  },
  'access.403.websocket': async (p) => {
    expect(await upgrade(p, { origin: 'http://example.com' })).toBe(403);
    expect(await upgrade(p, { origin: p.server.url })).toBe(101);
  },
};
