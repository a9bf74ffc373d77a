import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allModels, besiege, type Siege } from './hostile.js';
import { drawings, odd, refused, subject } from './hostile-files.js';
import { frameOf } from './synthetic.js';

/** Megabytes that this process, threads included, may grow by: the largest picture allowed has 192 MB of pixels. */
const ROOM = 900;

let siege: Siege;
let rssBefore: number;
let asked = 0;
const server = createServer((_, response) => {
  asked++;
  response.end();
});
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  siege = await besiege({ models: await allModels() });
  rssBefore = process.resourceUsage().maxRSS;
}, 240_000);
afterAll(async () => {
  await siege.close();
  server.close();
});

describe('hostile files in the scoring pool', () => {
  it.each(Object.entries(refused))('%s is refused with a reason', async (name, make) => {
    const { undecodable, scores } = await siege.survive(await make(), name);
    expect(undecodable?.reason).toBe(/30,000/.test(name) ? 'too-large' : 'undecodable');
    for (const found of Object.values(scores))
      expect(found).toMatchObject({ status: 'unassessable', reason: undecodable?.reason });
  });

  it.each(Object.entries(odd))('%s is measured', async (name, { make, same }) => {
    const { image, undecodable } = await siege.survive(await make(), name);
    expect(undecodable).toBeNull();
    if (same) expect(image.pixelSha256).toBe((await frameOf(subject)).pixelSha256);
  });

  it('drawings are refused, and nothing that they name is fetched', async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const [name, bytes] of Object.entries(drawings(url))) {
      const { undecodable } = await siege.survive(bytes, name);
      expect(undecodable, name).toMatchObject({ reason: 'undecodable', detail: /not a PNG/ });
    }
    expect(asked).toBe(0);
    await fetch(url); // the server would have counted
    expect(asked).toBe(1);
  });

  it(`memory stays bounded: at most ${ROOM} MB more at the peak`, () => {
    expect((process.resourceUsage().maxRSS - rssBefore) / 1024).toBeLessThan(ROOM);
  });
});
