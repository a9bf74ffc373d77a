/** Whether an answer is as a page of docs shows it. `…` stands for anything, in words and between lines. */

/**
 * Where a JSON answer is not as documented: another string, another type, a field too many or too few. Numbers are of the day, so they are
 * compared by type alone; a field named `…` stands for all others.
 *
 * @example
 * differences({ state: 'delivered', n: 1 }, { state: 'failed', n: 2 }); // ['state: "failed", documented is "delivered"']
 */
export function differences(documented: unknown, found: unknown, at = ''): string[] {
  const other = [`${at || 'the answer'}: ${JSON.stringify(found)}, documented is ${JSON.stringify(documented)}`];
  if (typeof documented === 'string') return typeof found === 'string' && fits(documented, found) ? [] : other;
  if (typeof documented === 'number') return typeof found === 'number' ? [] : other;
  if (typeof documented !== 'object' || documented === null) return documented === found ? [] : other;
  if (typeof found !== 'object' || found === null || Array.isArray(documented) !== Array.isArray(found)) return other;
  if (Array.isArray(documented)) {
    // those of a list are alike: the first one of the page is what all of the answer look like
    const items = found as unknown[];
    if ((documented.length === 0) !== (items.length === 0)) return other;
    return items.flatMap((item, n) => differences(documented[Math.min(n, documented.length - 1)], item, `${at}[${n}]`));
  }
  const shown = documented as Record<string, unknown>;
  const fields = found as Record<string, unknown>;
  const isPart = '…' in shown;
  const missing = Object.keys(shown).filter((name) => name !== '…' && !(name in fields));
  const extra = isPart ? [] : Object.keys(fields).filter((name) => !(name in shown));
  return [
    ...missing.map((name) => `${at}.${name} is documented, and not there`),
    ...extra.map((name) => `${at}.${name} is there, and not documented`),
    ...Object.keys(shown)
      .filter((name) => name in fields)
      .flatMap((name) => differences(shown[name], fields[name], `${at}.${name}`)),
  ];
}

/**
 * Whether a text is as documented. Blanks at the ends of lines do not count; a line that is only `…` stands for any lines.
 *
 * @example
 * fits('request … has ended', 'request mugs has ended'); // true
 */
export function fits(documented: string, found: string): boolean {
  const plain = (text: string): string => text.replace(/[ \t]+$/gm, '').trim();
  const pattern = plain(documented)
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^]*?');
  return new RegExp(`^${pattern}$`).test(plain(found));
}
