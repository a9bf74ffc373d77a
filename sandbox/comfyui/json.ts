/** How an exact number is written on its way through JSON.stringify and JSON.parse. */
const MARK = '\u0000number:';
const MARKED = /"\\u0000number:([^"]+)"/g;
/** A text without any of these has no number that a double could not hold. */
const SUSPECT = /NaN|Infinity|\d{16}/;
const TOKEN = /"(?:[^"\\]|\\.)*"|NaN|-?Infinity|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A number that a double or JSON cannot hold (an integer beyond 2^53, NaN, an infinity), kept as it was sent. */
export class Exact {
  constructor(readonly text: string) {}

  /** Exact for integers; NaN and infinities as they are. */
  valueOf(): number | bigint {
    return /^-?\d+$/.test(this.text) ? BigInt(this.text) : Number(this.text);
  }

  toJSON(): string {
    return MARK + this.text;
  }
}

/** JSON as Python writes it: exact numbers with all their digits, NaN and infinities as bare words. */
export function encodeJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes('\\u0000number:') ? text.replace(MARKED, '$1') : text;
}

function needsExact(token: string): boolean {
  return /^-?\d+$/.test(token) ? !Number.isSafeInteger(Number(token)) : /^(NaN|-?Infinity)$/.test(token);
}

/** Reads JSON as Python does: NaN and infinities are taken, integers keep all their digits. */
export function decodeJson(text: string): unknown {
  if (!SUSPECT.test(text)) return JSON.parse(text) as unknown;
  const marked = text.replace(TOKEN, (token) => (needsExact(token) ? JSON.stringify(MARK + token) : token));
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(MARK) ? new Exact(value.slice(MARK.length)) : value,
  ) as unknown;
}

/** A JSON number, exact or not; undefined for everything else. */
export function numeric(value: unknown): number | bigint | undefined {
  if (value instanceof Exact) return value.valueOf();
  return typeof value === 'number' ? value : undefined;
}
