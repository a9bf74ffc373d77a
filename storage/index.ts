import { CullError } from '../errors.js';
import { createFsStorage } from './fs.js';
import type { Storage } from './storage.js';

export { createFsStorage } from './fs.js';
export type { FsStorageOptions } from './fs.js';
export { candidateName, checkName, keys } from './keys.js';
export type { PutOptions, Storage, StoredObject } from './storage.js';

/**
 * Opens a storage by name: `fs:/data/cull`, or a path.
 *
 * @throws CullError NOT_YET for `s3:`, CONFIG_INVALID for anything else that is not a path
 * @example
 * const storage = openStorage('fs:.cull/storage');
 */
export function openStorage(spec: string): Storage {
  const scheme = /^([a-z][a-z0-9+.-]+):/.exec(spec)?.[1];
  const rest = scheme === undefined ? spec : spec.slice(scheme.length + 1);
  if (scheme === 's3') {
    throw new CullError('NOT_YET', `storage ${spec}: the s3 driver is not there yet`, {
      hint: 'use a folder, such as fs:/data/cull',
    });
  }
  if ((scheme !== undefined && scheme !== 'fs') || rest.trim() === '') {
    throw new CullError('CONFIG_INVALID', `storage "${spec}" is not understood`, {
      hint: 'use a folder, such as fs:/data/cull or ./data',
    });
  }
  return createFsStorage({ root: rest });
}
