import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { assemblePng, encodePixels, prepareTemplate, withFirstRow } from '../../../sandbox/comfyui/png.js';

async function decoded(png: Buffer): Promise<Buffer> {
  return sharp(png, { failOn: 'warning' }).removeAlpha().raw().toBuffer();
}

const rasters = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 2, max: 9 }))
  .chain(([width, height]) =>
    fc.tuple(
      fc.uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 }),
      fc.uint8Array({ minLength: width * 3, maxLength: width * 3 }),
      fc.constant({ width, height }),
    ),
  );

describe('PNG files', () => {
  it('decode to the pixels that went in', async () => {
    await fc.assert(
      fc.asyncProperty(rasters, fc.integer({ min: 0, max: 9 }), async ([data, , size], level) => {
        const png = assemblePng(await encodePixels({ ...size, data }, level), { prompt: {} });
        expect(await decoded(png)).toEqual(Buffer.from(data));
      }),
      { numRuns: 50 },
    );
  });

  it('keep all but the first row when that is replaced', async () => {
    await fc.assert(
      fc.asyncProperty(rasters, async ([data, row, size]) => {
        const pixels = withFirstRow(await prepareTemplate({ ...size, data }), row);
        const expected = Buffer.from(data);
        expected.set(row);
        expect(await decoded(assemblePng(pixels, {}))).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  it('carry the graph as ASCII JSON in a text chunk', async () => {
    const graph = { '1': { inputs: { text: 'Tasse, weiß 🍵' } } };
    const data = Buffer.alloc(12);
    const png = assemblePng(await encodePixels({ width: 2, height: 2, data }, 4), { prompt: graph });
    const start = png.indexOf('tEXtprompt\0') + 'tEXtprompt\0'.length;
    const text = png.subarray(start, png.indexOf('IDAT') - 8).toString('latin1');
    expect(text).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(text)).toEqual(graph);
  });
});
