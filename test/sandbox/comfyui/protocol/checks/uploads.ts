import sharp from 'sharp';
import { expect } from 'vitest';
import { changed, type Graph } from '../../graphs.js';
import { pick } from '../pick.js';
import type { Checks, Player } from '../player.js';

const flat = (background: string, size = 8): Promise<Buffer> =>
  sharp({ create: { width: size, height: size, channels: 3, background } })
    .png()
    .toBuffer();

const url = (name: string, { type = 'input', subfolder = '' } = {}): string =>
  `/view?filename=${encodeURIComponent(name)}&type=${type}&subfolder=${subfolder}`;

async function upload(
  p: Player,
  name: string,
  { content = 'one', ...more }: Record<string, string> = {},
): Promise<unknown> {
  const answer = await p.form('/upload/image', { image: [name, content], ...more });
  expect(answer.status, answer.text).toBe(200);
  return answer.json;
}

/** POST /upload/image. */
export const uploads: Checks = {
  'upload.200': async (p) => {
    const name = `${p.tag}.png`;
    expect(await upload(p, name)).toMatchObject({ name, subfolder: '', type: 'input' });
    expect((await p.get(url(name))).text).toBe('one');
  },
  'upload.any-bytes': async (p) => {
    await upload(p, `${p.tag}.png`, { content: 'this is no picture' });
    expect((await p.get(url(`${p.tag}.png`))).text).toBe('this is no picture');
  },
  'upload.type': async (p) => {
    const name = `${p.tag}.png`;
    for (const type of ['input', 'temp', 'output']) {
      expect(await upload(p, name, { type })).toMatchObject({ type });
      expect((await p.get(url(name, { type }))).status, type).toBe(200);
    }
  },
  'upload.500.unknown-type': async (p) => {
    expect((await p.form('/upload/image', { image: [`${p.tag}.png`, 'x'], type: 'nope' })).status).toBe(500);
  },
  'upload.subfolder': async (p) => {
    const answer = await upload(p, 'a.png', { subfolder: `${p.tag}/deep` });
    expect(answer).toMatchObject({ name: 'a.png', subfolder: `${p.tag}/deep` });
    expect((await p.get(url('a.png', { subfolder: `${p.tag}/deep` }))).text).toBe('one');
  },
  'upload.overwrite': async (p) => {
    const name = `${p.tag}.png`;
    await upload(p, name);
    for (const [overwrite, kept] of [
      ['yes', `${p.tag} (1).png`],
      ['true', name],
      ['1', name],
    ] as const) {
      const content = `now ${overwrite}`;
      expect(await upload(p, name, { content, overwrite })).toMatchObject({ name: kept });
      expect((await p.get(url(kept))).text).toBe(content);
    }
  },
  'upload.same-name.same-bytes': async (p) => {
    const name = `${p.tag}.png`;
    await upload(p, name);
    expect(await upload(p, name)).toMatchObject({ name });
  },
  'upload.same-name.other-bytes': async (p) => {
    const name = `${p.tag}.png`;
    await upload(p, name);
    expect(await upload(p, name, { content: 'two' })).toMatchObject({ name: `${p.tag} (1).png` });
    expect(await upload(p, name, { content: 'three' })).toMatchObject({ name: `${p.tag} (2).png` });
    expect(await upload(p, name, { content: 'two' })).toMatchObject({ name: `${p.tag} (1).png` });
  },
  'upload.same-bytes.other-name': async (p) => {
    await upload(p, `${p.tag}-a.png`);
    expect(await upload(p, `${p.tag}-b.png`)).toMatchObject({ name: `${p.tag}-b.png` });
  },
  'upload.400.no-file': async (p) => {
    const answers = [
      await p.form('/upload/image', { other: ['a.png', 'x'] }),
      await p.form('/upload/image', { other: 'x' }),
      await p.post('/upload/image', { image: 'x' }),
    ];
    expect(answers.map((a) => [a.status, a.text])).toEqual(answers.map(() => [400, '']));
  },
  'upload.400.escape': async (p) => {
    for (const [name, subfolder] of [
      ['x.png', '../x'],
      ['x.png', '/etc'],
      ['../x.png', ''],
    ] as const) {
      const answer = await p.form('/upload/image', { image: [name, 'x'], subfolder });
      expect([answer.status, answer.text], `${subfolder} ${name}`).toEqual([400, '']);
    }
  },
  'upload.500.no-folder': async (p) => {
    expect((await p.form('/upload/image', { image: [`${p.tag}/x.png`, 'x'] })).status).toBe(500);
  },
};

