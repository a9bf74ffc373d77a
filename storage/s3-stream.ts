import { Readable } from 'node:stream';

/**
 * A transfer that goes on where it was cut: reads `first`, and what is missing from `reopen(at)`, for as long as each
 * transfer brings at least one byte.
 *
 * @param options.bytes how many there are to be
 * @param options.reopen a transfer of the rest, `at` bytes having come
 * @example
 * const whole = resumed(answer.Body, { bytes: 1000, reopen: (at) => getFrom(at) });
 */
export function resumed(
  first: Readable,
  options: { bytes: number; reopen: (at: number) => Promise<Readable> },
): Readable {
  const { bytes, reopen } = options;
  let source = first;
  let at = 0;

  const stream = new Readable({
    read: () => void source.resume(),
    destroy(error, done) {
      source.destroy();
      done(error);
    },
  });

  const follow = (next: Readable): void => {
    source = next;
    const from = at;
    let isOver = false;
    const over = (error: Error): void => {
      if (isOver || stream.destroyed) return;
      isOver = true;
      if (at === bytes) stream.push(null);
      else if (at === from && next !== first) stream.destroy(error);
      else reopen(at).then(take, (failed: unknown) => stream.destroy(failed as Error));
    };
    next.on('data', (chunk: Buffer) => {
      at += chunk.length;
      if (!stream.push(chunk)) next.pause();
    });
    const cut = Object.assign(new Error('the connection was cut'), { code: 'ECONNRESET' });
    next.on('end', () => over(cut));
    next.on('close', () => over(cut));
    next.on('error', over);
  };
  const take = (next: Readable): void => {
    if (stream.destroyed) next.destroy();
    else follow(next);
  };
  follow(first);
  // `data` listeners start a transfer; it is to wait for the first read.
  first.pause();
  return stream;
}
