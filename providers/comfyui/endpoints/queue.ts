/** /prompt and /queue: what waits and runs. */
import type { Graph } from '../../../templates/types.js';
import { fieldsOf, listOf, numberOf, textOf, textsOf, type Fields } from '../fields.js';
import type { Answer } from '../http.js';
import { checkId, type Server, type With } from './server.js';

/** What to draw, under which id. */
export interface Prompt {
  graph: Graph;
  /** A lowercase UUID, never used before. Servers before 0.3.45 pass over it and answer with one of their own. */
  promptId: string;
  /** Of the websocket that is to have the events. */
  clientId: string;
  /** Kept with the prompt, in queue and history; `extra_pnginfo` in it is written into the files. */
  extraData?: Fields;
  /** Before everything that waits. */
  front?: boolean;
  /** Only these output nodes (0.3.48 and newer; older ones run all). */
  outputs?: string[];
}

/** A prompt as queue and history hold it. */
export interface QueueItem {
  /** The priority: lower runs first. */
  number: number;
  promptId: string;
  graph: Graph;
  extraData: Fields;
  /** The output nodes that are executed. */
  outputs: string[];
}

export interface QueueView {
  running: QueueItem[];
  /** In the order of execution. */
  pending: QueueItem[];
}

export async function submit(to: Server, prompt: Prompt, options: With): Promise<Answer> {
  const json = {
    prompt: prompt.graph,
    prompt_id: prompt.promptId,
    client_id: prompt.clientId,
    ...(prompt.extraData ? { extra_data: prompt.extraData } : {}),
    ...(prompt.front ? { front: true } : {}),
    ...(prompt.outputs ? { partial_execution_targets: prompt.outputs } : {}),
  };
  const answer = await to.ask('/prompt', { method: 'POST', json, timeoutMs: to.timeouts.submitMs, ...options });
  const used = answer.status === 200 ? textOf(fieldsOf(answer.json).prompt_id) : undefined;
  if (used !== undefined) to.known.promptIds = used === prompt.promptId;
  return answer;
}

export async function queueDepth(to: Server, options: With): Promise<number> {
  const body = await to.json('/prompt', options);
  const depth = numberOf(fieldsOf(fieldsOf(body).exec_info).queue_remaining);
  if (depth !== undefined) return depth;
  throw to.unexpected('/prompt', { status: 200, text: JSON.stringify(body) });
}

export async function queue(to: Server, options: With): Promise<QueueView> {
  const { queue_running, queue_pending } = fieldsOf(await to.json('/queue', options));
  return {
    running: listOf(queue_running).map(parseItem),
    // ComfyUI sends its heap as it lies in memory.
    pending: listOf(queue_pending)
      .map(parseItem)
      .sort((a, b) => a.number - b.number || (a.promptId < b.promptId ? -1 : 1)),
  };
}

export const clearQueue = (to: Server, options: With): Promise<void> => to.post('/queue', { clear: true }, options);

export async function dequeue(to: Server, promptIds: readonly string[], options: With): Promise<void> {
  if (promptIds.length > 0) await to.post('/queue', { delete: promptIds.map(checkId) }, options);
}

/** `[number, id, graph, extra_data, outputs]`, as in queue and history. */
export function parseItem(item: unknown): QueueItem {
  const [number, promptId, graph, extraData, outputs] = listOf(item);
  return {
    number: numberOf(number) ?? 0,
    promptId: textOf(promptId) ?? '',
    graph: fieldsOf(graph) as Graph,
    extraData: fieldsOf(extraData),
    outputs: textsOf(outputs),
  };
}
