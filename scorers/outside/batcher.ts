/** Collects what is asked at about the same time into one call. */

interface Waiting<A, B> {
  item: A;
  resolve: (answer: B) => void;
  reject: (error: unknown) => void;
}

/**
 * Returns a function that answers one item, and calls `run` with several: as many as are asked within `waitMs` of the first, at
 * most `max`. Answers are in the order of the items. When `run` throws, every item of that call fails with the same error.
 *
 * @example
 * const embed = batcher({ max: 16, waitMs: 10, run: (texts: string[]) => server.embedAll(texts) });
 * await Promise.all(['a', 'b'].map(embed)); // one call
 */
export function batcher<A, B>(options: {
  max: number;
  /** Milliseconds. 0: what is asked in the same turn of the event loop. */
  waitMs: number;
  run: (items: A[]) => Promise<B[]>;
}): (item: A) => Promise<B> {
  let waiting: Waiting<A, B>[] = [];
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const batch = waiting;
    waiting = [];
    options
      .run(batch.map(({ item }) => item))
      .then((answers) => {
        for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as B);
      })
      .catch((error: unknown) => {
        for (const { reject } of batch) reject(error);
      });
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (waiting.length >= options.max) flush();
      else timer ??= setTimeout(flush, options.waitMs);
    });
}
