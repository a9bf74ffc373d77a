import { CullError } from '../errors.js';
import { createFsStorage } from './fs.js';
import { createS3Storage } from './s3.js';
import type { S3StorageOptions } from './s3-client.js';
import type { Storage } from './storage.js';

export { createFsStorage } from './fs.js';
export type { FsStorageOptions } from './fs.js';
export { candidateName, checkName, keys } from './keys.js';
export { createS3Storage } from './s3.js';
export type { S3StorageOptions } from './s3-client.js';
export type { ByteRange, PutOptions, Remains, Storage, StoredObject, Written } from './storage.js';

/** Where bytes live, with what the address alone does not say. `readConfig` makes one of the environment. */
export interface StorageOptions {
  /** `s3://bucket/prefix`, `fs:/folder` or a path. */
  where: string;
  /** Public address of the service that serves a folder's files. @default none: `file:` URLs */
  publicUrl?: string;
  /** Of a bucket only. */
  s3?: Omit<S3StorageOptions, 'bucket' | 'prefix'>;
}

/**
 * Opens a storage: `s3://bucket/prefix`, `fs:/data/cull`, or a path. A bare address of a bucket takes region, endpoint and
 * credentials from AWS's own variables and profiles.
 *
 * @throws CullError CONFIG_INVALID for what is neither
 * @example
 * const storage = openStorage('fs:.cull/storage');
 * const bucket = openStorage({ where: 's3://cull/prod', s3: { endpoint: 'http://127.0.0.1:7070' } });
 */
export function openStorage(options: string | StorageOptions): Storage {
  const { where, publicUrl, s3 } = typeof options === 'string' ? { where: options } : options;
  const scheme = /^([a-z][a-z0-9+.-]+):/.exec(where)?.[1];
  const rest = scheme === undefined ? where : where.slice(scheme.length + 1);
  if (scheme === 's3') {
    const [, bucket, prefix = ''] = /^\/\/([^/?#]+)(?:\/(.*?))?\/*$/.exec(rest) ?? [];
    if (bucket === undefined)
      throw new CullError('CONFIG_INVALID', `storage "${where}" names no bucket`, { hint: 'use s3://bucket/prefix' });
    return createS3Storage({ ...s3, bucket, prefix });
  }
  if ((scheme !== undefined && scheme !== 'fs') || rest.trim() === '') {
    throw new CullError('CONFIG_INVALID', `storage "${where}" is not understood`, {
      hint: 'use a folder, such as fs:/data/cull or ./data, or a bucket, such as s3://bucket/prefix',
    });
  }
  return createFsStorage({ root: rest, ...(publicUrl !== undefined && { publicUrl }) });
}
