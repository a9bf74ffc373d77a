import { CullError } from '../../errors.js';
import type { Graph } from '../../templates/types.js';
import { cancelPrompt } from './cancel.js';
import type { Host } from './host.js';
import type { Answer } from './http.js';
import { isUnreachable } from './http.js';
import { invalidGraph, problemsOf } from './errors.js';
import { backOff, orAbort, patiently, pause, type PatienceOptions } from './patience.js';

const MAX_POSTS = 5;

export interface Submission {
  graph: Graph;
  promptId: string;
  clientId: string;
}

export interface SubmitContext {
  patience: PatienceOptions;
  signal: AbortSignal;
  /** Told of every POST that is under way: a cancellation has to come after it. */
  onPost(post: Promise<unknown>): void;
}

/**
 * Submits a prompt so that it is queued once: where a POST gets no answer, the prompt is looked up by its id and sent again
 * only if ComfyUI does not know it.
 *
 * @returns the id that ComfyUI uses (servers before 0.3.45 make their own)
 * @throws CullError COMFY_INVALID_GRAPH (permanent), COMFY_UNREACHABLE, COMFY_PROTOCOL, CONFIG_INVALID
 */
export async function submit(host: Host, prompt: Submission, context: SubmitContext): Promise<string> {
  const { signal, patience } = context;
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
    const job = await patiently(() => host.client.job(prompt.promptId, { signal }), { ...patience, signal });
    if (job.state !== 'unknown') return prompt.promptId;
    if (!isUnreachable(failure) || posts === MAX_POSTS) throw failure;
    await pause(backOff(posts, 250, 4_000), signal);
  }
}

async function accepted(host: Host, prompt: Submission, answer: Answer): Promise<string> {
  const said = answer.json as { prompt_id?: unknown; node_errors?: unknown } | undefined;
  const promptId = typeof said?.prompt_id === 'string' && said.prompt_id !== '' ? said.prompt_id : prompt.promptId;
  if (said === undefined) throw host.client.refusal(answer);
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
    default:
      return host.client.refusal(answer);
  }
}
