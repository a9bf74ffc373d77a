import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const NAME = 'cull-puts';
/** 32 marks of 16 characters are 543 bytes; S3 keeps 2 KB of metadata. */
const KEPT = 32;
const VERSIONS = 2_000;

/**
 * The marks that tell whose conditional put has been written.
 *
 * A put whose answer is lost is repeated, by the SDK or by a proxy on the way, and the repeat finds what the first one wrote: 412,
 * though it was ours. So each conditional put carries a random mark in the object's metadata, in front of the marks of the
 * versions before it. Who is refused looks whether its own is among them: then it was written, even if others have gone on from
 * there since. Without this a counter would be raised twice.
 */
export class Marks {
  /** Marks of the versions that were read or written here, by path and ETag. */
  readonly #known = new LRUCache<string, string>({ max: VERSIONS });

  /** Notes what a read version carries. */
  note(path: string, etag: string | undefined, metadata: Record<string, string> | undefined): void {
    const marks = metadata?.[NAME];
    if (etag !== undefined && marks !== undefined) this.#known.set(`${path}\n${etag}`, marks);
  }

  /** A new mark, and the metadata for the put that replaces the version `etag` (undefined: there is none). */
  next(path: string, etag: string | undefined): { mark: string; metadata: Record<string, string> } {
    const mark = randomBytes(12).toString('base64url');
    const before = etag === undefined ? undefined : this.#known.get(`${path}\n${etag}`);
    const marks = [mark, ...(before?.split(' ') ?? [])].slice(0, KEPT);
    return { mark, metadata: { [NAME]: marks.join(' ') } };
  }

  /** Whether the put with this mark is the version that stands there, or came before it. */
  static has(metadata: Record<string, string> | undefined, mark: string): 'now' | 'before' | undefined {
    const marks = metadata?.[NAME]?.split(' ') ?? [];
    if (marks[0] === mark) return 'now';
    return marks.includes(mark) ? 'before' : undefined;
  }
}
