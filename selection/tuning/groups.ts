/**
 * Items by a name of theirs, in the order in which the names first appear.
 *
 * @example
 * grouped(labels, ({ gate }) => gate).get('noText');
 */
export function grouped<T>(items: Iterable<T>, nameOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return groups;
}
