/** Fenced blocks of the pages in docs/: what a reader copies. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

export interface Block {
  /** From the root: `docs/service.md`. */
  page: string;
  /** Of the fence, from 1. */
  line: number;
  /** The first word behind the fence; empty for a plain one. */
  language: string;
  code: string;
  /** Whether nothing but blank lines stands between it and the block before. */
  follows: boolean;
}

/**
 * Every fenced block of a page, in order.
 *
 * @example
 * blocksOf('docs/service.md').filter(({ language }) => language === 'bash');
 */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(resolve(ROOT, page), 'utf8');
  const blocks: Block[] = [];
  let end = 0;
  for (const match of text.matchAll(/^```(\S*)[^\n]*\n([\s\S]*?)^```$/gm)) {
    const [whole, language = '', code = ''] = match;
    const follows = blocks.length > 0 && text.slice(end, match.index).trim() === '';
    blocks.push({ page, line: text.slice(0, match.index).split('\n').length, language, code, follows });
    end = match.index + whole.length;
  }
  return blocks;
}
