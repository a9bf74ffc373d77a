/** One part of a policy file replaced; comments, order and spacing of all others stay as somebody wrote them. */
import { isMap, isScalar, parseDocument, stringify } from 'yaml';
import { CullError } from '../errors.js';

/**
 * The text of a policy file with another value under one of its keys, or with that key at its end.
 *
 * @param text YAML that `parsePolicy` takes
 * @throws CullError POLICY_INVALID if the whole file is one `{ … }`
 *
 * @example
 * replacePart('policy: p # mine\nrank: {}\n', { key: 'rank', value: { 'noise.sigma': 1 }, file: 'p.yaml' });
 * // 'policy: p # mine\nrank:\n  noise.sigma: 1\n'
 */
export function replacePart(text: string, { key, value, file }: { key: string; value: unknown; file: string }): string {
  const { contents } = parseDocument(text);
  if (!isMap(contents) || contents.flow === true)
    throw new CullError('POLICY_INVALID', `${file}: the file is one { … }, and its part "${key}" cannot be replaced`, {
      hint: 'write one key a line',
    });
  const written = stringify({ [key]: value }, { lineWidth: 120 }).trimEnd();
  const pair = contents.items.find((item) => isScalar(item.key) && item.key.value === key);
  const start = isScalar(pair?.key) ? pair.key.range[0] : undefined;
  const end = pair?.value?.range[1];
  if (start === undefined || end === undefined)
    return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${written}\n`;
  const old = text.slice(start, end);
  return `${text.slice(0, start)}${written}${old.endsWith('\n') ? '\n' : ''}${text.slice(end)}`;
}
