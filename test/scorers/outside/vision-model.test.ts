import { afterEach, describe, expect, it } from 'vitest';
import sharp from 'sharp';
import { createScorePool, type ScorePool } from '../../../activities/scoring/pool.js';
import { builtInScorers, dimensionsOf } from '../../../scorers/registry.js';
import { yesProbability } from '../../../scorers/outside/vision-model.js';
import { createComparison } from '../../../selection/comparable.js';
import { parsePolicy } from '../../../selection/policy-file.js';
import { jsonServer, type JsonServer } from '../../support/json-server.js';
import { disc, png } from '../synthetic.js';

const POLICY = `
policy: asked
questions:
  handsNatural: { ask: Do the hands look natural?, want: yes }
  watermark: { ask: Is there a watermark?, want: no }
gates:
  useCase: { question.handsNatural: { raw: { min: 0.7 }, reason: The hands look odd } }
  business: { noMark: { rule: 'scores.question.watermark.raw < 0.5', reason: There is a watermark } }
`;
const policy = parsePolicy(POLICY, { file: 'asked.yaml', dimensions: dimensionsOf(builtInScorers) });

interface Chat {
  model: string;
  temperature: number;
  messages: { content: { text?: string; image_url?: { url: string } }[] }[];
}
const answer = (content: string, probabilities?: Record<string, number>, model?: string) => ({
  body: {
    ...(model !== undefined && { model }),
    choices: [
      {
        message: { content },
        ...(probabilities && {
          logprobs: {
            content: [
              { top_logprobs: Object.entries(probabilities).map(([token, p]) => ({ token, logprob: Math.log(p) })) },
            ],
          },
        }),
      },
    ],
  },
});

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});
async function open(reply: (question: string) => object): Promise<{ server: JsonServer; pool: ScorePool }> {
  const server = await jsonServer((call) => reply((call.body as Chat).messages[0]?.content[1]?.text ?? ''));
  ends.push(() => server.close());
  const pool = await createScorePool({
    threads: 1,
    vlm: { url: `${server.url}/v1`, model: 'see-1', key: 'secret' },
  });
  ends.push(() => pool.close());
  return { server, pool };
}
const image = png(disc({ side: 1500 }));

