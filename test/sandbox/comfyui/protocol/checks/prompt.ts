import { randomUUID } from 'node:crypto';
import sharp from 'sharp';
import { expect } from 'vitest';
import { fields, pick } from '../pick.js';
import type { Checks } from '../player.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Far behind whatever waits. */
const LATE = 1_000_000;

/** Fields of POST /prompt but `number`, `front` and `extra_data`. */
export const prompt: Checks = {
  'prompt.200.shape': async (p) => {
    const { answer } = await p.submit(p.noise());
    expect(fields(answer.json)).toEqual(['node_errors', 'number', 'prompt_id']);
    expect(answer.json).toMatchObject({ node_errors: {}, number: expect.any(Number) as number });
  },
  'prompt.prompt-id.kept': async (p) => {
    const id = randomUUID();
    const { answer } = await p.submit(p.noise(), { prompt_id: id });
    expect(pick(answer.json, 'prompt_id')).toBe(id);
  },
  'prompt.prompt-id.made': async (p) => {
    expect(pick((await p.post('/prompt', { prompt: p.noise() })).json, 'prompt_id')).toMatch(UUID);
  },
  'prompt.prompt-id.null': async (p) => {
    expect(pick((await p.post('/prompt', { prompt: p.noise(), prompt_id: null })).json, 'prompt_id')).toMatch(UUID);
  },
  'prompt.prompt-id.ignored': async (p) => {
    const id = randomUUID();
    const { answer } = await p.submit(p.noise(), { prompt_id: id });
    expect(answer.status).toBe(200);
    expect(pick(answer.json, 'prompt_id')).not.toBe(id);
  },
  'prompt.prompt-id.any-text': async (p) => {
    const { answer } = await p.submit(p.noise(), { prompt_id: p.tag });
    expect([answer.status, pick(answer.json, 'prompt_id')]).toEqual([200, p.tag]);
  },
  'prompt.prompt-id.not-unique': async (p) => {
    const by = await p.listen();
    const id = randomUUID();
    const held = await p.hold({ by });
    const answers = [
      await p.submit(p.noise(), { by, prompt_id: id }),
      await p.submit(p.noise(), { by, prompt_id: id }),
    ];
    expect(answers.map(({ answer }) => answer.status)).toEqual([200, 200]);
    await p.release(held, by);
    await by.until(
      (events) => events.filter((e) => e.type === 'execution_success' && e.data.prompt_id === id).length === 2,
    );
  },
  'prompt.client-id.stored': async (p) => {
    const by = await p.listen();
    const { id } = await p.run(p.noise(), { by });
    expect((await p.entry(id)).prompt[3].client_id).toBe(by.sid);
  },
  'prompt.client-id.in-extra-data': async (p) => {
    const by = await p.listen();
    const { id } = await p.submit(p.noise(), { extra_data: { client_id: by.sid } });
    await by.ended(id);
    expect((await p.entry(id)).prompt[3].client_id).toBe(by.sid);
  },
  'prompt.client-id.any-value': async (p) => {
    for (const client_id of [null, 7, true, '']) {
      const { answer, id } = await p.submit(p.noise(), { client_id });
      expect(answer.status, String(client_id)).toBe(200);
      expect((await p.entryInTime(id)).prompt[3].client_id).toEqual(client_id);
    }
  },
  'prompt.targets.only-these': async (p) => {
    const by = await p.listen();
    const graph = {
      ...p.noise(),
      '5': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: `${p.tag}/b` } },
    };
    const { id } = await p.run(graph, { by, partial_execution_targets: ['5'] });
    const entry = await p.entry(id);
    expect([entry.prompt[4], Object.keys(entry.outputs)]).toEqual([['5'], ['5']]);
  },
  'prompt.400.targets-match-none': async (p) => {
    for (const targets of [[], ['99'], ['1']]) {
      const { answer } = await p.submit(p.noise(), { partial_execution_targets: targets });
      expect([answer.status, pick(answer.json, 'error', 'type')]).toEqual([400, 'prompt_no_outputs']);
    }
  },
  'prompt.200.node-errors': async (p) => {
    const by = await p.listen();
    const bad = { images: ['1', 0], filename_prefix: `${p.tag}/bad`, upscale_method: 'none' };
    const graph = {
      ...p.noise(),
      '5': {
        class_type: 'ImageScale',
        inputs: { image: ['1', 0], upscale_method: 'magic', width: 8, height: 8, crop: 'disabled' },
      },
      '6': { class_type: 'SaveImage', inputs: { ...bad, images: ['5', 0] } },
    };
    const { answer, id } = await p.submit(graph, { by });
    expect(answer.status).toBe(200);
    expect(Object.keys(pick(answer.json, 'node_errors') as object)).toEqual(['5']);
    await by.ended(id);
    const entry = await p.entry(id);
    expect([entry.status.status_str, entry.prompt[4], Object.keys(entry.outputs)]).toEqual(['success', ['4'], ['4']]);
  },
};

