import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { CullError } from '../errors.js';
import { proveConditional } from './conditional.js';
import { checkFolder, checkKey, checkPrefix, isKey, RESERVED } from './key.js';
import { ATTEMPTS, s3Access, type S3Access, type S3StorageOptions } from './s3-client.js';
import { attemptsOf, isNoSuchKey, isPassing, s3Error, statusOf } from './s3-errors.js';
import { Marks } from './s3-marks.js';
import { etagOf, headOf, putObject } from './s3-put.js';
import { earlierVersions } from './s3-remains.js';
import { resumed } from './s3-stream.js';
import { checkExpiry } from './signed.js';
import type { ByteRange, PutOptions, Storage, StoredObject, Written } from './storage.js';

export type { S3StorageOptions } from './s3-client.js';

/**
 * Storage in a bucket of S3 or of a server that speaks its protocol.
 *
 * Exchanges are repeated on 5xx and cut connections, five tries in all; a cut transfer goes on where it stopped. Before the
 * first conditional write the store has to prove, once per process, that it keeps conditions.
 *
 * @throws CullError STORAGE_* from every method, see storage.ts; CONFIG_INVALID where no region is set
 * @example
 * const storage = createS3Storage({ bucket: 'cull', endpoint: 'http://127.0.0.1:7070' });
 * await storage.put('acme/requests/r1/plan.json', '{}', { ifAbsent: true });
 */
