import { isDict, PythonError } from './graph.js';

/** A value as Python's repr() shows it: error texts of the real server quote values this way. */
export function repr(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
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

/** int() of a JSON value: cuts decimals, reads digits, raises for the rest. */
export function toInt(value: unknown): number {
  if (typeof value === 'number') return Math.trunc(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') {
    throw new PythonError(
      'TypeError',
      `int() argument must be a string, a bytes-like object or a real number, not '${typeName(value)}'`,
    );
  }
  if (/^\s*[+-]?\d+\s*$/.test(value)) return Number(value);
  throw new PythonError('ValueError', `invalid literal for int() with base 10: ${repr(value)}`);
}

/** float() of a JSON value. */
export function toFloat(value: unknown): number {
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
