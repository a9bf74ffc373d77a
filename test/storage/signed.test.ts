import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createFsStorage } from '../../storage/index.js';
import { signUrl, verifyUrl } from '../../storage/signed.js';

const secret = Buffer.alloc(32, 7);
const now = 1_800_000_000_000;
const key = 'acme/requests/r1/candidates/a b ü?#%.png';
const base = 'https://cull.example.com/images/';

/** What the service reads from such a URL. */
const askOf = (url: string) => {
  const { pathname, searchParams } = new URL(url);
  const path = pathname.slice(pathname.indexOf('/files/') + '/files/'.length);
  return { key: path.split('/').map(decodeURIComponent).join('/'), query: searchParams };
};
const signed = askOf(signUrl(key, { base, expiresAt: now + 60_000, secret }));
const judge = (change: Partial<Parameters<typeof verifyUrl>[0]> = {}) =>
  verifyUrl({ method: 'GET', now, secret, ...signed, ...change });

describe('signed URLs', () => {
  it('lead below the public address, and let their bearer read until they expire', () => {
    const url = signUrl(key, { base, expiresAt: now + 60_000, secret });
    expect(url).toMatch(
      /^https:\/\/cull\.example\.com\/images\/files\/acme\/requests\/r1\/candidates\/a%20b%20%C3%BC%3F%23%25\.png\?/,
    );
    expect(signed.key).toBe(key);
    expect(judge()).toEqual({ ok: true, expiresAt: now + 60_000 });
    expect(judge({ method: 'HEAD' })).toMatchObject({ ok: true });
    expect(judge({ now: now + 59_999 })).toMatchObject({ ok: true });
    expect(judge({ now: now + 60_000 })).toEqual({ ok: false, reason: 'expired' });
  });

  it('let nobody do anything else', () => {
    const forged = { ok: false, reason: 'forged' };
    for (const method of ['PUT', 'DELETE', 'POST', 'get']) expect(judge({ method })).toEqual(forged);
    for (const other of [`${key}x`, key.slice(0, -1), 'acme/requests/r2/candidates/0001.png', ''])
      expect(judge({ key: other })).toEqual(forged);
    expect(judge({ secret: Buffer.alloc(32, 8) })).toEqual(forged);
    const { expires, signature } = Object.fromEntries(signed.query) as { expires: string; signature: string };
    for (const query of [
      { expires: String(Number(expires) + 1), signature },
      { expires: `${expires}0`, signature },
      { expires: `0${expires}`, signature },
      { expires: 'never', signature },
      { expires, signature: '' },
      { expires, signature: signature.slice(1) },
      { expires, signature: `${signature}=` },
      { expires, signature: signature.toUpperCase() },
    ])
      expect(judge({ query: new URLSearchParams(query) }), JSON.stringify(query)).toEqual(forged);
    for (const query of ['', `expires=${expires}`, `signature=${signature}`])
      expect(judge({ query: new URLSearchParams(query) })).toEqual({ ok: false, reason: 'unsigned' });
  });

  it('no two objects and expiries share a signature', () => {
    const seen = new Map<string, string>();
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(10_000), (name, seconds) => {
        const { query } = askOf(signUrl(encodeURIComponent(name), { base, expiresAt: seconds * 1000, secret }));
        const what = JSON.stringify([encodeURIComponent(name), seconds]);
        const signature = query.get('signature') ?? '';
        expect(seen.get(signature) ?? what).toBe(what);
        seen.set(signature, what);
      }),
    );
  });
});

describe('signed URLs of a folder', () => {
  const made: string[] = [];
  const tempRoot = async (): Promise<string> => {
    const root = await mkdtemp(join(tmpdir(), 'cull-signed-'));
    made.push(root);
    return root;
  };
  afterAll(() => Promise.all(made.map((root) => rm(root, { recursive: true, force: true }))));

  it('are good for every process that uses the folder, and for no other folder', async () => {
    const root = await tempRoot();
    const options = { root, publicUrl: 'https://cull.example.com' };
    const urls = await Promise.all(
      Array.from({ length: 8 }, () => createFsStorage(options).signedUrl(key, { expiresInSeconds: 60 })),
    );
    for (const url of urls) {
      const ask = { method: 'GET', now: Date.now(), ...askOf(url) };
      expect(await createFsStorage({ root }).verifyUrl?.(ask)).toMatchObject({ ok: true });
      expect(await createFsStorage({ root: await tempRoot() }).verifyUrl?.(ask)).toMatchObject({ reason: 'forged' });
    }
  });

  it('keep their secret to the owner, out of every list, in one file', async () => {
    const root = await tempRoot();
    const storage = createFsStorage({ root, publicUrl: 'https://cull.example.com' });
    await storage.put('a', '1');
    await storage.signedUrl('a', { expiresInSeconds: 60 });
    const folder = join(root, '.cull-storage');
    expect((await readdir(folder)).filter((name) => name.startsWith('url-secret'))).toEqual(['url-secret']);
    expect((await stat(join(folder, 'url-secret'))).mode & 0o777).toBe(0o600);
    for await (const object of storage.list('')) expect(object.key).toBe('a');
    await expect(storage.get('.cull-storage/url-secret')).rejects.toMatchObject({ code: 'STORAGE_KEY_INVALID' });
  });

  it('a secret that is damaged is an error, never a weak secret', async () => {
    const root = await tempRoot();
    await createFsStorage({ root }).put('a', '1');
    await writeFile(join(root, '.cull-storage', 'url-secret'), '');
    await chmod(join(root, '.cull-storage', 'url-secret'), 0o600);
    const storage = createFsStorage({ root, publicUrl: 'https://cull.example.com' });
    await expect(storage.signedUrl('a', { expiresInSeconds: 60 })).rejects.toMatchObject({
      message: expect.stringContaining('url-secret') as string,
    });
  });
});
