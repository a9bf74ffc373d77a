import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { contactSheet } from '../../cli/views/contact-sheet.js';
import { html } from '../../cli/views/html.js';
import { makeThumbnail } from '../../cli/views/thumbnail.js';
import { recordOf, records, result } from './samples.js';

const sheetOf = (more: Partial<Parameters<typeof contactSheet>[0]> = {}) =>
  contactSheet({ result, records, thumbnails: new Map(), policyName: 'product', prompt: 'a red mug', ...more });
const cards = (page: string) => [...page.matchAll(/id="candidate-(\d+)"/g)].map((match) => Number(match[1]));
const cardOf = (page: string, candidate: number) =>
  new RegExp(`id="candidate-${candidate}".*?</article>`, 's').exec(page)?.[0] ?? '';

describe('contactSheet', () => {
  it('shows every candidate once: winners by rank, then passed, review, rejected, lost', () => {
    expect(cards(sheetOf())).toEqual([5, 1, 6, 2, 7, 0, 3, 4]);
  });

  it('says of each what became of it and why', () => {
    const page = sheetOf({ thumbnails: new Map([[5, 'data:image/jpeg;base64,AAAA']]) });
    expect(cardOf(page, 5)).toMatch(/Winner 1.*90\.0.*1005/s);
    expect(cardOf(page, 5)).toContain('src="data:image/jpeg;base64,AAAA"');
    expect(cardOf(page, 5)).toContain('alt="Candidate 5, 512 by 512 pixels"');
    expect(cardOf(page, 2)).toContain('Near-duplicate of 1');
    expect(cardOf(page, 3)).toMatch(/Rejected.*at least 40 wanted.*Text in the background/s);
    expect(cardOf(page, 7)).toContain('Review');
    expect(cardOf(page, 4)).toMatch(/No picture.*Lost.*Node 3 KSampler.*COMFY_NODE_FAILED/s);
    expect(cardOf(page, 0)).toMatch(
      /<tr class="failed">\s*<th scope="row">tile<wbr \/>P90.*<td>100<\/td>\s*<td>50<\/td>/s,
    );
    expect(cardOf(page, 0)).toContain('too-small');
  });

  it('says who decided on one in the band review', () => {
    const { verdict } = records[7]!;
    const by = (decision: 'accept' | 'reject') =>
      cardOf(
        sheetOf({
          records: records.with(7, {
            ...records[7]!,
            ...(decision === 'accept' && { state: 'passed', verdict: { ...verdict!, pass: true } }),
            review: { decision, by: '<ann>', at: '2026-01-01T00:00:00.000Z' },
          }),
        }),
        7,
      );
    expect(by('accept')).toMatch(/Passed.*Accepted by &lt;ann&gt;/s);
    expect(by('reject')).toMatch(/Rejected.*Rejected by &lt;ann&gt;/s);
  });

  it('has a filter for each group and each gate, with rules that name what exists', () => {
    const page = sheetOf();
    const inputs = [...page.matchAll(/<input[^>]*id="(show-[a-z0-9-]+)"/g)].map((match) => match[1]);
    expect(inputs).toEqual([
      'show-all',
      'show-delivered',
      'show-passed',
      'show-rejected',
      'show-lost',
      'show-gate-0',
      'show-gate-1',
      'show-gate-2',
    ]);
    for (const id of inputs.slice(1)) expect(page).toContain(`body:has(#${id ?? ''}:checked)`);
    expect(cardOf(page, 3)).toContain('data-gates="0 1"');
    expect(page.match(/name="show"/g)).toHaveLength(inputs.length);
  });

  it('is self-contained: no scripts, nothing loaded from elsewhere', () => {
    const page = sheetOf({ links: new Map([[5, '01-candidate-0005.png']]) });
    expect(page).not.toMatch(/<script|<link|@import|url\(|https?:/i);
    expect(cardOf(page, 5)).toMatch(/<a class="picture" href="01-candidate-0005\.png"/);
  });

  it('escapes whatever comes from outside', () => {
    const evil = '"><script>alert(1)</script>&';
    const page = sheetOf({
      prompt: evil,
      policyName: evil,
      thumbnails: new Map([[1, evil]]),
      links: new Map([[1, evil]]),
      result: { ...result, request: evil, state: 'failed', error: { code: evil, message: evil } },
      records: [
        recordOf(1, {
          host: evil,
          error: { code: evil, message: evil },
          notPicked: evil,
          scores: { [`s.${evil}`]: { status: 'error', error: evil, scorer: evil } },
          verdict: { pass: false, band: 'reject', failed: [{ gate: evil, tier: 'generic', reason: evil }] },
          state: 'rejected',
        }),
      ],
    });
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;');
  });

  it('is well-formed: every element that opens closes, in order', () => {
    const page = sheetOf().replace(/<style>.*?<\/style>/s, '');
    const empty = new Set(['meta', 'input', 'img', 'wbr', '!doctype']);
    const stack: string[] = [];
    for (const [, slash, name = ''] of page.matchAll(/<(\/?)([a-z!][a-z0-9]*)[^>]*>/gi)) {
      if (empty.has(name)) continue;
      if (slash === '/') expect(stack.pop()).toBe(name);
      else stack.push(name);
    }
    expect(stack).toEqual([]);
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id = ''] of page.matchAll(/aria-labelledby="([^"]+)"/g)) expect(ids).toContain(id);
  });

  it('names the outcome of requests that did not deliver all', () => {
    expect(sheetOf({ result: { ...result, state: 'shortfall', wanted: 4 } })).toContain('Shortfall, 2 of 4 delivered');
    const cancelled = sheetOf({
      result: { ...result, state: 'cancelled', delivered: [] },
      records: [recordOf(0, { state: 'drawn' }), recordOf(1, { state: 'cancelled' })],
    });
    expect(cancelled).toMatch(/<title>Cancelled: a red mug<\/title>/);
    expect(cards(cancelled)).toEqual([0, 1]);
  });

  it('stays below 1 MB with 24 candidates of noise, the worst case for JPEG', async () => {
    const noise = await sharp({
      create: {
        width: 512,
        height: 512,
        channels: 3,
        background: '#888',
        noise: { type: 'gaussian', mean: 128, sigma: 60 },
      },
    })
      .png()
      .toBuffer();
    const thumbnail = await makeThumbnail(noise);
    const scores = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`scorer.dimension${i}`, recordOf(0).scores['noise.sigma']!]),
    );
    const many = Array.from({ length: 24 }, (_, i) => recordOf(i, { scores }));
    const page = sheetOf({ records: many, thumbnails: new Map(many.map(({ candidate }) => [candidate, thumbnail])) });
    expect(Buffer.byteLength(page)).toBeLessThan(1_000_000);
  });
});

