/** One line on a terminal that follows what changes. */
import { printable } from './format.js';

/** What a display writes to; `process.stderr` fits. */
export interface LineStream {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
  columns?: number | undefined;
}

export interface LiveLineOptions {
  stream: LineStream;
  /** Whether one line is redrawn in place. @default stream.isTTY */
  isTTY?: boolean;
  /** Width of the terminal; 0 = unknown, as in a pseudo-terminal that nobody has sized. @default stream.columns at each write */
  columns?: number;
  /** Least time between two plain lines, in milliseconds. @default 5000 */
  intervalMs?: number;
  /** Milliseconds since the epoch. @default Date.now */
  now?: () => number;
}

export interface LiveLine<T> {
  update(state: T): void;
  /** A line of its own, above the progress. */
  note(text: string): void;
  /** Leaves the last state standing on a line of its own. Can be called twice. */
  done(): void;
}

/** What is shown of a state. */
export interface Line<T> {
  /** `columns` 0: plain text without a bar. */
  text: (state: T, at: { columns: number; now: number }) => string;
  /** What must change for a new plain line: the counters, not the estimate. */
  key: (state: T) => string;
}

/**
 * Shows a state as it changes: one line redrawn in place on a terminal with a width; else a plain line on a change, at most every `intervalMs`. It
 * starts no timer, so that nothing has to be stopped.
 *
 * @example
 * const line = createLiveLine(of, { stream: process.stderr });
 * line.update(state);
 * line.done();
 */
export function createLiveLine<T>(of: Line<T>, options: LiveLineOptions): LiveLine<T> {
  const { stream, intervalMs = 5_000, now = Date.now } = options;
  /** Width of the line to redraw; 0 = plain lines. Asked every time: terminals are resized. */
  const width = (): number => {
    const columns = options.columns ?? stream.columns ?? 0;
    return (options.isTTY ?? stream.isTTY) === true && columns > 0 ? columns : 0;
  };
  let last: { state: T } | undefined;
  let shown = '';
  let isOpen = false;
  let writtenAt = -Infinity;
  let writtenKey = '';

  const draw = (state: T, columns: number): void => {
    const line = of.text(state, { columns, now: now() });
    if (isOpen && line === shown) return;
    stream.write(`\r${line}\u001b[K`);
    [shown, isOpen] = [line, true];
  };
  const writePlain = (state: T): void => {
    if (of.key(state) === writtenKey) return;
    stream.write(`${of.text(state, { columns: 0, now: now() })}\n`);
    [writtenKey, writtenAt] = [of.key(state), now()];
  };

  return {
    update(state) {
      last = { state };
      const columns = width();
      if (columns > 0) draw(state, columns);
      else if (now() - writtenAt >= intervalMs) writePlain(state);
    },
    note(text) {
      stream.write(`${isOpen ? '\r\u001b[K' : ''}${printable(text)}\n`);
      isOpen = false;
      const columns = width();
      if (last && columns > 0) draw(last.state, columns);
    },
    done() {
      if (isOpen) stream.write('\n');
      else if (last && width() === 0) writePlain(last.state);
      [isOpen, last] = [false, undefined];
    },
  };
}
