import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { CullError } from '../../../errors.js';
import { createComfyProvider } from '../../../providers/comfyui/index.js';
import type { Generation, GenerationJob } from '../../../providers/provider.js';
import { startScripted, widthOf, type Prompt, type Script, type Scripted, type Step } from './scripted.js';
import { address, jobFor } from './support.js';

/**
 * Whatever a ComfyUI does, in whatever order: a run ends in exactly one of done, failed, cancelled, stalled; and what it says
 * is what the server knows.
 */

const LIMIT_MS = 1_000;
const EXECUTION_MS = 2_500;
/** What was said in the last moment before a limit passed may still have been on its way. */
const ON_ITS_WAY_MS = 250;

let job: GenerationJob;
const pictures = new Map<number, Buffer>();
beforeAll(async () => {
  job = await jobFor('noise');
  for (let width = 1; width <= 32; width++) {
    const image = sharp({ create: { width, height: 2, channels: 3, background: 'grey' } });
    pictures.set(width, await image.png().toBuffer());
  }
});

const message = (type: string, data: object): string => JSON.stringify({ type, data: { prompt_id: 'ID', ...data } });
const NOISE = [
  message('executing', { node: null }),
  message('execution_start', {}),
  message('execution_success', { timestamp: 1 }),
  message('execution_error', { exception_type: 'ValueError', exception_message: 'a lie' }),
  message('execution_error', { exception_type: 'ExecutionBlocked' }),
  message('execution_interrupted', {}),
  message('executing', { node: '2' }),
  message('executing', { node: null, prompt_id: '00000000-0000-4000-8000-000000000000' }),
  message('executed', { node: '4', output: { images: [{ filename: 'other.png', subfolder: '', type: 'temp' }] } }),
  message('progress_state', { nodes: { '2': { state: 'error' } } }),
  message('never.heard.of', { x: 1 }),
  '{"type":"progress","data":{"prompt_id":"ID","node":"2","value":NaN,"max":Infinity}}',
  '{"type":"executing","data":{"node":"2"}}',
  '{"type":"status","data":{"status":{"exec_info":{"queue_remaining":-1}}}}',
  'not JSON',
  '',
];

const harmless = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Step>({ do: 'progress' }) },
  { weight: 3, arbitrary: fc.constantFrom('1', '2', '4', '99').map((node): Step => ({ do: 'node', node })) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'nothing' }) },
  { weight: 6, arbitrary: fc.constantFrom(...NOISE).map((what): Step => ({ do: 'say', what })) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'drop' }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 2 }).map((times): Step => ({ do: 'hide', times })) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('bad gateway' as const, 'cut' as const, 'html' as const, 'empty' as const)
      .map((how): Step => ({ do: 'garble', how, times: 1 })),
  },
);
const decisive = fc.oneof(
  { weight: 10, arbitrary: fc.constant<Step>({ do: 'succeed' }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'fail' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'interrupt' }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'dequeue' }) },
  { weight: 3, arbitrary: fc.constant<Step>({ do: 'abort' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'restart' }) },
  { weight: 1, arbitrary: fc.boolean().map((obeys): Step => ({ do: 'hang', obeys })) },
);
const script: fc.Arbitrary<Script> = fc.record({
  post: fc.oneof(
    { weight: 8, arbitrary: fc.constant('ok' as const) },
    { weight: 1, arbitrary: fc.constantFrom('answer lost' as const, 'answered 500' as const, 'lost' as const) },
  ),
  steps: fc
    .tuple(
      fc.array(harmless, { maxLength: 3 }),
      fc.option(fc.constant<Step>({ do: 'start' }), { nil: undefined, freq: 5 }),
      fc.array(harmless, { maxLength: 4 }),
      decisive,
      fc.array(fc.oneof(harmless, decisive), { maxLength: 2 }),
    )
    .map(([before, start, within, end, after]) => [...before, ...(start ? [start] : []), ...within, end, ...after]),
});
const GOOD: Script = { post: 'ok', steps: [{ do: 'start' }, { do: 'node', node: '2' }, { do: 'succeed' }] };

class NotWanted extends Error {}
type Outcome = { done: Generation } | { error: unknown };

/** Draws every run's candidate at once, on one ComfyUI. */
async function play(
  runs: Script[][],
  refuseWebsocket: boolean,
): Promise<{ outcomes: Outcome[]; aborted: Set<number>; server: Scripted }> {
  const stops = runs.map(() => new AbortController());
  const aborted = new Set<number>();
  const server = await startScripted({
    script: (run, nth) => runs[run]?.[nth] ?? GOOD,
    picture: (width) => pictures.get(width)!,
    onAbort: (run) => {
      aborted.add(run);
      stops[run]?.abort(new NotWanted());
    },
    refuseWebsocket,
  });
  const limits = { noProgressMs: LIMIT_MS, loaderMs: LIMIT_MS, queueStallMs: LIMIT_MS, workerDeadMs: LIMIT_MS };
  const provider = createComfyProvider({
    host: address(server.url),
    timeouts: { giveUpMs: 20_000, ...limits, executionMs: EXECUTION_MS, pollMs: 30 },
  });
  const outcomes = await Promise.all(
    runs.map(async (_, run): Promise<Outcome> => {
      const graph = { ...job.graph, '2': { ...job.graph['2']!, inputs: { ...job.graph['2']!.inputs, seed: run } } };
      try {
        const done = await provider.generate(
          { ...job, graph, seed: run, candidate: run },
          { signal: stops[run]!.signal, onSubmitted: () => Promise.resolve(), onProgress: () => undefined },
        );
        return { done };
      } catch (error) {
        return { error };
      }
    }),
  );
  await provider.close();
  await server.close();
  return { outcomes, aborted, server };
}

