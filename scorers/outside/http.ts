import { z } from 'zod';
import { CullError } from '../../errors.js';
import type { Assessment, FileAsk, FileScorer, FileSource, ImageFile, ScorerSpec } from '../scorer.js';
import { batcher } from './batcher.js';
import { callJson } from './call.js';

const SPEC_TIMEOUT_MS = 10_000;
const DEFAULT_TIMEOUT_MS = 60_000;

/** What `GET /spec` answers; each scorer's spec is checked like that of a module. */
const description = z.object({
  scorers: z.array(z.looseObject({ id: z.string() })).min(1),
  batch: z
    .object({ max: z.number().int().min(1).max(256).default(8), waitMs: z.number().min(0).max(1000).default(10) })
    .default({ max: 8, waitMs: 10 }),
  timeoutMs: z.number().int().min(100).max(600_000).default(DEFAULT_TIMEOUT_MS),
});

const assessment = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('ok'),
    raw: z.number(),
    quality: z.number(),
    models: z.record(z.string(), z.string()).optional(),
    facts: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({
    status: z.literal('unassessable'),
    reason: z.string().min(1),
    facts: z.record(z.string(), z.unknown()).optional(),
  }),
  z.object({ status: z.literal('notRun') }),
  z.object({ status: z.literal('error'), error: z.string() }),
]);
const answer = z.object({ assessments: z.array(z.record(z.string(), assessment)) });

interface Item {
  image: ImageFile;
  ask: FileAsk;
  signal: AbortSignal;
}

/**
 * The scorers behind an address. `GET <url>/spec` says what they measure; `POST <url>/assess` measures several images in one call:
 * those that are scored at about the same time. One call asks all scorers of that address. docs/scorers-from-outside.md is the contract.
 *
 * @throws CullError SCORER_UNREACHABLE, SCORER_INVALID
 *
 * @example
 * const [brandColour] = await httpScorers('http://127.0.0.1:9000');
 * await brandColour?.source.assess({ bytes, sha256 }, { params: {} }, AbortSignal.timeout(60_000));
 */
export async function httpScorers(url: string): Promise<FileScorer[]> {
  const base = url.replace(/\/$/, '');
  const said = description.safeParse(await callJson(`${base}/spec`, { timeoutMs: SPEC_TIMEOUT_MS }));
  if (!said.success)
    throw new CullError('SCORER_INVALID', `${base}/spec is not what is expected: ${z.prettifyError(said.error)}`, {
      hint: 'docs/scorers-from-outside.md describes it',
    });
  const { scorers, batch, timeoutMs } = said.data;
  const specs = scorers as unknown as ScorerSpec[];
  const call = async (items: Item[]): Promise<Record<string, Assessment>[]> => {
    // the whole call ends when nobody waits for it any more
    const everybody = new AbortController();
    let gone = 0;
    for (const { signal } of items)
      signal.addEventListener('abort', () => ++gone === items.length && everybody.abort(signal.reason), { once: true });
    const body = { scorers: specs.map(({ id }) => id), items: items.map(itemBody) };
    const said = answer.safeParse(await callJson(`${base}/assess`, { body, timeoutMs, signal: everybody.signal }));
    if (!said.success)
      throw new CullError('SCORER_INVALID', `${base}/assess answered wrongly: ${z.prettifyError(said.error)}`, {
        hint: 'docs/scorers-from-outside.md describes it',
      });
    const { assessments } = said.data;
    if (assessments.length !== items.length)
      throw new CullError('SCORER_INVALID', `${base}/assess answered ${assessments.length} of ${items.length} images`, {
        hint: 'one answer for each image, in their order',
      });
    return assessments as Record<string, Assessment>[];
  };
  const ask = batcher({ ...batch, run: call });
  const source: FileSource = { assess: (image, given, signal) => ask({ image, ask: given, signal }) };
  return specs.map((spec) => ({ spec, source }));
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');

const byName = (files: Readonly<Record<string, Uint8Array>>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, base64(bytes)]));

function itemBody({ image, ask: { references, named, masks, ...rest } }: Item): Record<string, unknown> {
  return {
    image: base64(image.bytes),
    sha256: image.sha256,
    ...rest,
    ...(references && { references: references.map(base64) }),
    ...(named && { named: byName(named) }),
    ...(masks && { masks: byName(masks) }),
  };
}
