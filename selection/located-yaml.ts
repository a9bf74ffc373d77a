/** YAML whose values know where they stand, so that every mistake is named with file, line and column. */
import { isAlias, isMap, isNode, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { CullError, type ErrorCode } from '../errors.js';
import { didYouMean } from './closest.js';

/** A value of the file and where it starts. */
export interface Located {
  value: unknown;
  /** Characters from the start of the file. */
  offset: number;
}

/** An entry of a mapping. */
export interface Entry extends Located {
  key: string;
  keyOffset: number;
}

export interface Problem {
  line: number;
  column: number;
  message: string;
}

/**
 * A YAML file being read. Readers return undefined after they have noted a problem, so that one run names all of them; `finish` throws.
 */
export class LocatedYaml {
  readonly root: Located;
  readonly #document: Document;
  readonly #lines = new LineCounter();
  readonly #file: string;
  readonly #problems: Problem[] = [];
  #code: ErrorCode;

  /** @throws CullError `code` if the text is empty or no YAML */
  constructor(text: string, options: { file: string; code: ErrorCode }) {
    this.#file = options.file;
    this.#code = options.code;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    for (const error of this.#document.errors) {
      const key = /^[^:\s]+/.exec(text.slice(error.pos[0]))?.[0] ?? '';
      this.problem(
        error.pos[0],
        error.code === 'DUPLICATE_KEY'
          ? `"${key}" is there twice`
          : error.code === 'MULTIPLE_DOCS'
            ? 'a second document begins here ("---"), and a file has one: join them'
            : `this is not YAML: ${error.message}`,
      );
    }
    this.root = this.#locate(this.#document.contents, 0);
    if (this.#problems.length === 0 && this.#document.contents === null) this.problem(0, 'the file is empty');
    this.finish();
  }

  /** Notes a mistake. A more telling `code` than the file's own replaces it. */
  problem(offset: number, message: string, code?: ErrorCode): void {
    const { line, col } = this.#lines.linePos(offset);
    this.#problems.push({ line: Math.max(1, line), column: Math.max(1, col), message });
    if (code) this.#code = code;
  }

  get problemCount(): number {
    return this.#problems.length;
  }

  /** @throws CullError naming every problem as `file:line:column`, in the order of the file */
  finish(hint = 'correct the file; docs/policies.md describes it'): void {
    const [first, ...others] = this.#problems.sort((a, b) => a.line - b.line || a.column - b.column);
    if (!first) return;
    const lines = [first, ...others].map((one) => `${this.#file}:${one.line}:${one.column}: ${one.message}`);
    throw new CullError(this.#code, lines.join('\n'), {
      hint,
      details: { file: this.#file, problems: this.#problems },
    });
  }

  /** The entries of a mapping; `known` refuses all other keys. An empty value is an empty mapping. */
  entries(at: Located, what: string, known?: readonly string[]): Entry[] {
    if (at.value === null) return [];
    if (!isMap(at.value)) {
      this.problem(at.offset, `${what} must be a mapping (name: value), not ${this.#kindOf(at)}`);
      return [];
    }
    return at.value.items.flatMap((pair): Entry[] => {
      const key = this.#locate(pair.key, at.offset);
      const name = isScalar(key.value) ? String(key.value.value) : '';
      if (known && !known.includes(name)) {
        const meant = didYouMean(name, known) || `; known are ${known.join(', ')}`;
        this.problem(key.offset, `${what} has no "${name}"${meant}`);
        return [];
      }
      return [{ key: name, keyOffset: key.offset, ...this.#locate(pair.value, key.offset) }];
    });
  }

  /** Whether a mapping has the key; notes nothing. */
  has(at: Located, key: string): boolean {
    return isMap(at.value) && at.value.has(key);
  }

  isMapping(at: Located): boolean {
    return isMap(at.value);
  }

  number(at: Located, what: string): number | undefined {
    const value = this.#scalar(at);
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    this.problem(at.offset, `${what} must be a number, not ${this.#kindOf(at)}`);
    return undefined;
  }

  text(at: Located, what: string): string | undefined {
    const value = this.#scalar(at);
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    this.problem(at.offset, `${what} must be a text, not ${this.#kindOf(at)}`);
    return undefined;
  }

  boolean(at: Located, what: string): boolean | undefined {
    const value = this.#scalar(at);
    if (typeof value === 'boolean') return value;
    this.problem(at.offset, `${what} must be true or false, not ${this.#kindOf(at)}`);
    return undefined;
  }

  choice<T extends string>(at: Located, what: string, choices: readonly T[]): T | undefined {
    const value = this.#scalar(at);
    const chosen = choices.find((one) => one === value);
    if (chosen !== undefined) return chosen;
    const meant = typeof value === 'string' ? didYouMean(value, choices) : '';
    this.problem(at.offset, `${what} must be ${choices.join(', ')}, not ${this.#kindOf(at)}${meant}`);
    return undefined;
  }

  /** A value as plain JSON. */
  json(at: Located, what: string): unknown {
    if (!isNode(at.value)) return null;
    try {
      const value: unknown = at.value.toJS(this.#document);
      if (isJson(value)) return value;
    } catch {
      // Aliases that multiply: the same answer as for a value that is no JSON.
    }
    this.problem(at.offset, `${what} must be plain JSON values`);
    return undefined;
  }

  #scalar(at: Located): unknown {
    return isScalar(at.value) ? at.value.value : undefined;
  }

  #kindOf(at: Located): string {
    if (!isScalar(at.value)) return at.value === null ? 'nothing' : isMap(at.value) ? 'a mapping' : 'a list';
    const value: unknown = at.value.value;
    return typeof value === 'string' ? `the text "${value}"` : JSON.stringify(value);
  }

  /** The value behind aliases; an absent or empty one is null and stands where its parent does. */
  #locate(node: unknown, parent: number): Located {
    const target = isAlias(node) ? node.resolve(this.#document) : node;
    const offset = isNode(node) ? (node.range?.[0] ?? parent) : parent;
    // without a word it would be an empty value, and a policy without its gates
    if (isAlias(node) && !target) this.problem(offset, `there is no &${node.source} before this *${node.source}`);
    if (!isNode(target)) return { value: null, offset: parent };
    return { value: isScalar(target) && target.value === null ? null : target, offset };
  }
}

function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value !== 'object') return false;
  return Object.values(value).every(isJson);
}