describe('makeThumbnail', () => {
  it('makes a JPEG that fits the square, transparency on white', async () => {
    const png = await sharp({
      create: { width: 400, height: 200, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    })
      .png()
      .toBuffer();
    const uri = await makeThumbnail(png);
    expect(uri).toMatch(/^data:image\/jpeg;base64,/);
    const image = sharp(Buffer.from(uri.slice(uri.indexOf(',') + 1), 'base64'));
    expect(await image.metadata()).toMatchObject({ format: 'jpeg', width: 192, height: 96 });
    const { channels } = await image.stats();
    expect(channels.map((channel) => channel.min)).toEqual([255, 255, 255]);
  });

  it('turns pictures upright and refuses what is no image', async () => {
    const turned = await sharp({ create: { width: 400, height: 200, channels: 3, background: '#808080' } })
      .jpeg()
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const uri = await makeThumbnail(turned, { size: 100 });
    const image = sharp(Buffer.from(uri.slice(uri.indexOf(',') + 1), 'base64'));
    expect(await image.metadata()).toMatchObject({ width: 50, height: 100 });
    await expect(makeThumbnail(Buffer.from('no image'))).rejects.toThrow();
  });
});

describe('html', () => {
  it('escapes values, joins lists, and leaves out what is absent', () => {
    expect(
      html`<p title="${'"x"'}">${'<b>'}${[html`<i>1</i>`, html`<i>2</i>`]}${null}${undefined}${false}${0}</p>`.text,
    ).toBe('<p title="&quot;x&quot;">&lt;b&gt;<i>1</i><i>2</i>0</p>');
  });
});
