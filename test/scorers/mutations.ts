/** Damaged files, by seed: the same seed damages the same way on every machine. */
import { stream, type Random } from '../../sandbox/painter/random.js';

const at = (random: Random, length: number): number => Math.floor(random.next() * length);

/** One wound each. Headers are hit more often than their size: that is where decoders decide. */
const WOUNDS: readonly ((bytes: Buffer, random: Random) => Buffer)[] = [
  (bytes, random) => {
    bytes[at(random, bytes.length)]! ^= 1 << at(random, 8);
    return bytes;
  },
  (bytes, random) => {
    bytes[at(random, Math.min(64, bytes.length))] = at(random, 256);
    return bytes;
  },
  (bytes, random) => bytes.subarray(0, 1 + at(random, bytes.length)),
  (bytes, random) => {
    const from = at(random, bytes.length);
    return bytes.fill(random.chance(0.5) ? 0 : 255, from, Math.min(bytes.length, from + 1 + at(random, 64)));
  },
  (bytes, random) => {
    const [from, to] = [at(random, bytes.length), at(random, bytes.length)];
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to, to + 1 + at(random, 400)), bytes.subarray(from)]);
  },
  (bytes, random) => {
    const from = at(random, bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + at(random, 100))]);
  },
  (bytes, random) => {
    const place = at(random, Math.max(1, bytes.length - 4));
    bytes.writeUInt32BE(random.pick([0, 1, 0x7fffffff, 0x80000000, 0xffffffff]), Math.min(place, bytes.length - 4));
    return bytes;
  },
];

/**
 * The file with one to four wounds.
 *
 * @example
 * mutated(png, 'png 7'); // always the same bytes
 */
export function mutated(file: Uint8Array, seed: string): Buffer {
  const random = stream(`mutation ${seed}`);
  let bytes: Buffer = Buffer.from(file);
  for (let wounds = 1 + at(random, 4); wounds > 0 && bytes.length > 4; wounds--)
    bytes = WOUNDS[at(random, WOUNDS.length)]!(bytes, random);
  return bytes;
}
