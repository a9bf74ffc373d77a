/** What `doctor` warns of: a ComfyUI that answers others than this machine, and asks for no key. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openAt } from '../../cli/open-comfyui.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A ComfyUI's answer at an address; with a key, for those only who say it. */
async function comfyAt(host: string, key?: string): Promise<number> {
  const server = createServer(({ headers }, response) => {
    if (key !== undefined && headers.authorization !== key) response.writeHead(401).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end('{"system":{"comfyui_version":"0.33.0"}}');
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, host, done));
  return (server.address() as AddressInfo).port;
}

// all of 127.0.0.0/8 is this machine: 127.0.0.2 stands for what others reach it by
const own = ['127.0.0.2'];

test('it listens on every address, though its own is a loopback one', async () => {
  const port = await comfyAt('0.0.0.0');
  expect(await openAt(`http://127.0.0.1:${port}`, { own })).toBe(`http://127.0.0.2:${port}`);
  expect(await openAt(`http://localhost:${port}/`, { own })).toBe(`http://127.0.0.2:${port}`);
});

test('it is well where it listens on loopback only, or asks for a key', async () => {
  expect(await openAt(`http://127.0.0.1:${await comfyAt('127.0.0.1')}`, { own })).toBeUndefined();
  expect(await openAt(`http://127.0.0.1:${await comfyAt('0.0.0.0', 'Bearer x')}`, { own })).toBeUndefined();
});

test('a login of ours does not hide that nobody asks for it', async () => {
  const port = await comfyAt('0.0.0.0');
  expect(await openAt(`http://cull:secret@127.0.0.1:${port}`, { own })).toBe(`http://127.0.0.2:${port}`);
});