const load = (p: Player, image: string): Graph => ({
  '1': { class_type: 'LoadImage', inputs: { image } },
  '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: `${p.tag}/loaded` } },
});

async function colour(p: Player, image: string): Promise<number[]> {
  const { query } = await p.picture(load(p, image), '2');
  const { data } = await sharp((await p.get(`/view?${query}`)).bytes)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return [...data.subarray(0, 3)];
}

/** How graphs name uploaded files; POST /upload/mask. */
export const inputs: Checks = {
  'load-image.subfolder': async (p) => {
    await p.form('/upload/image', { image: ['a.png', await flat('red')], subfolder: p.tag });
    expect(await colour(p, `${p.tag}/a.png`)).toEqual([255, 0, 0]);
  },
  'load-image.annotated': async (p) => {
    for (const [type, background, rgb] of [
      ['output', 'red', [255, 0, 0]],
      ['temp', 'lime', [0, 255, 0]],
      ['input', 'blue', [0, 0, 255]],
    ] as const) {
      await p.form('/upload/image', { image: [`${p.tag}.png`, await flat(background)], type });
      expect(await colour(p, `${p.tag}.png [${type}]`), type).toEqual(rgb);
    }
  },
  'mask.alpha': async (p) => {
    await p.form('/upload/image', { image: [`${p.tag}.png`, await flat('red')] });
    const alpha = { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0.5 } } as const;
    const mask = await sharp({ create: alpha }).png().toBuffer();
    const original_ref = JSON.stringify({ filename: `${p.tag}.png`, type: 'input' });
    const answer = await p.form('/upload/mask', { image: [`${p.tag}-masked.png`, mask], original_ref });
    expect([answer.status, pick(answer.json, 'name')]).toEqual([200, `${p.tag}-masked.png`]);
    const pixels = await sharp((await p.get(url(`${p.tag}-masked.png`))).bytes)
      .raw()
      .toBuffer();
    expect([...pixels.subarray(0, 4)]).toEqual([255, 0, 0, 128]);
  },
  'mask.keeps-text': async (p) => {
    const graph = p.noise();
    const { filename, subfolder } = await p.picture(graph);
    const original_ref = JSON.stringify({ filename, subfolder });
    const mask = await sharp(await flat('black', 16))
      .ensureAlpha(0.5)
      .png()
      .toBuffer();
    expect((await p.form('/upload/mask', { image: [`${p.tag}.png`, mask], original_ref })).status).toBe(200);
    const { comments } = await sharp((await p.get(url(`${p.tag}.png`))).bytes).metadata();
    expect(JSON.parse(comments?.find((c) => c.keyword === 'prompt')?.text ?? 'null')).toEqual(graph);
  },
  'mask.500.no-original-ref': async (p) => {
    expect((await p.form('/upload/mask', { image: [`${p.tag}.png`, await flat('red')] })).status).toBe(500);
  },
  'mask.200.missing-original': async (p) => {
    const original_ref = JSON.stringify({ filename: 'no-such.png', type: 'input' });
    const answer = await p.form('/upload/mask', { image: [`${p.tag}.png`, await flat('red')], original_ref });
    expect([answer.status, pick(answer.json, 'name')]).toEqual([200, `${p.tag}.png`]);
    expect((await p.get(url(`${p.tag}.png`))).status).toBe(404);
  },
  'load-image.new-bytes-run-anew': async (p) => {
    const save = async (background: string): Promise<unknown> =>
      p.form('/upload/image', { image: [`${p.tag}.png`, await flat(background)], overwrite: 'true' });
    await save('red');
    expect(await colour(p, `${p.tag}.png`)).toEqual([255, 0, 0]);
    await save('blue');
    expect(await colour(p, `${p.tag}.png`)).toEqual([0, 0, 255]);
  },
  'load-image.not-a-picture': async (p) => {
    await upload(p, `${p.tag}.png`, { content: 'no picture' });
    const by = await p.listen();
    const { id } = await p.run(changed(load(p, `${p.tag}.png`), '2', {}), { by });
    const [, data] = (await p.entry(id)).status.messages.find(([type]) => type === 'execution_error') ?? [];
    expect(data).toMatchObject({ exception_type: 'PIL.UnidentifiedImageError', node_id: '1' });
  },
};
