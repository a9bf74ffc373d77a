import { afterEach, describe, expect, it } from 'vitest';
import { noise } from './graphs.js';
import { closeAll, start } from './harness.js';
import type { Session } from './session.js';

afterEach(closeAll);

/** Submits a graph in which the text "NUMBER" stands for a number that JSON.stringify cannot write; resolves to the answer. */
async function submit(s: Session, { body, number }: { body: object; number: string }): Promise<Response> {
  const text = JSON.stringify({ prompt_id: s.id(1), ...body }).replaceAll('"NUMBER"', number);
  return fetch(`${s.url}/prompt`, { method: 'POST', body: text });
}

async function text(s: Session, path: string): Promise<string> {
  return (await fetch(s.url + path)).text();
}

describe('numbers that a double cannot hold', () => {
  const seeded = (): object => ({
    prompt: {
      ...noise({ seed: 0, prefix: 'a' }),
      '2': node('ImageAddNoise', { image: ['1', 0], seed: 'NUMBER', strength: 0.5 }),
    },
  });
  const node = (class_type: string, inputs: object): object => ({ class_type, inputs });

  it.each(['18446744073709551615', '9007199254740993'])('%s comes back with all its digits', async (number) => {
    const { comfy, s } = await start();
    expect((await submit(s, { body: seeded(), number })).status).toBe(200);
    await expect.poll(async () => (await comfy.log())[0]!.status).toBe('success');
    for (const path of [`/history/${s.id(1)}`, `/api/jobs/${s.id(1)}`]) {
      expect(await text(s, path), path).toContain(`"seed":${number}`);
    }
    const png = await fetch(`${s.url}/view?filename=a_00001_.png`);
    expect(Buffer.from(await png.arrayBuffer()).toString('latin1')).toContain(`"seed":${number}`);
  });

  it('are compared with the limits exactly', async () => {
    const { s } = await start();
    const answer = await submit(s, { body: seeded(), number: '18446744073709551616' });
    expect(answer.status).toBe(400);
    const said = await answer.text();
    expect(said).toContain('Value 18446744073709551616 bigger than max of 18446744073709551615');
    expect(said).toContain('"received_value":18446744073709551616');
    expect(await text(s, '/object_info/KSampler')).toContain('"max":18446744073709551615');
  });

  it('NaN passes the limits, and makes the error message no JSON', async () => {
    const { comfy, s } = await start();
    const prompt = {
      ...noise({ seed: 1, prefix: 'a' }),
      '3': node('ImageBlur', { image: ['2', 0], blur_radius: 31, sigma: 'NUMBER' }),
    };
    const raw: string[] = [];
    s.socketOf(s.alice).on('message', (data: Buffer) => raw.push(data.toString('utf8')));
    await submit(s, { body: { prompt, client_id: s.alice }, number: 'NaN' });
    await expect.poll(async () => (await comfy.log())[0]!.status).toBe('error');
    await expect.poll(() => raw.find((m) => m.includes('execution_error'))).toContain('"sigma":[NaN]');
    expect(await text(s, `/history/${s.id(1)}`)).toContain('"sigma":NaN');
    expect(await text(s, '/api/jobs')).toContain('"sigma":[NaN]');
  });

  it('are refused as whole numbers when they are none', async () => {
    const { s } = await start();
    const answer = await submit(s, { body: seeded(), number: '-Infinity' });
    expect(await answer.text()).toContain('cannot convert float infinity to integer');
  });
});
