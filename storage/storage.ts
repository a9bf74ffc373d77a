import type { Readable } from 'node:stream';

/** What is known of a stored object without reading it. */
export interface StoredObject {
  key: string;
  /** Bytes. */
  size: number;
  /** Opaque version for `ifMatch`; changes whenever the content is written. */
  etag: string;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
}

export interface PutOptions {
  /** MIME type; drivers without metadata ignore it. @default from the key's extension */
  contentType?: string;
  /** Write only if nothing is stored under the key; otherwise `STORAGE_CONFLICT`. @default false */
  ifAbsent?: boolean;
  /** Write only if the stored object still has this etag; otherwise `STORAGE_CONFLICT`. */
  ifMatch?: string;
}

/**
 * Where bytes live. One contract, one file per driver, one conformance suite (test/storage/conformance.ts). The semantics are S3's: a put is
 * atomic and whole, a read after a write sees it, keys are flat strings with `/` in them, list is by prefix in key order.
 * Keys are relative, without `.` or `..` segments, at most 900 characters; anything else throws `STORAGE_KEY_INVALID`.
 * A full disk throws `STORAGE_FULL`, a folder that cannot be written `STORAGE_UNWRITABLE`; a failed put leaves nothing behind.
 */
export interface Storage {
  /** For people and logs, e.g. `fs:/data/cull`. */
  readonly description: string;
  put(key: string, body: Uint8Array | string, options?: PutOptions): Promise<StoredObject>;
  /** The object's bytes, or undefined if there is none. */
  get(key: string): Promise<(StoredObject & { body: Buffer }) | undefined>;
  /**
   * `get` for what need not fit into memory: `size` bytes of one version of the object, also if it is written anew meanwhile. Read it to
   * its end or destroy it.
   */
  getStream(key: string): Promise<(StoredObject & { body: Readable }) | undefined>;
  head(key: string): Promise<StoredObject | undefined>;
  /** Objects whose key starts with `prefix`, in key order. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Deletes if present; deleting nothing is no error. */
  delete(key: string): Promise<void>;
  /** A URL to read the object with, for at most `expiresInSeconds` where the driver can limit it (fs: a `file:` URL that does not expire). */
  signedUrl(key: string, options: { expiresInSeconds: number }): Promise<string>;
}
