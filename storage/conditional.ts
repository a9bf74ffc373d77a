import { CullError } from '../errors.js';
import type { PutOptions, Written } from './storage.js';

/**
 * Proves that a store keeps conditions, by writing one object under them: a store that ignores them answers 200 to everything, and
 * whoever relies on them loses what others wrote.
 *
 * @param put writes the probe; the object must not be there before. The caller removes it
 * @throws CullError STORAGE_UNCONDITIONAL naming what was ignored; STORAGE_* of the puts
 * @example
 * await proveConditional((body, wish) => storage.put('_registry/doctor/1', body, wish), storage.description);
 */
export async function proveConditional(
  put: (body: string, wish: PutOptions) => Promise<Written>,
  store: string,
): Promise<void> {
  const isRefused = async (wish: PutOptions): Promise<boolean> => {
    try {
      await put('must not be written', wish);
      return false;
    } catch (error) {
      if (error instanceof CullError && error.code === 'STORAGE_CONFLICT') return true;
      throw error;
    }
  };
  const first = await put('first', { ifAbsent: true });
  if (!(await isRefused({ ifAbsent: true }))) throw unconditional(store, 'it overwrites in spite of If-None-Match: *');
  const next = await put('next', { ifMatch: first.etag });
  if (next.etag === first.etag) throw unconditional(store, 'another content has the same ETag');
  if (!(await isRefused({ ifMatch: first.etag })))
    throw unconditional(store, 'it overwrites in spite of an If-Match that does not match');
}

export const unconditional = (store: string, reason: string): CullError =>
  new CullError('STORAGE_UNCONDITIONAL', `${store} cannot be used: ${reason}`, {
    hint: 'two processes that write at once would lose data there: update that server, use one that keeps conditions, or a folder (docs/storage.md)',
  });
