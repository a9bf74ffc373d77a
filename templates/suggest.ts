import { distance } from 'fastest-levenshtein';

/**
 * The name that was probably meant, if one is near enough: at most a third of its letters differ (at least 2), or one
 * begins with the other.
 *
 * @example
 * closest('promt', ['prompt', 'negative']); // 'prompt'
 */
export function closest(name: string, known: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  let best: { name: string; far: number } | undefined;
  for (const candidate of known) {
    const other = candidate.toLowerCase();
    const prefix = wanted.length >= 3 && (other.startsWith(wanted) || wanted.startsWith(other));
    const far = prefix ? 1.5 : distance(wanted, other);
    if (
      far <= Math.max(2, Math.ceil(other.length / 3)) &&
      far < Math.max(other.length, 2) &&
      (!best || far < best.far)
    ) {
      best = { name: candidate, far };
    }
  }
  return best?.name;
}

/** A hint for an unknown name: the closest one, and all that there are. */
export function meant(name: string, known: readonly string[]): string {
  const near = closest(name, known);
  const all =
    known.length === 0 ? 'there are none' : `known: ${known.slice(0, 30).join(', ')}${known.length > 30 ? ', …' : ''}`;
  return near === undefined ? all : `did you mean "${near}"? (${all})`;
}
