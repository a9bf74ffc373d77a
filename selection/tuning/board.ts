/** What every bound of a knob lets pass, in one look at the pictures. */
import type { Knob } from './knobs.js';

/** What a policy lets pass. */
export interface Passing {
  pictures: number;
  defective: number;
  /** Jobs that it lets something pass of, and the sum of their shares of defects: what is evidence. Pictures, where each is a job of its own. */
  jobs: number;
  failures: number;
}

export interface Picture {
  job: number;
  /** How often its job was drawn: each counts as a job of its own. */
  times: number;
  bad: boolean;
  /** Per knob: how many of its bounds let the picture pass, the loosest first. */
  passes: readonly number[];
}

/** How many of a knob's bounds, the loosest first, let a value pass. */
export function triesPassed(tries: readonly number[], side: Knob['side'], value: number | undefined): number {
  if (value === undefined) return tries.length;
  let [low, high] = [0, tries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const bound = tries[middle] ?? 0;
    if (side === 'min' ? value >= bound : value <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * @example
 * new Board({ tries: [2], pictures: [{ job: 0, times: 1, bad: false, passes: [1] }] }).passing(0, [0]).map(({ pictures }) => pictures); // [1, 0]
 */
export class Board {
  readonly #tries: readonly number[];
  readonly #pictures: readonly Picture[];
  /** Of the job that is drawn so: how many of its pictures pass, and how many of these are defective. */
  readonly #sizes: Uint32Array;
  readonly #bads: Uint32Array;
  readonly #largest: number;

  /** @param options `tries`: how many bounds each knob has */
  constructor({ tries, pictures }: { tries: readonly number[]; pictures: readonly Picture[] }) {
    this.#tries = tries;
    this.#pictures = pictures;
    const jobs = pictures.reduce((most, { job }) => Math.max(most, job + 1), 0);
    this.#sizes = new Uint32Array(jobs);
    this.#bads = new Uint32Array(jobs);
    for (const { job } of pictures) this.#sizes[job] = (this.#sizes[job] ?? 0) + 1;
    this.#largest = this.#sizes.reduce((most, size) => Math.max(most, size), 0);
  }

  /**
   * What passes with each bound of a knob, the loosest first, while the others stay. Pictures are added from the tightest bound on, and a job's share of
   * defects moves with each: in whole numbers (defects by how many of their job pass), so that it comes out the same in any order.
   *
   * @param at which bound each knob stands at
   */
  passing(knob: number, at: readonly number[]): Passing[] {
    const count = this.#tries[knob] ?? 0;
    const added = Array.from({ length: count + 1 }, (): Picture[] => []);
    for (const picture of this.#pictures)
      if (picture.passes.every((tries, k) => k === knob || (at[k] ?? 0) < tries))
        added[picture.passes[knob] ?? 0]?.push(picture);
    const [sizes, bads] = [this.#sizes.fill(0), this.#bads.fill(0)];
    const badsBySize = new Array<number>(this.#largest + 1).fill(0);
    let [pictures, defective, jobs] = [0, 0, 0];
    const all: Passing[] = [];
    for (let bound = count; bound > 0; bound--) {
      for (const { job, times, bad } of added[bound] ?? []) {
        const [size, bads1] = [sizes[job] ?? 0, bads[job] ?? 0];
        if (size === 0) jobs += times;
        badsBySize[size] = (badsBySize[size] ?? 0) - bads1 * times;
        sizes[job] = size + 1;
        bads[job] = bads1 + Number(bad);
        badsBySize[size + 1] = (badsBySize[size + 1] ?? 0) + (bads1 + Number(bad)) * times;
        pictures += times;
        if (bad) defective += times;
      }
      const failures = badsBySize.reduce((sum, some, size) => (some === 0 ? sum : sum + some / size), 0);
      all.push({ pictures, defective, jobs, failures });
    }
    return all.reverse();
  }
}
