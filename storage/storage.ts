import type { Readable } from 'node:stream';
import type { UrlVerdict } from './signed.js';

/** What is known of a stored object without reading it. */
export interface StoredObject {
  key: string;
  /** Bytes. */
  size: number;
  /** Opaque version for `ifMatch`; another content has another. S3 may give the same content the same one, fs never does. */
  etag: string;
  /** Milliseconds since the epoch; a driver may know whole seconds only. */
  modifiedAt: number;
}

/** What a put has written. */
export type Written = Omit<StoredObject, 'modifiedAt'>;

export interface PutOptions {
  /** MIME type; drivers without metadata ignore it. @default from the key's extension */
  contentType?: string;
  /** Write only if nothing is stored under the key; otherwise `STORAGE_CONFLICT`. @default false */
  ifAbsent?: boolean;
  /** Write only if the stored object still has this etag; otherwise `STORAGE_CONFLICT`. */
  ifMatch?: string;
}

/** Something that deleted objects have left behind, for people. */
export interface Remains {
  /** `earlier versions`. */
  what: string;
  count: number;
  /** Why it is there, and how it goes. */
  why: string;
}

/** Bytes of an object, counted from 0, both ends included. */
export interface ByteRange {
  /** @default 0 */
  start?: number;
  /** At most the last byte. @default the last byte */
  end?: number;
}

/**
 * Where bytes live. One contract, one file per driver, one conformance suite (test/storage/conformance.ts). The semantics are S3's: a put is
 * atomic and whole, a read after a write sees it, keys are flat strings with `/` in them, list is by prefix in key order.
 * Keys are relative, without `.` or `..` segments, at most 900 bytes of UTF-8; anything else throws `STORAGE_KEY_INVALID`.
 * A full disk throws `STORAGE_FULL`, a folder or bucket that cannot be used `STORAGE_UNWRITABLE`, a server that does not answer
 * `STORAGE_UNREACHABLE`; a failed put leaves nothing behind.
 */
export interface Storage {
  /** For people and logs, e.g. `fs:/data/cull` or `s3://bucket/prefix`. */
  readonly description: string;
  /**
   * Writes the object, whole.
   *
   * @throws CullError STORAGE_CONFLICT where a condition does not hold; STORAGE_UNCONDITIONAL where the store ignores conditions
   */
  put(key: string, body: Uint8Array | string, options?: PutOptions): Promise<Written>;
  /** The object's bytes, or undefined if there is none. */
  get(key: string): Promise<(StoredObject & { body: Buffer }) | undefined>;
  /**
   * `get` for what need not fit into memory: `size` bytes of one version of the object, also if it is written anew meanwhile, or the
   * part of them that `range` names (`size` stays the whole object's). Read it to its end or destroy it.
   */
  getStream(key: string, range?: ByteRange): Promise<(StoredObject & { body: Readable }) | undefined>;
  head(key: string): Promise<StoredObject | undefined>;
  /** Objects whose key starts with `prefix`, in key order. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /**
   * What stands between `prefix` (empty, or ending with `/`) and the next `/` of the keys below it, in order, each once: `acme` for
   * `acme/requests/…` below the empty prefix. Looks at no object.
   */
  folders(prefix: string): AsyncIterable<string>;
  /** Deletes if present; deleting nothing is no error. */
  delete(key: string): Promise<void>;
  /**
   * A URL to read the object with for `expiresInSeconds`, 1 to 604800 (fs without a public address: a `file:` URL, which does not expire).
   *
   * @throws CullError REQUEST_INVALID for another number
   */
  signedUrl(key: string, options: { expiresInSeconds: number }): Promise<string>;
  /**
   * Judges a signed URL of this storage that leads to Cull's own service, which serves the object if it is good. A driver whose URLs
   * lead elsewhere (S3) has none. `now`: milliseconds since the epoch.
   */
  verifyUrl?(ask: { method: string; key: string; query: URLSearchParams; now: number }): Promise<UrlVerdict>;
  /**
   * What no `list` shows although it may hold what was deleted below the prefixes: earlier versions in a bucket, writes that broke off. What a driver
   * can clear away of it by itself (empty folders), it does; the rest is told. Absent: a deleted object leaves nothing.
   */
  remains?(prefixes: readonly string[]): Promise<Remains[]>;
}