export function createS3Storage(options: S3StorageOptions): Storage {
  const { bucket, endpoint, prefix = '', pageSize = 1000 } = options;
  const base = prefix === '' ? '' : `${checkKey(prefix)}/`;
  const store = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`;
  const access = s3Access(options);
  const marks = new Marks();
  const at = (key: string) => ({ Bucket: bucket, Key: base + checkKey(key) });

  /** One exchange: repeated while it fails in passing, and then told in words for people. */
  const exchange = async <T>(doing: string, key: string, work: (s3: S3Access) => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await work(await access());
      } catch (error) {
        // What the SDK has tried often enough by itself is not tried again; a body cut half-way is beyond it.
        if (!isPassing(error) || tries === ATTEMPTS || attemptsOf(error) >= ATTEMPTS)
          throw s3Error(error, { doing, key, store, bucket, endpoint });
        await wait(Math.random() * 100 * 2 ** tries);
      }
    }
  };

  const put = (key: string, path: string, body: Uint8Array | string, wish: PutOptions): Promise<Written> =>
    exchange('writing', key, (s3) => putObject(s3, options, { key, path, body, wish, store, marks }));

  const remove = (key: string, path: string): Promise<void> =>
    exchange('deleting', key, async ({ sdk, client }) => {
      await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: path }));
    });

  let proof: Promise<void> | undefined;
  const prove = async (): Promise<void> => {
    const probe = `${RESERVED}/probes/${randomUUID()}`;
    try {
      await proveConditional((body, wish) => put(probe, base + probe, body, wish), store);
    } finally {
      await remove(probe, base + probe).catch(() => undefined);
    }
  };
  const proven = async (): Promise<void> => {
    proof ??= prove();
    await proof.catch((error: unknown) => {
      // Asked again next time: a server that did not answer has proven nothing, and one that fails may be mended.
      proof = undefined;
      throw error;
    });
  };

  const found = (key: string, about: { size?: number; etag?: string; at?: Date }): StoredObject => ({
    key,
    size: about.size ?? 0,
    etag: etagOf(about.etag, store),
    modifiedAt: about.at?.getTime() ?? 0,
  });

  /** Lists page by page what starts with a prefix; up to the next delimiter, where one is given. */
  async function* pages(prefix: string, delimiter?: string) {
    let token: string | undefined;
    do {
      const page = await exchange('listing', prefix, ({ sdk, client }) =>
        client.send(
          new sdk.ListObjectsV2Command({
            Bucket: bucket,
            Prefix: base + prefix,
            Delimiter: delimiter,
            MaxKeys: pageSize,
            ContinuationToken: token,
          }),
        ),
      );
      yield page;
      token = page.IsTruncated ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  /** Begins to read; with an `etag`, that version or none. */
  const open = (key: string, range: ByteRange & { etag?: string }) =>
    exchange('reading', key, async ({ sdk, client }) => {
      const { start = 0, end, etag } = range;
      const isPart = start > 0 || end !== undefined;
      const answer = await client
        .send(
          new sdk.GetObjectCommand({
            ...at(key),
            ...(isPart && { Range: `bytes=${start}-${end ?? ''}` }),
            ...(etag !== undefined && { IfMatch: etag }),
          }),
        )
        .catch((error: unknown) => {
          if (etag === undefined && isNoSuchKey(error)) return undefined;
          if (statusOf(error) === 412 || statusOf(error) === 416 || isNoSuchKey(error)) throw rewritten(key);
          throw error;
        });
      if (!answer) return undefined;
      marks.note(base + key, answer.ETag, answer.Metadata);
      const bytes = answer.ContentLength ?? 0;
      const size = isPart ? Number(answer.ContentRange?.split('/')[1] ?? NaN) : bytes;
      return {
        ...found(key, { size, etag: answer.ETag, at: answer.LastModified }),
        bytes,
        body: answer.Body as Readable,
      };
    });

  return {
    description: store,
    async put(key, body, wish = {}) {
      const path = base + checkKey(key);
      if (wish.ifAbsent === true || wish.ifMatch !== undefined) await proven();
      return put(key, path, body, wish);
    },
    get: (key) =>
      exchange('reading', key, async ({ sdk, client }) => {
        try {
          const answer = await client.send(new sdk.GetObjectCommand(at(key)));
          const body = Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
          if (body.length !== answer.ContentLength) throw cut();
          marks.note(base + key, answer.ETag, answer.Metadata);
          return { ...found(key, { size: body.length, etag: answer.ETag, at: answer.LastModified }), body };
        } catch (error) {
          if (isNoSuchKey(error)) return undefined;
          throw error;
        }
      }),
    async getStream(key, range = {}) {
      const first = await open(key, range);
      if (!first) return undefined;
      const { bytes, body, ...about } = first;
      const start = range.start ?? 0;
      const reopen = async (come: number): Promise<Readable> => {
        const rest = await open(key, { start: start + come, end: start + bytes - 1, etag: about.etag });
        if (!rest) throw rewritten(key);
        return rest.body;
      };
      return { ...about, body: resumed(body, { bytes, reopen }) };
    },
    head: (key) =>
      exchange('reading', key, async (s3) => {
        const there = await headOf(s3, at(key));
        marks.note(base + key, there?.ETag, there?.Metadata);
        return there && found(key, { size: there.ContentLength, etag: there.ETag, at: there.LastModified });
      }),
    async *folders(start) {
      for await (const { CommonPrefixes = [] } of pages(checkFolder(start), '/'))
        for (const { Prefix = '' } of CommonPrefixes) {
          const name = Prefix.slice((base + start).length, -1);
          if (isKey(`${start}${name}`)) yield name;
        }
    },
    async *list(start) {
      for await (const { Contents = [] } of pages(checkPrefix(start)))
        for (const { Key = '', Size, ETag, LastModified } of Contents) {
          const key = Key.slice(base.length);
          // What others put into the bucket under names that no key can have (the folder marks of a web console) is not ours.
          if (isKey(key)) yield found(key, { size: Size, etag: ETag, at: LastModified });
        }
    },
    delete: async (key) => remove(key, base + checkKey(key)),
    remains: (prefixes) =>
      exchange('listing versions of', '', (s3) =>
        earlierVersions(s3, { bucket, prefixes: prefixes.map((prefix) => base + checkPrefix(prefix)), pageSize }),
      ),
    signedUrl: (key, { expiresInSeconds }) =>
      exchange('signing', key, async ({ sdk, client }) => {
        const command = new sdk.GetObjectCommand(at(key));
        const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
        return getSignedUrl(client, command, { expiresIn: checkExpiry(expiresInSeconds) });
      }),
  };
}

const cut = (): Error => Object.assign(new Error('the connection was cut'), { code: 'ECONNRESET' });

const rewritten = (key: string): CullError =>
  new CullError('STORAGE_CONFLICT', `${key} was written anew or deleted while it was read`, { hint: 'read it again' });
