import sharp from 'sharp';
import { z } from 'zod';
import { CullError } from '../../errors.js';
import type { Assessment, FileSource, ImageFile, ScorerSpec } from '../scorer.js';
import { callJson } from './call.js';

/** Vision models tile or shrink what is larger; sending more only costs. */
const LONGEST_SIDE = 1024;
const TIMEOUT_MS = 120_000;

export interface VisionModelOptions {
  /** Base address of an OpenAI-compatible API, with its version: `http://127.0.0.1:8000/v1`. */
  url: string;
  model: string;
  /** Sent as `Authorization: Bearer`. */
  key?: string;
}

export const questionSpec: Omit<ScorerSpec, 'dimensions'> = {
  id: 'question',
  version: '1.0.0',
  tier: 'useCase',
  cost: 'model',
  models: [],
  source:
    'Probability of "yes" to a question about the image: Lin et al., Evaluating Text-to-Visual Generation with Image-to-Text Generation (VQAScore), 2024',
};

const completion = z.object({
  model: z.string().min(1).optional(),
  choices: z
    .array(
      z.object({
        message: z.object({ content: z.string().nullable() }),
        logprobs: z
          .object({
            content: z
              .array(
                z.object({ top_logprobs: z.array(z.object({ token: z.string(), logprob: z.number() })).default([]) }),
              )
              .nullish(),
          })
          .nullish(),
      }),
    )
    .min(1),
});

/**
 * Asks a vision model yes/no questions about an image, one call each. `raw` is the probability of yes: from the
 * log-probabilities of the first token where the API gives them, else 1 or 0 by the answer (`facts.probability` is null then). Each
 * score names the model that answered, as the API reports it: an alias may be served by another one tomorrow.
 *
 * @example
 * const model = visionModel({ url: 'http://127.0.0.1:8000/v1', model: 'qwen3-vl-2b' });
 * const ask = { params: { question: { handsNatural: { ask: 'Do the hands look natural?', want: 'yes' } } } };
 * (await model.assess({ bytes, sha256 }, ask, signal))['question.handsNatural']; // { status: 'ok', raw: 0.93, quality: 93, … }
 */
export function visionModel({ url, model, key }: VisionModelOptions): FileSource {
  const address = `${url.replace(/\/$/, '')}/chat/completions`;
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };

  const askOne = async (picture: string, question: string, signal: AbortSignal) => {
    const body = {
      model,
      temperature: 0,
      seed: 0,
      max_tokens: 3,
      logprobs: true,
      top_logprobs: 20,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image_url', image_url: { url: picture } },
            { type: 'text', text: `${question}\nAnswer with one word: yes or no.` },
          ],
        },
      ],
    };
    const parsed = completion.safeParse(await callJson(address, { body, headers, timeoutMs: TIMEOUT_MS, signal }));
    if (!parsed.success)
      throw new CullError('SCORER_INVALID', `${address} answered wrongly: ${z.prettifyError(parsed.error)}`, {
        hint: 'it must be an OpenAI-compatible chat completions API',
      });
    return { choice: parsed.data.choices[0], answeredBy: parsed.data.model ?? model };
  };

  return {
    async assess(image, { params }, signal) {
      const questions = Object.entries(params['question'] ?? {}) as [string, { ask: string; want: 'yes' | 'no' }][];
      const picture = await dataUri(image);
      const scores: Record<string, Assessment> = {};
      for (const [name, { ask, want }] of questions) {
        const { choice, answeredBy } = await askOne(picture, ask, signal);
        const text = choice?.message.content ?? '';
        const probability = yesProbability(choice?.logprobs?.content?.[0]?.top_logprobs ?? []);
        const yes = probability ?? (/^\W*yes\b/i.test(text) ? 1 : /^\W*no\b/i.test(text) ? 0 : undefined);
        const facts = { question: ask, want, answer: text.trim(), probability: probability ?? null, model: answeredBy };
        scores[`question.${name}`] =
          yes === undefined
            ? { status: 'unassessable', reason: 'not-applicable', facts }
            : {
                status: 'ok',
                raw: yes,
                quality: 100 * (want === 'yes' ? yes : 1 - yes),
                facts,
                models: { vlm: answeredBy },
              };
      }
      return scores;
    },
  };
}

/**
 * P(yes) / (P(yes) + P(no)) over the spellings of both among the likeliest first tokens; undefined where neither is among them.
 *
 * @example
 * yesProbability([{ token: 'Yes', logprob: Math.log(0.6) }, { token: ' no', logprob: Math.log(0.2) }]); // 0.75
 */
export function yesProbability(tokens: readonly { token: string; logprob: number }[]): number | undefined {
  const sum = (word: string): number =>
    tokens
      .filter(({ token }) => token.trim().toLowerCase() === word)
      .reduce((total, { logprob }) => total + Math.exp(logprob), 0);
  const [yes, no] = [sum('yes'), sum('no')];
  return yes + no === 0 ? undefined : yes / (yes + no);
}

async function dataUri({ bytes }: ImageFile): Promise<string> {
  const jpeg = await sharp(bytes, { pages: 1 })
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .resize(LONGEST_SIDE, LONGEST_SIDE, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ quality: 92, chromaSubsampling: '4:4:4' })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}
