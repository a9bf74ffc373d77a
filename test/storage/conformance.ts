import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ByteRange, Storage } from '../../storage/storage.js';

export interface Driver {
  name: string;
  /** A fresh, empty storage. */
  open(): Promise<Storage>;
}

const collect = async (storage: Storage, prefix = ''): Promise<string[]> => {
  const found: string[] = [];
  for await (const object of storage.list(prefix)) found.push(object.key);
  return found;
};

const outcomes = async (tries: Promise<unknown>[]): Promise<{ won: number; codes: string[] }> => {
  const settled = await Promise.allSettled(tries);
  const lost = settled.filter((one) => one.status === 'rejected');
  return {
    won: settled.length - lost.length,
    codes: [...new Set(lost.map((one) => String((one.reason as { code?: string }).code)))],
  };
};

/** What every storage driver does. Run it once per driver. */
export function storageConformance(driver: Driver): void {
  describe(`storage contract: ${driver.name}`, () => {
    it('gives back what was put, with size, etag and time', async () => {
      const storage = await driver.open();
      const put = await storage.put('acme/requests/r1/plan.json', '{"ä":1}');
      const got = await storage.get('acme/requests/r1/plan.json');
      expect(got?.body.toString('utf8')).toBe('{"ä":1}');
      expect(put).toMatchObject({ key: 'acme/requests/r1/plan.json', size: 8 });
      expect(got).toMatchObject(put);
      const head = await storage.head('acme/requests/r1/plan.json');
      expect(head).toEqual({ ...put, modifiedAt: expect.any(Number) as number });
      expect(Math.abs(head!.modifiedAt - Date.now())).toBeLessThan(60_000);
      for await (const listed of storage.list('')) expect(listed).toMatchObject(put);
    });

    it('streams what was put, one version of it from beginning to end', async () => {
      const storage = await driver.open();
      const first = randomBytes(300_000);
      const put = await storage.put('big', first);
      const got = await storage.getStream('big');
      const { body, ...about } = got!;
      expect(about).toEqual(await storage.head('big').then((head) => ({ ...put, modifiedAt: head?.modifiedAt })));
      await storage.put('big', 'another version');
      expect(Buffer.compare(await buffer(body), first)).toBe(0);
      expect(await text((await storage.getStream('big'))!.body)).toBe('another version');
      await storage.put('none', '');
      expect(await text((await storage.getStream('none'))!.body)).toBe('');
      expect(await storage.getStream('nothing')).toBeUndefined();
      await expect(storage.getStream('../x')).rejects.toMatchObject({ code: 'STORAGE_KEY_INVALID' });
    });

    it('gives a stream back that nobody reads', async () => {
      const storage = await driver.open();
      await storage.put('a', randomBytes(300_000));
      const { body } = (await storage.getStream('a'))!;
      const closed = once(body, 'close');
      body.destroy();
      await closed;
      await storage.delete('a');
      expect(await storage.getStream('a')).toBeUndefined();
    });

    it('knows nothing of a key that was never put', async () => {
      const storage = await driver.open();
      await storage.put('a/b', 'x');
      for (const key of ['nothing', 'a', 'a/b/c', 'a/c']) {
        expect(await storage.get(key)).toBeUndefined();
        expect(await storage.head(key)).toBeUndefined();
        await storage.delete(key);
      }
      expect(await collect(storage)).toEqual(['a/b']);
    });

    it('keeps any bytes, none at all included', async () => {
      const storage = await driver.open();
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
          await storage.put('bytes', bytes);
          expect(Buffer.compare((await storage.get('bytes'))!.body, bytes)).toBe(0);
        }),
        { numRuns: 30 },
      );
    });

    it('streams the part of it that is asked for, and the size of the whole', async () => {
      const storage = await driver.open();
      await storage.put('digits', '0123456789');
      const part = async (range: ByteRange) => {
        const { size, body } = (await storage.getStream('digits', range))!;
        expect(size).toBe(10);
        return text(body);
      };
      expect(await part({})).toBe('0123456789');
      expect(await part({ start: 3 })).toBe('3456789');
      expect(await part({ start: 3, end: 5 })).toBe('345');
      expect(await part({ end: 0 })).toBe('0');
      expect(await part({ start: 9, end: 100 })).toBe('9');
      await expect(part({ start: 10 })).rejects.toMatchObject({ code: 'STORAGE_CONFLICT' });
      expect(await storage.getStream('nothing', { start: 1 })).toBeUndefined();
    });

    it('overwrites, and another content has another etag', async () => {
      const storage = await driver.open();
      const etags = new Set<string>();
      for (let i = 0; i < 50; i++) etags.add((await storage.put('a', `${i}`)).etag);
      expect(etags.size).toBe(50);
      await storage.put('a', 'other');
      expect((await storage.get('a'))?.body.toString()).toBe('other');
    });

    it('deletes, and the name is free for anything again', async () => {
      const storage = await driver.open();
      await storage.put('a/b/c', '1');
      await storage.delete('a/b/c');
      await storage.delete('a/b/c');
      expect(await storage.get('a/b/c')).toBeUndefined();
      expect(await collect(storage)).toEqual([]);
      await storage.put('a', 'now an object');
      expect(await collect(storage)).toEqual(['a']);
    });

    it('lists by prefix in key order, also inside a name', async () => {
      const storage = await driver.open();
      const names = ['a.txt', 'a/b', 'a/b.c/d', 'a0', 'b', 'a/é', 'a/z', 'a/😀', 'a/\uffee', 'A'];
      for (const name of names) await storage.put(name, name);
      const sorted = [...names].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      expect(await collect(storage)).toEqual(sorted);
      expect(await collect(storage, 'a/')).toEqual(sorted.filter((name) => name.startsWith('a/')));
      expect(await collect(storage, 'a/b')).toEqual(['a/b', 'a/b.c/d']);
      expect(await collect(storage, 'a/b.c/')).toEqual(['a/b.c/d']);
      expect(await collect(storage, 'nothing/')).toEqual([]);
    });

    it('names the folders below a prefix, each once, in key order', async () => {
      const storage = await driver.open();
      for (const name of ['b/x/1', 'b/x/2', 'b/y/z/3', 'b.c/1', 'b0', 'a/1', 'b/w']) await storage.put(name, name);
      const named = async (prefix: string) => {
        const names: string[] = [];
        for await (const name of storage.folders(prefix)) names.push(name);
        return names;
      };
      expect(await named('')).toEqual(['a', 'b.c', 'b']);
      expect(await named('b/')).toEqual(['x', 'y']);
      expect(await named('b/y/')).toEqual(['z']);
      expect(await named('nothing/')).toEqual([]);
      await storage.delete('a/1');
      expect(await named('')).toEqual(['b.c', 'b']);
      for (const prefix of ['b', '/', '../', 'b//'])
        await expect(named(prefix)).rejects.toMatchObject({ code: 'STORAGE_KEY_INVALID' });
    });

    it('lists what a model of the storage holds, after any sequence of writes', async () => {
      const storage = await driver.open();
      const key = fc
        .array(fc.constantFrom('a', 'b', 'a.b', 'a-b'), { minLength: 1, maxLength: 3 })
        .map((s) => s.join('/') + '/x');
      const step = fc.record({ key, remove: fc.boolean() });
      const model = new Map<string, string>();
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), key, async (steps, prefix) => {
          for (const { key: k, remove } of steps) {
            if (remove) await storage.delete(k);
            else await storage.put(k, k);
            if (remove) model.delete(k);
            else model.set(k, k);
          }
          const start = prefix.slice(0, prefix.length - 1);
          expect(await collect(storage, start)).toEqual([...model.keys()].filter((k) => k.startsWith(start)).sort());
        }),
        { numRuns: 25 },
      );
    });

    it('keeps every key inside', async () => {
      const storage = await driver.open();
      const bad = [
        '',
        '/',
        '/etc/passwd',
        '../x',
        'a/../../x',
        'a/./b',
        'a//b',
        'a/',
        '..',
        'a\\b',
        'a\0b',
        'a\nb',
        '\ud800',
        'x'.repeat(901),
        'ä/'.repeat(300) + 'x',
        '.cull-storage/x',
      ];
      for (const key of bad) {
        await expect(storage.put(key, 'x'), key).rejects.toMatchObject({ code: 'STORAGE_KEY_INVALID' });
        await expect(storage.get(key), key).rejects.toMatchObject({ code: 'STORAGE_KEY_INVALID' });
        await expect(storage.delete(key), key).rejects.toMatchObject({ code: 'STORAGE_KEY_INVALID' });
        await expect(storage.signedUrl(key, { expiresInSeconds: 1 }), key).rejects.toMatchObject({
          code: 'STORAGE_KEY_INVALID',
        });
      }
      await expect(collect(storage, '../')).rejects.toMatchObject({ code: 'STORAGE_KEY_INVALID' });
      await expect(collect(storage, '/')).rejects.toMatchObject({ code: 'STORAGE_KEY_INVALID' });
      expect(await collect(storage)).toEqual([]);
    });

    it('signs a URL that leads to the object, for a second to a week', async () => {
      const storage = await driver.open();
      await storage.put('a b/ü.png', 'x');
      expect(new URL(await storage.signedUrl('a b/ü.png', { expiresInSeconds: 60 })).href).toContain('%C3%BC.png');
      for (const expiresInSeconds of [1, 604_800]) await storage.signedUrl('a b/ü.png', { expiresInSeconds });
      for (const expiresInSeconds of [0, -1, 1.5, 604_801, NaN])
        await expect(storage.signedUrl('a b/ü.png', { expiresInSeconds })).rejects.toMatchObject({
          code: 'REQUEST_INVALID',
        });
    });

    it('ifAbsent: one of eight wins, the object is whole', async () => {
      const storage = await driver.open();
      const bodies = Array.from({ length: 8 }, (_, i) => String(i).repeat(200_000));
      const result = await outcomes(bodies.map((body) => storage.put('race/a', body, { ifAbsent: true })));
      expect(result).toEqual({ won: 1, codes: ['STORAGE_CONFLICT'] });
      expect(bodies).toContain((await storage.get('race/a'))!.body.toString());
      expect(await collect(storage)).toEqual(['race/a']);
    });

    it('ifMatch: one of eight wins, a stale or missing etag loses', async () => {
      const storage = await driver.open();
      const first = await storage.put('race/a', 'first');
      const result = await outcomes(
        Array.from({ length: 8 }, (_, i) => storage.put('race/a', `next ${i}`, { ifMatch: first.etag })),
      );
      expect(result).toEqual({ won: 1, codes: ['STORAGE_CONFLICT'] });
      await expect(storage.put('race/a', 'x', { ifMatch: first.etag })).rejects.toMatchObject({
        code: 'STORAGE_CONFLICT',
      });
      await expect(storage.put('nothing', 'x', { ifMatch: first.etag })).rejects.toMatchObject({
        code: 'STORAGE_CONFLICT',
      });
      const now = (await storage.head('race/a'))!;
      await storage.put('race/a', 'last', { ifMatch: now.etag });
      expect((await storage.get('race/a'))!.body.toString()).toBe('last');
    });

    it('ifMatch: a counter raised by eight at once loses no step', async () => {
      const storage = await driver.open();
      await storage.put('counter', '0');
      const raise = async (): Promise<void> => {
        for (;;) {
          const now = (await storage.get('counter'))!;
          try {
            await storage.put('counter', String(Number(now.body) + 1), { ifMatch: now.etag });
            return;
          } catch (error) {
            expect((error as { code: string }).code).toBe('STORAGE_CONFLICT');
          }
        }
      };
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let i = 0; i < 3; i++) await raise();
        }),
      );
      expect((await storage.get('counter'))!.body.toString()).toBe('24');
    });

    it('readers never see a part of an object while it is overwritten', async () => {
      const storage = await driver.open();
      await storage.put('big', 'a'.repeat(300_000));
      const writes = (async () => {
        for (let i = 0; i < 20; i++) await storage.put('big', (i % 2 ? 'a' : 'b').repeat(300_000));
      })();
      for (let i = 0; i < 20; i++) {
        const { body, size } = (await storage.get('big'))!;
        expect(body.length).toBe(300_000);
        expect(size).toBe(300_000);
        expect(new Set(body).size).toBe(1);
      }
      await writes;
    });
  });
}
