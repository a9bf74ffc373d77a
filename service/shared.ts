/** Answers that cost something, shared by those who ask at once and shortly after. */
import { LRUCache } from 'lru-cache';

const KEPT = 10_000;

export interface Shared<T> {
  /** The answer under a name; `look` is asked where there is none, or none so young. A failure is told to those who wait, and not kept. */
  get(name: string, look: () => Promise<T>): Promise<T>;
  /** The next one who asks has it looked up anew. */
  forget(name: string): void;
}

/**
 * @param ttlMs so old an answer is at most
 *
 * @example
 * const counts = createShared<number>(1_000);
 * await counts.get('queued', () => countQueued(cull));
 */
export function createShared<T>(ttlMs: number): Shared<T> {
  const answers = new LRUCache<string, Promise<T>>({ max: KEPT, ttl: ttlMs });
  return {
    get(name, look) {
      const known = answers.get(name);
      if (known) return known;
      const looking = look();
      answers.set(name, looking);
      looking.catch(() => answers.delete(name));
      return looking;
    },
    forget(name) {
      answers.delete(name);
    },
  };
}
