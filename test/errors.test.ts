import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CullError, ERRORS, messageOf, rowOf, type ErrorRow } from '../errors.js';

describe('errors', () => {
  test('docs/errors.md has the same rows as the table, in the same order', () => {
    const rows = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, code, title, retry, delay, where, tries, http, exit, todo]) => ({
        code,
        title,
        retry,
        delay,
        where,
        tries,
        http,
        exit,
        said: (todo ?? '').length > 10,
      }));
    const table = Object.entries<ErrorRow>(ERRORS).map(([code, row]) => ({
      code: `\`${code}\``,
      title: row.title,
      retry: row.retry ? 'yes' : 'no',
      delay: String(row.delayMs ?? '-'),
      where: row.where ?? '-',
      tries: String(row.tries ?? '-'),
      http: String(row.http),
      exit: String(row.exit),
      said: true,
    }));
    expect(rows).toEqual(table);
  });

  test('what can be drawn again says when, where and how often; what cannot says nowhere', () => {
    for (const [code, row] of Object.entries<ErrorRow>(ERRORS)) {
      if (!code.startsWith('COMFY_')) continue;
      if (row.retry)
        expect({ code, ...row }).toMatchObject({
          delayMs: expect.any(Number) as number,
          tries: expect.any(Number) as number,
        });
      expect(row.where === 'nowhere', code).toBe(!row.retry);
    }
    expect(rowOf('COMFY_OUT_OF_MEMORY')?.where).toBe('elsewhere');
    expect(rowOf('SOMEBODY_ELSES')).toBeUndefined();
  });

  test('an error knows whether it can be retried', () => {
    expect(new CullError('COMFY_UNREACHABLE', 'no answer').retry).toBe(true);
    expect(new CullError('SEED_OUT_OF_RANGE', 'too large').retry).toBe(false);
  });

  test('anything thrown has a message', () => {
    expect(messageOf(new Error('broken'))).toBe('broken');
    expect(messageOf(Object.assign(new Error(''), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED');
    expect(messageOf('text')).toBe('text');
  });
});