describe('questions to a vision model', () => {
  it('are asked one by one with the image, and the probability of yes is the score', async () => {
    const { server, pool } = await open((question) =>
      question.startsWith('Do the hands')
        ? answer('Yes', { Yes: 0.6, ' yes': 0.15, No: 0.25 })
        : answer('No', { no: 0.9, Yes: 0.1 }),
    );
    const { scores, verdict } = await pool.score({ bytes: await image, policy, explain: 'all' });
    expect(scores['question.handsNatural']).toMatchObject({
      status: 'ok',
      raw: expect.closeTo(0.75, 6) as number,
      quality: expect.closeTo(75, 4) as number,
      facts: { question: 'Do the hands look natural?', answer: 'Yes', model: 'see-1' },
    });
    expect(scores['question.watermark']).toMatchObject({
      raw: expect.closeTo(0.1, 6) as number,
      quality: expect.closeTo(90, 4) as number,
    });
    expect(verdict.pass).toBe(true);

    expect(server.calls.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ['/v1/chat/completions', 'Bearer secret'],
      ['/v1/chat/completions', 'Bearer secret'],
    ]);
    const chat = server.calls[0]?.body as Chat;
    expect(chat).toMatchObject({ model: 'see-1', temperature: 0 });
    const [, data = ''] = chat.messages[0]?.content[0]?.image_url?.url.split('base64,') ?? [];
    expect(await sharp(Buffer.from(data, 'base64')).metadata()).toMatchObject({ width: 1024, height: 1024 });
  });

  it('fail their gates with the reasons of the policy', async () => {
    const { pool } = await open((question) => answer(question.startsWith('Do the hands') ? 'No.' : 'Yes, at the left'));
    const { scores, verdict } = await pool.score({ bytes: await image, policy, explain: 'all' });
    expect(scores['question.handsNatural']).toMatchObject({ raw: 0, facts: { answer: 'No.', probability: null } });
    expect(verdict.failed.map(({ gate, reason }) => [gate, reason])).toEqual([
      ['question.handsNatural', 'The hands look odd (question.handsNatural is 0)'],
      ['noMark', 'There is a watermark'],
    ]);
  });

  it('name the model that answered, as the API reports it: scores of two models are never compared', async () => {
    let served: string | undefined = 'see-1-2026-03-01';
    const { pool } = await open(() => answer('Yes', { Yes: 0.9, No: 0.1 }, served));
    const ask = async (of = policy) =>
      (await pool.score({ bytes: await image, policy: of, explain: 'all' })).scores['question.handsNatural'];
    const score = await ask();
    expect(score).toMatchObject({ models: { vlm: 'see-1-2026-03-01' }, facts: { model: 'see-1-2026-03-01' } });
    served = undefined;
    expect(await ask()).toMatchObject({ models: { vlm: 'see-1' } });

    // the same name, served by another model
    const [before, after] = [await ask(), ((served = 'see-1-2026-09-01'), await ask())];
    const comparison = createComparison(policy, { 'question.handsNatural': { scorer: before?.scorer ?? '' } });
    const differences = [before, after].flatMap((one) =>
      comparison.differences([{ scores: { 'question.handsNatural': one! } }], policy),
    );
    expect(differences).toEqual([
      {
        dimension: 'question.handsNatural',
        was: 'question@1.0.0 with vlm see-1-2026-09-01',
        is: 'question@1.0.0 with vlm see-1',
      },
    ]);
    const pinnedTo = (vlm: string) => ask({ ...policy, pins: { scorers: {}, models: { vlm } } });
    expect(await pinnedTo('see-1-2026-09-01')).toMatchObject({ status: 'ok' });
    await expect(pinnedTo('see-1')).rejects.toMatchObject({
      code: 'SCORER_VERSION',
      message: expect.stringContaining('the model vlm see-1-2026-09-01, and see-1 is pinned') as string,
    });
  });

  it('say nothing when the model says neither yes nor no', async () => {
    const { pool } = await open(() => answer('I am not sure', { I: 0.9 }));
    const { scores } = await pool.score({ bytes: await image, policy, explain: 'all' });
    expect(scores['question.watermark']).toMatchObject({ status: 'unassessable', facts: { answer: 'I am not sure' } });
  });

  it('are model-missing where no vision model is configured, and nothing else stops', async () => {
    const pool = await createScorePool({ threads: 1 });
    ends.push(() => pool.close());
    const { scores } = await pool.score({ bytes: await image, policy, explain: 'all' });
    expect(scores['question.watermark']).toMatchObject({
      status: 'unassessable',
      reason: 'model-missing',
      facts: { hint: 'set CULL_VLM_URL and CULL_VLM_MODEL' },
    });
    expect(scores['noise.sigma']).toMatchObject({ status: 'ok' });
  });

  it('are checked when the policy is read', () => {
    const read = (text: string) => () => parsePolicy(text, { file: 'p.yaml', dimensions: {} });
    expect(read('policy: p\nquestions: { a: { want: yes } }')).toThrow(/p.yaml:2:\d+: the question a asks nothing/);
    expect(read('policy: p\nquestions: { a: { ask: What?, want: maybe } }')).toThrow(/want must be yes, no/);
    expect(read('policy: p\ngates: { generic: { question.b: { raw: { min: 1 } } } }')).toThrow(
      /nothing measures question.b/,
    );
  });
});

describe('the probability of yes', () => {
  it('is over the spellings of both answers, and unknown without them', () => {
    const tokens = (of: Record<string, number>) =>
      Object.entries(of).map(([token, p]) => ({ token, logprob: Math.log(p) }));
    expect(yesProbability(tokens({ Yes: 0.3, ' YES': 0.3, no: 0.2, maybe: 0.2 }))).toBeCloseTo(0.75, 10);
    expect(yesProbability(tokens({ maybe: 1 }))).toBeUndefined();
    expect(yesProbability([])).toBeUndefined();
  });
});
