import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { CullError } from '../errors.js';
import { unconditional } from './conditional.js';
import { contentTypeOf } from './content-type.js';
import { ATTEMPTS, type S3Access, type S3StorageOptions } from './s3-client.js';
import { isNoSuchKey, nameOf, statusOf } from './s3-errors.js';
import { Marks } from './s3-marks.js';
import type { PutOptions, Written } from './storage.js';

/**
 * Writes one object. A refusal of a conditional put is believed only if the object that stands there does not carry the put's own
 * mark: see s3-marks.ts.
 *
 * @param object.path the key in the bucket, prefix included
 * @throws CullError STORAGE_CONFLICT, STORAGE_UNCONDITIONAL; errors of the SDK
 */
export async function putObject(
  { sdk, client }: S3Access,
  options: S3StorageOptions,
  object: { key: string; path: string; body: Uint8Array | string; wish: PutOptions; store: string; marks: Marks },
): Promise<Written> {
  const { key, path, wish, store, marks } = object;
  const body = typeof object.body === 'string' ? Buffer.from(object.body) : object.body;
  const isConditional = wish.ifAbsent === true || wish.ifMatch !== undefined;
  if (wish.ifAbsent && wish.ifMatch !== undefined) throw conflict(key, 'it cannot be absent and match');
  const { mark, metadata } = marks.next(path, wish.ifMatch);
  const at = { Bucket: options.bucket, Key: path };
  const written = (etag: string | undefined): Written => ({ key, size: body.byteLength, etag: etagOf(etag, store) });

  for (let tries = 1; ; tries++) {
    try {
      const answer = await client.send(
        new sdk.PutObjectCommand({
          ...at,
          Body: body,
          ContentLength: body.byteLength,
          ContentType: wish.contentType ?? contentTypeOf(key),
          ...(options.sse && { ServerSideEncryption: options.sse }),
          ...(options.sseKmsKey !== undefined && { SSEKMSKeyId: options.sseKmsKey }),
          ...(isConditional && { Metadata: metadata }),
          ...(wish.ifAbsent && { IfNoneMatch: '*' }),
          ...(wish.ifMatch !== undefined && { IfMatch: wish.ifMatch }),
        }),
      );
      if (isConditional) marks.note(path, answer.ETag, metadata);
      return written(answer.ETag);
    } catch (error) {
      const status = statusOf(error);
      if (!isConditional) throw error;
      if (status === 501 || nameOf(error) === 'NotImplemented')
        throw unconditional(store, 'it answers 501 to a conditional write');
      // Two conditional writes met; S3 asks to repeat the one that it turned away.
      if (status === 409 && tries < ATTEMPTS) {
        await wait(Math.random() * 50 * 2 ** tries);
        continue;
      }
      const isGone = wish.ifMatch !== undefined && isNoSuchKey(error);
      if (status !== 412 && status !== 409 && !isGone) throw error;
      const there = isGone ? undefined : await headOf({ sdk, client }, at);
      marks.note(path, there?.ETag, there?.Metadata);
      const ours = Marks.has(there?.Metadata, mark);
      if (ours === 'now') return written(there?.ETag);
      // Of a version that is gone only this is known: the ETag that S3 gives to a content where no key encrypts it.
      if (ours === 'before') return written(`"${createHash('md5').update(body).digest('hex')}"`);
      throw conflict(
        key,
        isGone ? 'it is not there any more' : wish.ifAbsent ? 'it exists already' : 'somebody else wrote it first',
      );
    }
  }
}

/** What is known of the object without reading it; undefined if there is none. */
export async function headOf({ sdk, client }: S3Access, at: { Bucket: string; Key: string }) {
  try {
    return await client.send(new sdk.HeadObjectCommand(at));
  } catch (error) {
    if (isNoSuchKey(error)) return undefined;
    throw error;
  }
}

/** The ETag as it came, quotes included: so it is sent back. */
export function etagOf(etag: string | undefined, store: string): string {
  if (etag !== undefined) return etag;
  throw new CullError('STORAGE_UNWRITABLE', `${store} answers without an ETag`, {
    hint: 'is this address an S3 endpoint? See docs/storage.md',
  });
}

const conflict = (key: string, why: string): CullError =>
  new CullError('STORAGE_CONFLICT', `${key} was not written: ${why}`, { hint: 'read it again and decide anew' });
