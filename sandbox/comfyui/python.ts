import { isDict, PythonError } from './graph.js';
import { Exact } from './json.js';

const words: Readonly<Record<string, string>> = { NaN: 'nan', Infinity: 'inf', '-Infinity': '-inf' };

/** A value as Python's repr() shows it: error texts of the real server quote values this way. */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (value instanceof Exact) return words[value.text] ?? value.text;
  if (typeof value === 'string') {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    const escaped = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
    return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
  }
  if (Array.isArray(value)) return `[${value.map(repr).join(', ')}]`;
  if (isDict(value)) {
    return `{${Object.entries(value)
      .map(([k, v]) => `${repr(k)}: ${repr(v)}`)
      .join(', ')}}`;
  }
  return JSON.stringify(value);
}

/** str() of a value. */
export function str(value: unknown): string {
  return typeof value === 'string' ? value : repr(value);
}

function typeName(value: unknown): string {
  if (value === null) return 'NoneType';
  return Array.isArray(value) ? 'list' : isDict(value) ? 'dict' : typeof value;
}

/** int() of a JSON value: cuts decimals, reads digits, raises for the rest. Beyond 2^53 the result is exact. */
export function toInt(value: unknown): number | Exact {
  if (value instanceof Exact) {
    if (typeof value.valueOf() === 'bigint') return value;
    const [type, what] = value.text === 'NaN' ? ['ValueError', 'NaN'] : ['OverflowError', 'infinity'];
    throw new PythonError(type, `cannot convert float ${what} to integer`);
  }
  if (typeof value === 'number') return Math.trunc(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') {
    throw new PythonError(
      'TypeError',
      `int() argument must be a string, a bytes-like object or a real number, not '${typeName(value)}'`,
    );
  }
  if (/^\s*[+-]?\d+\s*$/.test(value)) {
    const digits = value.trim();
    return Number.isSafeInteger(Number(digits)) ? Number(digits) : new Exact(digits);
  }
  throw new PythonError('ValueError', `invalid literal for int() with base 10: ${repr(value)}`);
}

/** float() of a JSON value; NaN and infinities stay what they are. */
export function toFloat(value: unknown): number | Exact {
  if (value instanceof Exact) return typeof value.valueOf() === 'bigint' ? Number(value.valueOf()) : value;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') {
    throw new PythonError('TypeError', `float() argument must be a string or a real number, not '${typeName(value)}'`);
  }
  const number = value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isNaN(number)) {
    throw new PythonError('ValueError', `could not convert string to float: ${repr(value)}`);
  }
  return number;
}

/** A float as Python prints it: 8 is "8.0". */
export function floatText(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
