import sharp from 'sharp';
import { expect } from 'vitest';
import type { Checks, Player } from '../player.js';

async function statuses(p: Player, queries: readonly string[]): Promise<unknown[]> {
  const answers = [];
  for (const query of queries) {
    const answer = await p.get(`/view?${query}`);
    answers.push([answer.status, answer.text]);
  }
  return answers;
}

async function put(p: Player, name: string, content = 'text'): Promise<string> {
  await p.form('/upload/image', { image: [name, content], type: 'output' });
  return `/view?filename=${name}`;
}

/** Which file GET /view means. */
export const view: Checks = {
  'view.404.no-filename': async (p) => {
    expect(await statuses(p, ['subfolder=x'])).toEqual([[404, '']]);
  },
  'view.400.bad-name': async (p) => {
    const queries = ['filename=', 'filename=/etc/passwd', 'filename=../x.png', 'filename=a..b.png'];
    expect(await statuses(p, queries)).toEqual(queries.map(() => [400, '']));
  },
  'view.400.unknown-type': async (p) => {
    const { query } = await p.picture();
    expect(await statuses(p, [`${query}&type=nope`])).toEqual([[400, '']]);
  },
  'view.403.subfolder-escape': async (p) => {
    expect(await statuses(p, ['filename=x.png&subfolder=../..'])).toEqual([[403, '']]);
  },
  'view.404.missing': async (p) => {
    await p.picture();
    expect(await statuses(p, [`filename=no-such.png&subfolder=${p.tag}`, `filename=${p.tag}`])).toEqual([
      [404, ''],
      [404, ''],
    ]);
  },
  'view.type-is-output': async (p) => {
    const { query } = await p.picture();
    const [bare, typed] = [await p.get(`/view?${query}`), await p.get(`/view?${query}&type=output`)];
    expect(bare.status).toBe(200);
    expect(bare.bytes.equals(typed.bytes)).toBe(true);
    expect((await p.get(`/view?${query}&type=input`)).status).toBe(404);
  },
  'view.only-the-basename': async (p) => {
    await put(p, `${p.tag}.png`, 'at the root');
    expect((await p.get(`/view?filename=some/where/${p.tag}.png`)).text).toBe('at the root');
  },
  'view.annotated': async (p) => {
    await p.form('/upload/image', { image: [`${p.tag}.png`, 'input'], type: 'input' });
    expect((await p.get(`/view?filename=${p.tag}.png%20%5Binput%5D&type=output`)).text).toBe('input');
  },
  'view.404.by-hash': async (p) => {
    expect(await statuses(p, [`filename=blake3:${'0'.repeat(64)}`])).toEqual([[404, '']]);
  },
};

/** What GET /view answers with. */
export const download: Checks = {
  'view.headers': async (p) => {
    const { query, filename } = await p.picture();
    const { headers, bytes } = await p.get(`/view?${query}`);
    expect(headers.get('content-type')).toBe('image/png');
    expect(headers.get('content-disposition')).toBe(`filename="${filename}"`);
    expect(headers.get('content-length')).toBe(String(bytes.length));
    expect(headers.get('accept-ranges')).toBe('bytes');
    expect(headers.get('last-modified')).toMatch(/GMT$/);
    expect(headers.get('cache-control')).toBeNull();
  },
  'view.nosniff': async (p) => {
    const { query } = await p.picture();
    expect((await p.get(`/view?${query}`)).headers.get('x-content-type-options')).toBe('nosniff');
  },
  'view.range': async (p) => {
    const { query } = await p.picture();
    const whole = await p.get(`/view?${query}`);
    const part = await p.get(`/view?${query}`, { range: 'bytes=0-7' });
    expect([part.status, part.bytes]).toEqual([206, whole.bytes.subarray(0, 8)]);
    expect(part.headers.get('content-range')).toBe(`bytes 0-7/${whole.bytes.length}`);
  },
  'view.etag': async (p) => {
    const { query } = await p.picture();
    const etag = (await p.get(`/view?${query}`)).headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[^"]+"$/);
    const again = await p.get(`/view?${query}`, { 'if-none-match': etag });
    expect([again.status, again.bytes.length]).toEqual([304, 0]);
    expect((await p.get(`/view?${query}`, { 'if-none-match': '"other"' })).status).toBe(200);
  },
  'view.head': async (p) => {
    const { query } = await p.picture();
    const whole = await p.get(`/view?${query}`);
    const head = await p.send('HEAD', `/view?${query}`);
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    expect(head.headers.get('content-length')).toBe(String(whole.bytes.length));
  },
  'view.active-content': async (p) => {
    for (const extension of ['html', 'css']) {
      const { headers } = await p.get(await put(p, `${p.tag}.${extension}`));
      expect(headers.get('content-type'), extension).toBe('application/octet-stream');
    }
  },
  'view.active-content.attachment': async (p) => {
    for (const extension of ['html', 'js', 'svg', 'xml']) {
      const { headers } = await p.get(await put(p, `${p.tag}.${extension}`));
      expect(headers.get('content-type'), extension).toBe('application/octet-stream');
      expect(headers.get('content-disposition'), extension).toMatch(/^attachment; filename=/);
    }
  },
  'view.active-content.no-store': async (p) => {
    expect((await p.get(await put(p, `${p.tag}.svg`))).headers.get('cache-control')).toBe('no-store');
  },
  'view.preview': async (p) => {
    const { query } = await p.picture();
    for (const [asked, given] of [
      ['webp', 'webp'],
      ['jpeg', 'jpeg'],
      ['webp;50', 'webp'],
      ['gif', 'webp'],
    ]) {
      const answer = await p.get(`/view?${query}&preview=${asked!}`);
      expect(answer.headers.get('content-type'), asked).toBe(`image/${given!}`);
      expect((await sharp(answer.bytes).metadata()).format, asked).toBe(given);
    }
  },
  'view.preview.quality': async (p) => {
    const { query } = await p.picture(p.noise({ size: 128 }));
    const size = async (preview: string): Promise<number> =>
      (await p.get(`/view?${query}&preview=${preview}`)).bytes.length;
    expect(await size('jpeg;10')).toBeLessThan(await size('jpeg'));
    expect(await size('jpeg;90')).toBe(await size('jpeg'));
  },
  'view.500.preview-of-no-image': async (p) => {
    expect((await p.get(`${await put(p, `${p.tag}.png`, 'no picture')}&preview=webp`)).status).toBe(500);
  },
  'view.channel.rgb': async (p) => {
    const { query } = await p.picture();
    const [whole, rgb] = [await p.get(`/view?${query}`), await p.get(`/view?${query}&channel=rgb`)];
    const pixels = async (png: Buffer): Promise<Buffer> => sharp(png).raw().toBuffer();
    expect((await pixels(rgb.bytes)).equals(await pixels(whole.bytes))).toBe(true);
    expect((await sharp(whole.bytes).metadata()).comments).toHaveLength(1);
    expect((await sharp(rgb.bytes).metadata()).comments ?? []).toEqual([]);
  },
  'view.channel.a': async (p) => {
    const { query } = await p.picture();
    const { format, channels } = await sharp((await p.get(`/view?${query}&channel=a`)).bytes).metadata();
    expect([format, channels]).toEqual(['png', 4]);
  },
};
