import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

const BLOCK = 512;
/** Longer names are in an extension header; npm writes those only then. */
const EXTENDED = 'x';

/**
 * The files of an npm package (a gzipped tar), one after the other; those that `want` refuses are skipped unread.
 *
 * @example
 * for await (const { path, bytes } of readTarball('a-1.0.0.tgz', (path) => path === 'package.json')) …
 */
export async function* readTarball(
  file: string,
  want: (path: string) => boolean,
): AsyncGenerator<{ path: string; bytes: Buffer }> {
  let rest: Buffer = Buffer.alloc(0);
  const stream = createReadStream(file).pipe(createGunzip())[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const take = async (length: number, keep: boolean): Promise<Buffer> => {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (rest.length === 0) {
        const next = await stream.next();
        if (next.done === true) throw new Error('the package ends too early');
        rest = next.value;
      }
      const part = rest.subarray(0, missing);
      if (keep) parts.push(part);
      missing -= part.length;
      rest = rest.subarray(part.length);
    }
    return Buffer.concat(parts);
  };

  for (let longName: string | undefined; ;) {
    const header = await take(BLOCK, true);
    if (header.every((byte) => byte === 0)) return;
    const text = (from: number, to: number): string => header.toString('utf8', from, to).replace(/\0.*$/s, '');
    const length = Number.parseInt(text(124, 136).trim(), 8);
    const padding = (BLOCK - (length % BLOCK)) % BLOCK;
    const type = text(156, 157);
    if (type === EXTENDED) {
      longName = /\d+ path=(.*)\n/.exec((await take(length, true)).toString('utf8'))?.[1];
      await take(padding, false);
      continue;
    }
    const prefix = text(345, 500);
    const name = longName ?? (prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`);
    longName = undefined;
    // npm's own first folder is called package, others' differently
    const path = name.replace(/^[^/]*\//, '');
    const wanted = (type === '0' || type === '') && want(path);
    const bytes = await take(length, wanted);
    await take(padding, false);
    if (wanted) yield { path, bytes };
  }
}
