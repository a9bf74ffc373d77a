/** Makes something else of what a real ComfyUI said: for tests that no answer may break. */

/** Mulberry32: small, and the same on every machine. Values from 0 to 1. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface Mutator {
  pick: <T>(list: readonly T[]) => T;
  /** JSON text of the value after one to four changes of its shape, its text, or both; often no JSON any more. */
  json: (value: unknown) => string;
  /** The same for bytes. */
  bytes: (value: Uint8Array) => Buffer;
}

const JUNK: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1e300, 0.5, 2 ** 53, '', ' ', 'NaN', 'x'.repeat(5_000), '\u0000', '\ud800', '🐟'],
  ...[[], [[]], [null], {}, { a: {} }, { length: -1 }, ['1', 0], [[['1']]], 'constructor', '__proto__', 'toString'],
];
const KEYS = ['__proto__', 'constructor', 'toString', 'length', 'then', '', 'prompt_id', 'node', 'images', 'status'];
const SCRAPS = [
  'NaN',
  '-Infinity',
  'Infinity',
  '"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '\\',
  '\\u12',
  '\u0000',
  '\ufeff',
  '1e999',
];
const OTHERS = [
  '',
  'null',
  '[]',
  '{}',
  '0',
  '"text"',
  '<html><body>502</body></html>',
  'Job not found',
  '{"a":',
  'NaN',
];

export function createMutator(seed: number): Mutator {
  const random = randomFrom(seed);
  const whole = (below: number): number => Math.floor(random() * below);
  const pick = <T>(list: readonly T[]): T => list[whole(list.length)]!;

  /** Changes one place of a value, in place; the value itself where it has no parts. */
  const change = (root: unknown): unknown => {
    if (typeof root !== 'object' || root === null || random() < 0.05) return structuredClone(pick(JUNK));
    let parent = root as Record<string, unknown>;
    for (let depth = whole(6); depth > 0; depth--) {
      const inner = Object.values(parent).filter((one) => typeof one === 'object' && one !== null);
      if (inner.length === 0) break;
      parent = pick(inner) as Record<string, unknown>;
    }
    const key = pick(Object.keys(parent)) as string | undefined;
    if (key === undefined) return root;
    const kind = whole(5);
    if (kind === 0) Reflect.deleteProperty(parent, key);
    else if (kind === 1 && !Array.isArray(parent)) {
      // Not by assignment: one of the keys is __proto__.
      Object.defineProperty(parent, pick(KEYS), { value: parent[key], ...EVERYTHING });
      Reflect.deleteProperty(parent, key);
    } else if (kind === 2) parent[key] = [parent[key]];
    else parent[key] = structuredClone(pick(JUNK));
    return root;
  };

  const json = (value: unknown): string => {
    let shape = structuredClone(value);
    const shapes = whole(4);
    for (let i = 0; i < shapes; i++) shape = change(shape);
    let text = JSON.stringify(shape);
    if (random() < 0.5) return text;
    const at = whole(text.length + 1);
    switch (whole(5)) {
      case 0:
        return text.slice(0, at);
      case 1:
        return text.slice(0, at) + pick(SCRAPS) + text.slice(at);
      case 2:
        return text.replaceAll(/\b\d+(\.\d+)?\b/g, (number) => (random() < 0.3 ? pick(SCRAPS.slice(0, 3)) : number));
      case 3:
        text = text.slice(0, at) + text.slice(Math.min(text.length, at + whole(40)));
        return text;
      default:
        return pick(OTHERS);
    }
  };

  const bytes = (value: Uint8Array): Buffer => {
    let changed = Buffer.from(value);
    for (let i = 1 + whole(4); i > 0; i--) {
      const at = whole(changed.length + 1);
      switch (whole(4)) {
        case 0:
          changed = changed.subarray(0, at);
          break;
        case 1:
          if (at < changed.length) changed[at] = whole(256);
          break;
        case 2:
          if (changed.length >= 8) changed.writeUInt32BE(pick([0, 1, 7, 255, 0x7fffffff, 0xffffffff]), pick([0, 4]));
          break;
        default:
          changed = Buffer.concat([changed.subarray(0, at), Buffer.alloc(whole(50), whole(256)), changed.subarray(at)]);
      }
    }
    return changed;
  };
  return { pick, json, bytes };
}

const EVERYTHING = { enumerable: true, configurable: true, writable: true };