/** The order that `number` and `front` ask for. */
export const priority: Checks = {
  'prompt.number.is-a-counter': async (p) => {
    const [a, b] = [await p.submit(p.noise()), await p.submit(p.noise())];
    expect(Number(pick(b.answer.json, 'number'))).toBe(Number(pick(a.answer.json, 'number')) + 1);
  },
  'prompt.number.kept': async (p) => {
    for (const [given, told] of [
      [LATE, LATE],
      [-5, -5],
      ['7.5', 7.5],
    ]) {
      const { answer } = await p.submit(p.noise(), { number: given });
      expect(pick(answer.json, 'number')).toBe(told);
    }
    expect((await p.submit(p.noise(), { number: 'many' })).answer.status).toBe(500);
  },
  'prompt.number.leaves-the-counter': async (p) => {
    const numbers = [];
    for (const more of [{}, { number: LATE }, {}]) {
      numbers.push(pick((await p.submit(p.noise(), more)).answer.json, 'number'));
    }
    expect(numbers[2]).toBe(Number(numbers[0]) + 1);
  },
  'prompt.number.counts-refused': async (p) => {
    const before = pick((await p.submit(p.noise())).answer.json, 'number');
    expect((await p.submit({})).answer.status).toBe(400);
    expect(pick((await p.submit(p.noise())).answer.json, 'number')).toBe(Number(before) + 2);
  },
  'prompt.number.lowest-first': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const ids = [];
    for (const number of [LATE + 2, LATE, LATE + 1]) ids.push((await p.submit(p.noise(), { by, number })).id);
    await p.release(held, by);
    await by.ended(ids[0]!);
    const started = by.events.filter((e) => e.type === 'execution_start').map((e) => e.data.prompt_id);
    expect(started).toEqual([held, ids[1], ids[2], ids[0]]);
  },
  'prompt.front.minus-counter': async (p) => {
    const before = Number(pick((await p.submit(p.noise())).answer.json, 'number'));
    expect(pick((await p.submit(p.noise(), { front: true })).answer.json, 'number')).toBe(-(before + 1));
  },
  'prompt.front.last-first': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const normal = await p.submit(p.noise(), { by });
    const a = await p.submit(p.noise(), { by, front: true });
    const b = await p.submit(p.noise(), { by, front: true });
    await p.release(held, by);
    await by.ended(normal.id);
    const started = by.events.filter((e) => e.type === 'execution_start').map((e) => e.data.prompt_id);
    expect(started).toEqual([held, b.id, a.id, normal.id]);
  },
  'prompt.front.number-wins': async (p) => {
    const { answer } = await p.submit(p.noise(), { front: true, number: LATE });
    expect(pick(answer.json, 'number')).toBe(LATE);
  },
};

/** What is done with `extra_data`. */
export const extraData: Checks = {
  'prompt.extra-data.stored': async (p) => {
    const by = await p.listen();
    const { id } = await p.run(p.noise(), { by, extra_data: { cull: { host: 'h' } } });
    expect((await p.entry(id)).prompt[3]).toMatchObject({ cull: { host: 'h' } });
  },
  'prompt.extra-data.in-png': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    const { id } = await p.run(graph, {
      by,
      extra_data: { extra_pnginfo: { workflow: { id: p.tag }, note: 'hello' } },
    });
    const image = pick((await p.entry(id)).outputs, '4', 'images', 0);
    const png = (await p.get(`/view?filename=${String(pick(image, 'filename'))}&subfolder=${p.tag}`)).bytes;
    const notes = Object.fromEntries(
      ((await sharp(png).metadata()).comments ?? []).map((c) => [c.keyword, JSON.parse(c.text) as unknown]),
    );
    expect(notes).toEqual({ prompt: graph, workflow: { id: p.tag }, note: 'hello' });
  },
  'prompt.extra-data.create-time': async (p) => {
    const by = await p.listen();
    const { id } = await p.run(p.noise(), { by });
    const time = Number((await p.entry(id)).prompt[3].create_time);
    expect(Number.isInteger(time) && time > 1e12, String(time)).toBe(true);
  },
  'prompt.extra-data.secrets-cut': async (p) => {
    const by = await p.listen();
    const secrets = { auth_token_comfy_org: 'sesame-1', api_key_comfy_org: 'sesame-2' };
    const held = await p.hold({ by, extra_data: secrets });
    const { id } = await p.submit(p.noise(), { by, extra_data: secrets });
    expect((await p.get('/queue')).text).not.toContain('sesame');
    await p.release(held, by);
    await by.ended(id);
    expect((await p.get(`/history/${id}`)).text).not.toContain('sesame');
  },
  'prompt.extra-data.preview-method': async (p) => {
    const by = await p.listen();
    await p.run(p.txt2img(), { by });
    expect(by.frames).toHaveLength(0);
    await p.run(p.txt2img(), { by, extra_data: { preview_method: 'latent2rgb' } });
    expect(by.frames.length).toBeGreaterThan(0);
  },
  'prompt.500.extra-data': async (p) => {
    for (const extra_data of [null, []]) {
      expect((await p.submit(p.noise(), { extra_data })).answer.status, JSON.stringify(extra_data)).toBe(500);
    }
  },
  'prompt.usage-source': async (p) => {
    const headers = { 'comfy-usage-source': 'cull' };
    const answer = await p.send('POST', '/prompt', { body: JSON.stringify({ prompt: p.noise() }), headers });
    const entry = await p.entryInTime(String(pick(answer.json, 'prompt_id')));
    expect(entry.prompt[3].comfy_usage_source).toBe('cull');
  },
};
