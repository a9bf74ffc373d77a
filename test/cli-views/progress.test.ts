import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createProgressDisplay, progressLine } from '../../cli/views/progress.js';
import { progressOf } from '../support/documents.js';

describe('progressLine', () => {
  test('counts everything and estimates the time left', () => {
    const line = progressLine(progressOf(), { columns: 120, elapsedMs: 13_000 });
    for (const part of ['drawn 14/24', 'scored 12', 'passed 5', 'rejected 7', 'lost 1', 'about 11 s left', '54 %'])
      expect(line).toContain(part);
  });

  test('never fills the terminal to its last column', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(24), (columns, scored) => {
        const line = progressLine(progressOf({ scored }), { columns, elapsedMs: 5_000 });
        expect(line.length).toBeLessThan(columns + (columns === 1 ? 1 : 0));
        expect(line).not.toContain('\n');
      }),
    );
  });
});

describe('createProgressDisplay', () => {
  const open = (options: { isTTY: boolean; columns: number; now?: () => number }) => {
    const written: string[] = [];
    return { written, display: createProgressDisplay({ stream: { write: (text) => written.push(text) }, ...options }) };
  };

  test('redraws one line on a terminal, and writes nothing where nothing changed', () => {
    const { written, display } = open({ isTTY: true, columns: 100, now: () => 1_000 });
    display.update(progressOf());
    display.update(progressOf());
    display.update(progressOf({ scored: 13 }));
    expect(written).toHaveLength(2);
    expect(written.every((text) => text.startsWith('\r') && !text.includes('\n'))).toBe(true);
    display.done();
    expect(written.at(-1)).toBe('\n');
  });

  test.each([
    ['no terminal', { isTTY: false, columns: 80 }],
    ['a terminal without a width', { isTTY: true, columns: 0 }],
  ])('%s: plain lines, at most one in five seconds, and the last state at the end', (_, kind) => {
    let time = 0;
    const { written, display } = open({ ...kind, now: () => time });
    for (let scored = 0; scored < 24; scored++) {
      time += 1_000;
      display.update(progressOf({ scored }));
    }
    display.done();
    expect(written.length).toBeLessThanOrEqual(6);
    expect(written.every((text) => text.endsWith('\n') && !/[\r\u001b]/.test(text))).toBe(true);
    expect(written.at(-1)).toContain('scored 23');
  });

  test('a note stands on a line of its own above the progress', () => {
    const { written, display } = open({ isTTY: true, columns: 100, now: () => 1_000 });
    display.update(progressOf());
    display.note('waiting for http://gpu0: connection refused');
    expect(written.join('')).toMatch(/\r\u001b\[Kwaiting for http:\/\/gpu0: connection refused\n\r/);
  });
});
