import { CullError } from '../../errors.js';
import type { Graph } from '../../templates/types.js';
import { cancelPrompt } from './cancel.js';
import { isPromptId } from './endpoints/server.js';
import { isRecord } from './fields.js';
import type { Host } from './host.js';
import type { Answer } from './http.js';
import { isUnreachable } from './http.js';
import { invalidGraph, problemsOf } from './errors.js';
import { backOff, orAbort, patiently, pause, type PatienceOptions } from './patience.js';
import { refusePoison } from './poison.js';

const MAX_POSTS = 5;
/** A prompt on its way from the queue to the history is known nowhere for a moment: "unknown" counts if it is said so often. */
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 100;

export interface Submission {
  graph: Graph;
  promptId: string;
  clientId: string;
  /** Kept with the prompt in queue and history. */
  extraData?: Record<string, unknown>;
}

export interface SubmitContext {
  patience: PatienceOptions;
  signal: AbortSignal;
  /** Told of every POST that is under way: a cancellation has to come after it. */
  onPost(post: Promise<unknown>): void;
}

/**
 * Submits a prompt so that it is queued once.
 *
 * - Poison is not sent.
 * - No answer, or one of a proxy: the prompt is looked up by its id and sent again only if ComfyUI does not know it.
 * - 500: the prompt may be queued all the same and is looked up; if it is not there, the body is at fault, for good.
 * - 400, 413 and every other 4xx: the body, or who sends it, is at fault, for good.
 * - 200 with node errors: queued without some of its outputs. It is cancelled by its id and reported.
 *
 * @returns the id that ComfyUI uses (servers before 0.3.45 make their own)
 * @throws CullError COMFY_POISON, COMFY_INVALID_GRAPH, CONFIG_INVALID (all permanent), COMFY_UNREACHABLE, COMFY_PROTOCOL
 */
export async function submit(host: Host, prompt: Submission, context: SubmitContext): Promise<string> {
  const { signal, patience } = context;
  refusePoison(prompt);
  for (let posts = 1; ; posts++) {
    let failure: CullError;
    try {
      // Not bound to the signal: a POST that is cut off may be queued all the same.
      const post = host.client.submit(prompt);
      context.onPost(post);
      const answer = await orAbort(post, signal);
      if (answer.status === 200) return await accepted(host, prompt, answer);
      const refusal = refused(host, prompt, answer);
      if (answer.status !== 500 && !isUnreachable(refusal)) throw refusal;
      failure = refusal;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      failure = error;
    }
    if (await isThere(host, prompt.promptId, { patience, signal })) return prompt.promptId;
    if (!isUnreachable(failure) || posts === MAX_POSTS) throw failure;
    await pause(backOff(posts, 250, 4_000), signal);
  }
}

async function isThere(
  host: Host,
  promptId: string,
  { patience, signal }: Pick<SubmitContext, 'patience' | 'signal'>,
): Promise<boolean> {
  for (let looks = 1; ; looks++) {
    const { state } = await patiently(() => host.client.job(promptId, { signal }), { ...patience, signal });
    if (state !== 'unknown') return true;
    if (looks === LOOKS) return false;
    await pause(BETWEEN_LOOKS_MS, signal);
  }
}

async function accepted(host: Host, prompt: Submission, answer: Answer): Promise<string> {
  if (!isRecord(answer.json)) throw host.client.refusal(answer);
  const said = answer.json;
  const promptId = isPromptId(said.prompt_id) ? said.prompt_id : prompt.promptId;
  if (problemsOf({ node_errors: said.node_errors }, prompt.graph).length > 0) {
    // Queued all the same, with some outputs left out.
    await cancelPrompt(host.client, promptId);
    throw invalidGraph(said, prompt.graph, host.url);
  }
  return promptId;
}

function refused(host: Host, prompt: Submission, answer: Answer): CullError {
  switch (answer.status) {
    case 400:
      return invalidGraph(answer.json, prompt.graph, host.url);
    case 413:
      return new CullError('COMFY_INVALID_GRAPH', `ComfyUI at ${host.url} says that the graph is too large`, {
        hint: 'raise --max-upload-size of ComfyUI, or the body limit of the proxy before it',
        details: [],
      });
    case 500:
      return new CullError(
        'COMFY_INVALID_GRAPH',
        `ComfyUI at ${host.url} broke down while it checked the graph (500)`,
        {
          hint: 'look into the log of that ComfyUI: a node or a field of the graph is not what its code expects',
          details: [],
        },
      );
    default: {
      const refusal = host.client.refusal(answer);
      const isOfGraph = refusal.code === 'COMFY_REFUSED' || refusal.code === 'COMFY_PROTOCOL';
      if (answer.status < 400 || answer.status > 499 || !isOfGraph) return refusal;
      return new CullError('COMFY_INVALID_GRAPH', `the graph was refused: ${refusal.message}`, {
        hint: 'check that the address is a ComfyUI, and what a proxy before it lets through',
        details: [],
      });
    }
  }
}
