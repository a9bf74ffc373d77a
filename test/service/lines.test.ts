import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linesOf } from '../../service/lines.js';

const LONGEST = 8;

/** A call whose body comes in pieces that are cut anywhere, also within a character. */
function callOf(text: string, cuts: readonly number[]): Request {
  const bytes = Buffer.from(text);
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  const pieces = ends.map((end, n) => bytes.subarray(n === 0 ? 0 : ends[n - 1], end));
  return new Request('http://cull.test/v1/batches', {
    method: 'POST',
    body: ReadableStream.from(pieces),
    duplex: 'half',
  });
}

async function read(call: Request): Promise<string[]> {
  const lines = [];
  for await (const line of linesOf(call, LONGEST)) lines.push(line);
  return lines;
}

test('lines come whole however the body is cut, and of a long one no more than its beginning', async () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' ', '{'), maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat()), fc.constantFrom('\n', '\r\n'), async (all, cuts, end) => {
      const got = await read(callOf(all.join(end), cuts));
      expect(got).toEqual((all.length === 0 ? [''] : all).map((one) => one.slice(0, LONGEST + 1)));
    }),
  );
});

test('what a line has beyond that is read and dropped', async () => {
  const piece = new TextEncoder().encode('a'.repeat(1_000));
  const pieces = Array.from({ length: 1_000 }, () => piece);
  const body = ReadableStream.from([...pieces, new TextEncoder().encode('\nb')]);
  const call = new Request('http://cull.test/v1/batches', { method: 'POST', body, duplex: 'half' });
  expect(await read(call)).toEqual(['a'.repeat(LONGEST + 1), 'b']);
});
