/** Where a command speaks: answers on stdout, all else on stderr. */
import { CullError, ERRORS, messageOf } from '../errors.js';

export interface Output {
  /** True with `--json`: stdout carries one JSON document or NDJSON and nothing else. */
  json: boolean;
  /** One JSON document; only with `--json`. */
  document: (value: unknown) => void;
  /** Text for people; only without `--json`. */
  text: (text: string) => void;
  /** A line on stderr, in both modes. */
  note: (text: string) => void;
}

export function createOutput(options: { json: boolean }): Output {
  const { json } = options;
  return {
    json,
    document: (value) => json && process.stdout.write(`${JSON.stringify(value)}\n`),
    text: (text) => !json && process.stdout.write(`${text}\n`),
    note: (text) => process.stderr.write(`${text}\n`),
  };
}

/** What went wrong, and what to do now. */
export function errorText(error: unknown): string {
  if (!(error instanceof CullError)) return `error: ${messageOf(error)}`;
  const lines = [`error ${error.code}: ${error.message}`];
  if (error.hint !== undefined) lines.push(`  ${error.hint}`);
  return lines.join('\n');
}

/** Exit codes (docs/cli.md): 0 delivered, 1 failed, 2 usage, 3 shortfall, 130 interrupted. */
export const exitCodeOf = (error: unknown): number => (error instanceof CullError ? ERRORS[error.code].exit : 1);
