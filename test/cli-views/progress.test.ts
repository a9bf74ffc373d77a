import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createProgressDisplay, progressLine } from '../../cli/views/progress.js';
import { progressOf } from './samples.js';

describe('progressLine', () => {
  it('says everything where there is room', () => {
    expect(progressLine(progressOf(), { columns: 110, elapsedMs: 14_000 })).toBe(
      '[#################------------]   58 %  drawn 14/24  scored 13  passed 5  rejected 8  lost 1  about 10 s left',
    );
  });

  it('gets shorter with the terminal, and stays one line', () => {
    const at = (columns: number) => progressLine(progressOf(), { columns, elapsedMs: 14_000 });
    expect(at(80)).toBe(' 58 %  drawn 14/24  scored 13  passed 5  rejected 8  lost 1  about 10 s left');
    expect(at(70)).toBe(' 58 %  drawn 14/24  scored 13  passed 5  rejected 8  lost 1');
    expect(at(30)).toBe(' 58 %  14/24  5 passed');
    expect(at(12)).toBe('58 % 5 ok');
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.record({ drawn: fc.nat(2_000), scored: fc.nat(2_000), passed: fc.nat(2_000), lost: fc.nat(2_000) }),
        fc.nat(1e8),
        (columns, state, elapsedMs) => {
          const line = progressLine(progressOf(state, { candidates: 2_000 }), { columns, elapsedMs });
          expect(line.length).toBeLessThan(columns);
          expect(line).not.toMatch(/\n|NaN|undefined/);
        },
      ),
    );
  });

  it('says that it waits for a person, for how many candidates, until when, and what to type', () => {
    const review = { request: 'mugs', waiting: 3, until: Date.UTC(2026, 10, 30, 3, 15) };
    const waits = progressOf({}, { phase: 'reviewing', review });
    const full = 'waits for review: 3 candidates, until 2026-11-30 03:15 UTC: comfy-cull review mugs';
    expect(progressLine(waits, { elapsedMs: 0 })).toBe(full);
    expect(progressLine(waits, { columns: 100, elapsedMs: 0 })).toBe(full);
    expect(progressLine(waits, { columns: 80, elapsedMs: 0 })).toBe(
      'waits for review: 3 candidates: comfy-cull review mugs',
    );
    for (let columns = 1; columns < 100; columns++)
      expect(progressLine(waits, { columns, elapsedMs: 0 }).length).toBeLessThan(columns);
    // while it draws, drawing is what counts
    expect(progressLine(progressOf({}, { review }), { elapsedMs: 0 })).toContain('drawn');
  });

  it('is plain text without a width', () => {
    const plain = '58 % done, drawn 14/24, scored 13, passed 5, rejected 8, lost 1, about 10 s left';
    expect(progressLine(progressOf(), { columns: 0, elapsedMs: 14_000 })).toBe(plain);
    expect(progressLine(progressOf(), { elapsedMs: 14_000 })).toBe(plain);
  });

  it('counts the way to K where a request draws until K pass', () => {
    const quota = progressOf({ passed: 3 }, { mode: 'quota', wanted: 4, candidates: 64 });
    expect(progressLine(quota, { elapsedMs: 60_000 })).toBe(
      '75 % done, drawn 14, scored 13, passed 3/4, rejected 8, lost 1, about 20 s left',
    );
  });

  it('estimates only when it can, and names the phase', () => {
    const line = (...args: Parameters<typeof progressOf>) => progressLine(progressOf(...args), { elapsedMs: 5_000 });
    expect(line({ scored: 1, lost: 0 })).not.toContain('left');
    expect(progressLine(progressOf(), { elapsedMs: 0 })).not.toContain('left');
    expect(line({}, { phase: 'preparing' })).toMatch(/preparing$/);
    expect(line({ scored: 23 }, { phase: 'delivering' })).toMatch(/^100 % done.*choosing the best 4$/);
    expect(line({}, { candidates: 0 })).toContain('0 % done');
  });
});

describe('createProgressDisplay', () => {
  const open = (options: { isTTY?: boolean; columns?: number | undefined } = {}) => {
    const written: string[] = [];
    const clock = { ms: 14_000 };
    const stream = { write: (text: string) => written.push(text), ...options };
    return { written, clock, stream, display: createProgressDisplay({ stream, now: () => clock.ms }) };
  };

  it('redraws one line on a terminal, only when it changes, and ends it', () => {
    const { written, display } = open({ isTTY: true, columns: 100 });
    display.update(progressOf());
    display.update(progressOf());
    display.update(progressOf({ drawn: 15 }));
    display.done();
    display.done();
    expect(written).toHaveLength(3);
    for (const text of written.slice(0, 2)) {
      expect(text.startsWith('\r') && text.endsWith('\u001b[K')).toBe(true);
      expect(text.slice(1)).not.toMatch(/[\r\n]/);
    }
    expect(written[2]).toBe('\n');
  });

  it('follows the width of the terminal', () => {
    const { written, stream, display } = open({ isTTY: true, columns: 100 });
    display.update(progressOf());
    stream.columns = 40;
    display.update(progressOf());
    expect(written.map((text) => text.length < 40)).toEqual([false, true]);
  });

  it.each([
    ['no terminal', { isTTY: false, columns: 80 }],
    ['a terminal without a width', { isTTY: true, columns: 0 }],
    ['a terminal of unknown width', { isTTY: true }],
  ])('writes plain lines at most every five seconds to %s', (_, options) => {
    const { written, clock, display } = open(options);
    for (let drawn = 0; drawn < 24; drawn++) {
      display.update(progressOf({ drawn }));
      clock.ms += 1_000;
    }
    expect(written).toHaveLength(5);
    display.done();
    display.done();
    expect(written).toHaveLength(6);
    expect(written.at(-1)).toMatch(/^58 % done, drawn 23\/24, .*\n$/);
    for (const control of ['\r', '\u001b']) expect(written.join('')).not.toContain(control);
  });

  it('says nothing new while nothing changes', () => {
    const { written, clock, display } = open();
    for (let i = 0; i < 10; i++) {
      display.update(progressOf());
      clock.ms += 60_000;
    }
    display.done();
    expect(written).toHaveLength(1);
  });

  it('puts notes above the line, without control characters of their own', () => {
    const { written, display } = open({ isTTY: true, columns: 100 });
    display.note('first');
    display.update(progressOf());
    display.note('waiting for \u001b[31mgpu0');
    expect(written[0]).toBe('first\n');
    expect(written[2]).toBe('\r\u001b[Kwaiting for  [31mgpu0\n');
    expect(written[3]).toMatch(/^\r\[#/);
  });

  it('has nothing to end when nothing came', () => {
    const { written, display } = open({ isTTY: true, columns: 100 });
    display.done();
    expect(written).toEqual([]);
  });
});
