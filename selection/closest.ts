/** "did you mean": the known name that a person probably meant. */
import { distance } from 'fastest-levenshtein';

/**
 * The closest of `names`, or undefined if none is near: same letters in another case, the name without its first part, or few typing errors.
 *
 * @example
 * closestName('sharpnes.tileP90', ['noise.sigma', 'sharpness.tileP90']); // 'sharpness.tileP90'
 */
export function closestName(name: string, names: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  const tail = names.find((known) => known.toLowerCase().endsWith(`.${wanted}`));
  if (tail !== undefined) return tail;
  const allowed = Math.max(2, Math.floor(name.length / 3));
  let best: { name: string; typos: number } | undefined;
  for (const known of names) {
    const typos = distance(wanted, known.toLowerCase());
    if (typos <= allowed && typos < known.length && (!best || typos < best.typos)) best = { name: known, typos };
  }
  return best?.name;
}

/** `, did you mean x?`, or nothing. */
export function didYouMean(name: string, names: readonly string[]): string {
  const meant = closestName(name, names);
  return meant === undefined ? '' : `, did you mean ${meant}?`;
}
