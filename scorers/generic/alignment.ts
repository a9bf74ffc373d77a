import { fitOf, marginOf, NEUTRAL, type Fit, type Margin } from '../clip/fit.js';
import { distractorsOf } from '../clip/prompts/distractors.js';
import { affirmed, claimsOf, forbiddenOf, type Forbidden } from '../clip/prompts/pieces.js';
import { falling, quality, rising, type Sigmoid } from '../mapping.js';
import { Unassessable, type Assessment, type Scorer } from '../scorer.js';

const MARGIN = rising(0, 1);
const RANK = rising(0.85, 0.04);
const LEAKAGE = falling(0, 1);
const ABOUT_PROMPT = ['alignment.margin', 'alignment.weakestClaim', 'alignment.rank'];
const NOT_APPLICABLE = new Unassessable('not-applicable').assessment;

/**
 * Whether the picture shows what the prompt asks for, and nothing of what the negative prompt forbids. Every number is a difference between
 * two sentences about the same picture: an absolute cosine says nothing, it depends on the words, their number and the model.
 */
export const alignment: Scorer = {
  spec: {
    id: 'alignment',
    version: '1.0.0',
    tier: 'generic',
    cost: 'model',
    models: [{ id: 'clip' }],
    source:
      'Radford et al., Learning Transferable Visual Models From Natural Language Supervision, ICML 2021 (logits); contrast of prompts as in ' +
      'Wang, Chan, Loy, Exploring CLIP for Assessing the Look and Feel of Images, AAAI 2023; rank among captions as in retrieval',
    dimensions: {
      'alignment.margin': {
        direction: 'higher',
        unit: 'logits',
        range: [-200, 200],
        about:
          'How much nearer the picture is to the prompt than to "a photo" and to the same prompt with one attribute exchanged; below 0 another sentence fits better.',
      },
      'alignment.weakestClaim': {
        direction: 'higher',
        unit: 'logits',
        range: [-200, 200],
        about:
          'The same for the claim of the prompt that fits least; a low value means that this claim is not to be seen.',
      },
      'alignment.rank': {
        direction: 'higher',
        unit: 'share',
        range: [0, 1],
        about: 'Share of captions of other pictures that fit less than the prompt; 1 means that none fits better.',
      },
      'alignment.leakage': {
        direction: 'lower',
        unit: 'logits',
        range: [-200, 200],
        about:
          'How much nearer the picture is to the worst part of the negative prompt than to "a photo"; a high value means that it shows what it must not.',
      },
    },
  },
  async assess(frame, { prompt: whole = '', negativePrompt = '', params }, signal) {
    const prompt = affirmed(whole);
    const forbidden = forbiddenOf(negativePrompt);
    const none = Object.fromEntries([...ABOUT_PROMPT, 'alignment.leakage'].map((id) => [id, NOT_APPLICABLE]));
    if (prompt === '' && forbidden.length === 0) return none;
    const fit = await fitOf(frame, signal);
    return {
      ...none,
      ...((await fit.readable(prompt)) &&
        prompt !== '' && {
          'alignment.margin': await promptMargin(fit, prompt),
          'alignment.weakestClaim': await weakestClaim(fit, whole),
          'alignment.rank': await rank(fit, prompt, textsIn(params['distractors'])),
        }),
      ...(forbidden.length > 0 && { 'alignment.leakage': await leakage(fit, forbidden) }),
    };
  },
};

const ok = (raw: number, curve: Sigmoid, facts: Record<string, unknown>): Assessment => ({
  status: 'ok',
  raw,
  quality: quality(raw, curve),
  facts,
});

const told = ({ margin: _, ...others }: Margin): Record<string, unknown> => others;

async function promptMargin(fit: Fit, prompt: string): Promise<Assessment> {
  const found = await marginOf(fit, prompt);
  return ok(found.margin, MARGIN, { ...told(found), ...(await fit.reading(prompt)) });
}

async function weakestClaim(fit: Fit, prompt: string): Promise<Assessment> {
  const { claims, leftOut } = claimsOf(prompt);
  const found: (Margin & { claim: string })[] = [];
  for (const claim of claims)
    if (await fit.readable(claim))
      found.push({ claim, ...(await marginOf(fit, claim, (text) => `a photo of ${text}`)) });
    else leftOut.push(claim);
  const [weakest] = found.toSorted((a, b) => a.margin - b.margin);
  if (weakest === undefined) return NOT_APPLICABLE;
  return ok(weakest.margin, MARGIN, {
    weakest: weakest.claim,
    ...told(weakest),
    claims: found.map(({ claim, margin }) => ({ claim, margin })),
    leftOut,
  });
}

async function rank(fit: Fit, prompt: string, more: readonly string[]): Promise<Assessment> {
  const own = await fit.of(prompt);
  const nearer: { text: string; logit: number }[] = [];
  let of = 0;
  for (const text of distractorsOf(prompt, more)) {
    if ((await fit.reading(text)).unknown > 0) continue;
    of++;
    const logit = await fit.of(text);
    if (logit >= own) nearer.push({ text, logit });
  }
  if (of === 0) return NOT_APPLICABLE;
  const nearest = nearer
    .toSorted((a, b) => b.logit - a.logit)
    .slice(0, 5)
    .map(({ text }) => text);
  return ok(1 - nearer.length / of, RANK, { rank: nearer.length + 1, of: of + 1, nearer: nearest });
}

async function leakage(fit: Fit, forbidden: readonly Forbidden[]): Promise<Assessment> {
  const neutral = await fit.of(NEUTRAL);
  const found: { part: string; margin: number }[] = [];
  const leftOut: string[] = [];
  for (const { part, sentence } of forbidden)
    if (await fit.readable(sentence)) found.push({ part, margin: (await fit.of(sentence)) - neutral });
    else leftOut.push(part);
  const [worst] = found.toSorted((a, b) => b.margin - a.margin);
  if (worst === undefined) return NOT_APPLICABLE;
  return ok(worst.margin, LEAKAGE, { worst: worst.part, parts: found, leftOut });
}

/** The texts of a parameter that is one text or a list. */
const textsIn = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((text): text is string => typeof text === 'string');
