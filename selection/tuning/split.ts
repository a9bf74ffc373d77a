/** Two parts of the labels: one to choose on, one that stays sealed until the choice is made. */
import { CullError } from '../../errors.js';
import { grouped } from './groups.js';
import { lotOf } from './random.js';

/** Something that may be looked at once. */
export class Sealed<T> {
  #content: { value: T } | undefined;

  constructor(value: T) {
    this.#content = { value };
  }

  /** @throws CullError INTERNAL the second time: what was looked at can no longer judge */
  open(): T {
    if (!this.#content) throw new CullError('INTERNAL', 'the held-out labels were opened twice');
    const { value } = this.#content;
    this.#content = undefined;
    return value;
  }
}

/**
 * Splits by job: all pictures of a job are on one side. Jobs stand in an order drawn by lot from seed and name, so labels that are added
 * later move almost no job to the other side.
 *
 * @param options `heldOut`: share of the jobs that is sealed, above 0 and below 1; each part gets at least one job
 * @throws CullError LABELS_INSUFFICIENT with one job only
 *
 * @example
 * const { tuning, heldOut } = splitByJob(examples, { seed: 1, heldOut: 0.5 });
 */
export function splitByJob<T extends { job: string }>(
  examples: readonly T[],
  { seed, heldOut }: { seed: number; heldOut: number },
): { tuning: T[]; heldOut: Sealed<T[]> } {
  const jobs = [...grouped(examples, ({ job }) => job)]
    .map(([name, pictures]) => ({ lot: lotOf(name, seed), name, pictures }))
    .sort((a, b) => a.lot - b.lot || (a.name < b.name ? -1 : 1));
  if (jobs.length < 2)
    throw new CullError('LABELS_INSUFFICIENT', `all labels are of one job, ${jobs[0]?.name ?? ''}`, {
      hint: 'label pictures of several requests: how jobs differ cannot be seen in one',
    });
  const count = Math.min(jobs.length - 1, Math.max(1, Math.round(jobs.length * heldOut)));
  const picturesOf = (some: typeof jobs): T[] => some.flatMap(({ pictures }) => pictures);
  return { heldOut: new Sealed(picturesOf(jobs.slice(0, count))), tuning: picturesOf(jobs.slice(count)) };
}