/** For how long nothing was said of a prompt when it was given up; what may have been on its way is not counted as said. */
function silenceOf(prompt: Prompt): number {
  const at = prompt.cancelAskedAt ?? 0;
  return at - Math.max(...prompt.news.filter((time) => time < at - ON_ITS_WAY_MS));
}

/** What is wrong with the outcome of one run, given what the server knows; undefined if they agree. */
function disagreement(
  outcome: Outcome,
  truth: { script: Script; prompts: Prompt[]; all: Prompt[]; aborted: boolean },
): string | undefined {
  const { prompts, all } = truth;
  const last = prompts.at(-1);
  const open = prompts.filter(({ fate, hanging }) => (fate === 'pending' || fate === 'running') && hanging !== 'deaf');
  if (open.length > 0) return 'it left a prompt behind';
  if ('done' in outcome) {
    const { promptId, width } = outcome.done;
    const prompt = prompts.findLast(({ id }) => id === promptId);
    if (!prompt?.fates.has('succeeded')) return 'delivered what was not drawn';
    return width === widthOf(all, promptId) ? undefined : 'delivered the picture of another prompt';
  }
  const { error } = outcome;
  if (error instanceof NotWanted) return truth.aborted ? undefined : 'cancelled although it was wanted';
  if (!(error instanceof CullError)) return `not an error for people: ${String(error)}`;
  if (last === undefined) return `nothing was submitted: ${error.message}`;
  // A restart takes the history away before the picture was fetched: then, and only then, may a render be drawn again.
  if (last.fate === 'succeeded') return `a finished render is lost: ${error.message}`;
  switch (error.code) {
    case 'COMFY_NODE_FAILED':
      return last.fates.has('failed') ? undefined : 'failed although no node did';
    case 'COMFY_INTERRUPTED': {
      const lost = prompts.filter(({ fate }) => fate === 'gone').length >= 3;
      return lost || last.fates.has('cancelled') ? undefined : 'interrupted although nobody did';
    }
    case 'COMFY_STALLED':
    case 'COMFY_WORKER_DEAD': {
      if (last.cancelAskedAt === undefined) return 'given up without cancelling it';
      const ran = last.cancelAskedAt - (last.startedAt ?? Infinity);
      const late = silenceOf(last) >= LIMIT_MS - 1 || ran >= EXECUTION_MS - 1;
      return late ? undefined : `given up after ${silenceOf(last)} ms of silence, ${ran} ms of running`;
    }
    case 'COMFY_INVALID_GRAPH':
      // A 500, and the prompt is not there: it was queued all the same, and forgotten before the look.
      return truth.script.post === 'answered 500' && last.fate === 'gone' ? undefined : 'refused although it was not';
    default:
      return `unexpected: ${error.code} ${error.message}`;
  }
}

describe('a run', () => {
  it('ends in exactly one way, and agrees with the server', async () => {
    const seen: Record<string, number> = {};
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(script, { minLength: 1, maxLength: 3 }), { minLength: 32, maxLength: 32 }),
        fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
        async (runs, refuseWebsocket) => {
          const { outcomes, aborted, server } = await play(runs, refuseWebsocket);
          const wrong = outcomes.flatMap((outcome, run) => {
            const prompts = server.prompts.filter((one) => one.run === run);
            const script = runs[run]?.[prompts.length - 1] ?? GOOD;
            const truth = { script, prompts, all: server.prompts, aborted: aborted.has(run) };
            const { error } = { error: undefined, ...outcome };
            const name = error === undefined ? 'done' : error instanceof CullError ? error.code : 'cancelled';
            seen[name] = (seen[name] ?? 0) + 1;
            const why = disagreement(outcome, truth);
            if (why === undefined) return [];
            const fates = prompts.map(({ id, fates }) => `${id}: ${[...fates].join()}`);
            return [`${name}: ${why}; ${fates.join('; ')}; ${JSON.stringify(runs[run])}`];
          });
          expect(wrong).toEqual([]);
          expect(server.doubles).toEqual([]);
        },
      ),
      { numRuns: 6, endOnFailure: true, interruptAfterTimeLimit: 20_000 },
    );
    // The scripts reach every kind of end.
    expect(Object.keys(seen)).toEqual(
      expect.arrayContaining(['done', 'cancelled', 'COMFY_NODE_FAILED', 'COMFY_INTERRUPTED']),
    );
  });
});
