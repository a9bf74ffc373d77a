/** Text in pictures, by the real networks. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { paint, plan } from '../../../sandbox/painter/index.js';
import { text } from '../../../scorers/business/text.js';
import { decodeFrame, type Frame, type Picture } from '../../../scorers/frame.js';
import type { Models } from '../../../scorers/models/models.js';
import { openModels } from '../../../scorers/models/sessions.js';
import { textLines } from '../../../scorers/text/lines.js';
import { label } from '../../../scorers/useCase/label.js';
import { pulledModels } from '../../support/models.js';
import { written } from '../letters.js';
import { assess, disc, frameOf, png, rawOf } from '../synthetic.js';

let models: Models;
beforeAll(async () => {
  models = openModels({ folder: await pulledModels() });
}, 240_000);

async function framed(picture: Picture | Buffer): Promise<Frame> {
  const decoded = await decodeFrame(Buffer.isBuffer(picture) ? picture : await png(picture), { models });
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.frame;
}

const product = disc({ y: 300, radius: 150 });
const sign = written(product, { word: 'SALE', left: 170, top: 30, square: 6, level: 40 });
const labelled = written(product, { word: 'SALE', left: 175, top: 280, square: 6, level: 255 });

describe('textLines', () => {
  it('reads a line and says where it is', async () => {
    const [line, ...more] = await textLines(await framed(sign));
    expect(more).toEqual([]);
    expect(line?.text).toBe('SALE');
    expect(line?.confidence).toBeGreaterThan(0.8);
    // letters: x 170..326, y 30..72
    const [a, , c] = line!.box;
    expect(a[0]).toBeGreaterThan(130);
    expect(a[0]).toBeLessThan(171);
    expect(a[1]).toBeGreaterThan(5);
    expect(a[1]).toBeLessThan(31);
    expect(c[0]).toBeGreaterThan(325);
    expect(c[1]).toBeLessThan(100);
  });

  it.each([-12, 20, 90])('reads it turned by %d degrees', async (degrees) => {
    const turned = sharp(await png(sign)).rotate(degrees, { background: '#ffffff' });
    const lines = await textLines(await framed(await turned.png().toBuffer()));
    expect(lines.map((line) => line.text)).toEqual(['SALE']);
  });

  it('orders lines from top to bottom and left to right', async () => {
    const two = written(written(sign, { word: 'ALL', left: 20, top: 450, square: 5, level: 40 }), {
      word: 'SEAL',
      left: 350,
      top: 452,
      square: 5,
      level: 40,
    });
    expect((await textLines(await framed(two))).map((line) => line.text)).toEqual(['SALE', 'ALL', 'SEAL']);
  });

  it.each([1, 3, 6])('finds none in a photo without any (sample%d.jpg)', async (number) => {
    const path = createRequire(import.meta.url).resolve(`@vladmandic/face-api/demo/sample${number}.jpg`);
    expect(await textLines(await framed(await readFile(path)))).toEqual([]);
  });
});

describe('text', () => {
  it('counts characters that stand beside the subject, not those on it', async () => {
    expect(await rawOf(text, 'text.backgroundChars', await framed(sign))).toBe(4);
    expect(await rawOf(text, 'text.backgroundChars', await framed(labelled))).toBe(0);
    expect(await rawOf(text, 'text.backgroundChars', await framed(product))).toBe(0);
    const found = (await assess(text, await framed(sign)))['text.backgroundChars'];
    expect(found).toMatchObject({ quality: expect.any(Number) as number, facts: { lines: [{ label: 'SALE' }] } });
  });

  it('counts characters on a table that reaches from border to border, though it stands out like a subject', async () => {
    const table = Uint8Array.from(labelled.rgb);
    for (let i = 380 * 512; i < 512 * 512; i++) table.set([150, 110, 70], 3 * i);
    const scene = { ...labelled, rgb: table };
    const frame = await framed(written(scene, { word: 'ALL', left: 40, top: 440, square: 5, level: 20 }));
    expect(frame.subject.mask[500 * 512 + 256]).toBe(1);
    expect(await rawOf(text, 'text.backgroundChars', frame)).toBe(3);
  });

  it('counts forbidden words that are there and required ones that are not, of policy and request', async () => {
    const frame = await framed(labelled);
    const ask = {
      params: { forbidden: ['sale', 'free'], required: 'ACME' },
      expect: { forbiddenWords: 'SALE', requiredWords: ['Sale', 'Soap'] },
    };
    const found = await assess(text, frame, ask);
    expect(found['text.forbiddenWords']).toMatchObject({ raw: 2, facts: { words: ['sale', 'SALE'], read: ['SALE'] } });
    expect(found['text.missingWords']).toMatchObject({ raw: 2, facts: { words: ['ACME', 'Soap'] } });
    const none = await assess(text, frame);
    for (const id of ['text.forbiddenWords', 'text.missingWords'])
      expect(none[id]).toMatchObject({ status: 'unassessable', reason: 'not-applicable' });
  });

  it('without its models says what to type', async () => {
    const found = await assess(text, await frameOf(sign));
    expect(found['text.backgroundChars']).toMatchObject({
      reason: 'model-missing',
      facts: { hint: 'comfy-cull models pull textDetection' },
    });
  });

  /** Pictures of the sandbox with a word of at least 4 % of their height, or without, and with no other fault. */
  async function scenes(wanted: 'text' | 'clean', count: number): Promise<Frame[]> {
    const frames: Frame[] = [];
    for (let seed = 300; frames.length < count; seed++) {
      const prompt = 'a red mug on white';
      const { defects, hasDefect } = plan(prompt, seed).labels;
      const others = Object.entries(defects).some(([name, { strength }]) => name !== 'backgroundText' && strength > 0);
      const fits = wanted === 'text' ? !others && defects.backgroundText.strength >= 4 : !hasDefect;
      if (!fits) continue;
      const { data, width, height } = await paint({ prompt, seed, width: 512, height: 512 });
      frames.push(await framed({ width, height, rgb: data }));
    }
    return frames;
  }

  it('finds the words that the sandbox paints behind its products, and none where there are none', async () => {
    for (const frame of await scenes('text', 4))
      expect(await rawOf(text, 'text.backgroundChars', frame)).toBeGreaterThan(0);
    for (const frame of await scenes('clean', 4)) expect(await rawOf(text, 'text.backgroundChars', frame)).toBe(0);
  });
});

describe('label', () => {
  const distance = async (expected: unknown) => {
    const found = await assess(label, await framed(labelled), { expect: { text: expected } });
    return found['label.distance'];
  };

  it('is equal, one off, or nothing like what is expected', async () => {
    expect(await distance('Sale')).toMatchObject({ status: 'ok', raw: 0, facts: { expected: 'Sale', read: 'SALE' } });
    expect(await distance('SALES')).toMatchObject({ raw: 1 });
    expect(await distance('cocoa')).toMatchObject({ raw: 5 });
    const [equal, other] = [await distance('sale'), await distance('male')];
    if (equal?.status !== 'ok' || other?.status !== 'ok') throw new Error('not measured');
    expect(equal.quality).toBeGreaterThan(other.quality);
  });

  it('is not applicable where no text is expected', async () => {
    for (const expected of [undefined, '', '!', 7])
      expect(await distance(expected)).toMatchObject({ status: 'unassessable', reason: 'not-applicable' });
  });
});
