import { CullError, messageOf } from '../errors.js';

/** The code of a file system error, e.g. `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

/** The error says: there is no file under this name. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR';
}

/**
 * A file system error as an error for people; a CullError passes through.
 *
 * ENOSPC and EDQUOT are STORAGE_FULL, everything else that keeps a file from being written or read is STORAGE_UNWRITABLE.
 */
export function storageError(error: unknown, what: { doing: string; key: string; root: string }): CullError {
  if (error instanceof CullError) return error;
  const code = codeOf(error);
  const subject = `${what.doing} ${what.key} in ${what.root}`;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const quota = code === 'EDQUOT' ? 'the disk quota is used up' : 'no space left on the disk';
    return new CullError('STORAGE_FULL', `${subject}: ${quota}`, {
      hint: `free space under ${what.root} or point the storage at a larger disk; open requests go on by themselves`,
      cause: error,
    });
  }
  return new CullError('STORAGE_UNWRITABLE', `${subject}: ${messageOf(error)}`, {
    hint: hintFor(code, what.root),
    cause: error,
  });
}

function hintFor(code: string | undefined, root: string): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `give the user that runs Cull read and write access to ${root}, or choose another storage folder`;
    case 'EROFS':
      return `${root} is mounted read-only: mount it writable or choose another storage folder`;
    case 'ENOTDIR':
    case 'EEXIST':
      return `a file stands where a folder is needed: move it away or choose another storage folder than ${root}`;
    case 'EISDIR':
    case 'ENOTEMPTY':
      return 'a folder stands where the object belongs: no key may be the folder of another key';
    case 'EXDEV':
      return `all folders below ${root} must be on one file system`;
    case 'EMFILE':
    case 'ENFILE':
      return 'too many open files: raise the limit (ulimit -n)';
    default:
      return `check the disk and the permissions of ${root}`;
  }
}
