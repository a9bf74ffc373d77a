import { isRecord, listOf, nameOf, namesOf, numberOf, optional, textOf, type Fields } from './fields.js';
import { parseLoose } from './http.js';

/**
 * Everything that ComfyUI says over its websocket as text, in one typed union, with our field names.
 *
 * `type` is ComfyUI's own. Node ids are those of the graph, as text. Fields that some versions leave out are optional; a
 * message that lacks a field it is useless without becomes `unknown`, with everything that it said. Timestamps are
 * milliseconds since the epoch by the host's clock: compare them with each other only.
 */
export type ComfyMessage =
  | StatusMessage
  | StartMessage
  | CachedMessage
  | ProgressStateMessage
  | ExecutingMessage
  | ProgressMessage
  | ExecutedMessage
  | SuccessMessage
  | ErrorMessage
  | InterruptedMessage
  | FeatureFlagsMessage
  | LogsMessage
  | AssetsMessage
  | UnknownMessage;

/** Sent to everybody when a prompt is queued, taken and ended; the first message of a connection. */
export interface StatusMessage {
  type: 'status';
  /** Prompts of anybody that wait or run. */
  queueRemaining: number;
  /** The client id of this connection; only in the first message. */
  sid?: string;
}

export interface StartMessage {
  type: 'execution_start';
  promptId: string;
  timestamp?: number;
}

/** Sent once per prompt, usually with an empty list. */
export interface CachedMessage {
  type: 'execution_cached';
  promptId: string;
  /** Nodes that will not run: their results are in ComfyUI's cache. */
  nodes: string[];
  timestamp?: number;
}

/** Every node that has begun, so far: each message holds all that the ones before it said. */
export interface ProgressStateMessage {
  type: 'progress_state';
  promptId: string;
  nodes: Record<string, NodeProgress>;
}

export interface NodeProgress {
  /** `running` or `finished`; ComfyUI declares `pending` and `error`, too, and sends neither. */
  state: string;
  /** Steps done; the unit is the node's own. */
  value: number;
  max: number;
  /** The node of the graph that stands for it: differs for nodes that another node made while it ran. */
  displayNode?: string;
  parentNode?: string;
  realNode?: string;
}

export interface ExecutingMessage {
  type: 'executing';
  /** Missing in the one message that tells a new connection what its client id's prompt does. */
  promptId?: string;
  /** The node that begins; null: ComfyUI is done with the prompt, after success, error and interrupt alike. */
  node: string | null;
  displayNode?: string;
}

/** A step of one node; at most ten per second. */
export interface ProgressMessage {
  type: 'progress';
  promptId?: string;
  node?: string;
  /** Steps done, of `max`. */
  value: number;
  max: number;
}

/** A node with something to show has ended, or its result came from the cache. */
export interface ExecutedMessage {
  type: 'executed';
  promptId: string;
  node: string;
  displayNode?: string;
  /** What the node shows, as ComfyUI sent it: `images`, `text`, `audio`, ... */
  output: Record<string, unknown> | null;
}

/** The history may not have the prompt yet; it does at `executing` with node null. */
export interface SuccessMessage {
  type: 'execution_success';
  promptId: string;
  timestamp?: number;
}

export interface ErrorMessage {
  type: 'execution_error';
  promptId: string;
  node?: string;
  nodeType?: string;
  /** Nodes that had ended before. */
  executed: string[];
  /** Python's name of the exception. */
  exception: string;
  message: string;
  traceback: string[];
  /** Inputs of the failed node, as far as ComfyUI can write them. */
  currentInputs: Record<string, unknown>;
  currentOutputs: string[];
  /** False for a blocked branch: the prompt goes on and may end well. */
  final: boolean;
  timestamp?: number;
}

export interface InterruptedMessage {
  type: 'execution_interrupted';
  promptId: string;
  node?: string;
  nodeType?: string;
  executed: string[];
  timestamp?: number;
}

/** The answer to our own flags. */
export interface FeatureFlagsMessage {
  type: 'feature_flags';
  flags: Record<string, unknown>;
}

/** Lines of ComfyUI's log; only for those who subscribed to them. */
export interface LogsMessage {
  type: 'logs';
  entries: { time?: string; text: string }[];
  /** Columns and rows of ComfyUI's terminal. */
  size?: { cols: number; rows: number };
}

/** What the asset scanner does (`assets.seed.*`); sent to everybody. */
export interface AssetsMessage {
  type: 'assets';
  /** ComfyUI's type in full, such as `assets.seed.progress`. */
  event: string;
  data: Record<string, unknown>;
}

/** Anything else: messages of custom nodes, of newer versions, and what cannot be read. */
export interface UnknownMessage {
  type: 'unknown';
  /** ComfyUI's type; left out where it names none. */
  name?: string;
  /** The prompt, where the data names one. */
  promptId?: string;
  /** The message's data; the whole text or frame where it could not be read. */
  data: unknown;
}

/**
 * Reads one text message of the websocket; never throws. Bare NaN and Infinity, as Python writes them, become null.
 *
 * @example
 * parseMessage('{"type":"executing","data":{"node":"3","prompt_id":"ab..."}}'); // { type: 'executing', promptId: 'ab...', node: '3' }
 */
export function parseMessage(text: string): ComfyMessage {
  const envelope = parseLoose(text);
  if (!isRecord(envelope)) return { type: 'unknown', data: envelope === undefined ? text : envelope };
  const { type, data } = envelope;
  if (typeof type !== 'string') return { type: 'unknown', data: envelope };
  const known = isRecord(data) ? read(type, data) : undefined;
  if (known) return known;
  return { type: 'unknown', name: type, ...optional('promptId', promptOf(data)), data };
}

function read(type: string, data: Fields): ComfyMessage | undefined {
  if (type.startsWith('assets.')) return { type: 'assets', event: type, data };
  const promptId = promptOf(data);
  const time = optional('timestamp', numberOf(data.timestamp));
  switch (type) {
    case 'status':
      return readStatus(data);
    case 'feature_flags':
      return { type, flags: data };
    case 'logs':
      return readLogs(data);
    case 'executing':
      return readExecuting(data);
    case 'progress':
      return readProgress(data);
  }
  if (promptId === undefined) return undefined;
  switch (type) {
    case 'execution_start':
    case 'execution_success':
      return { type, promptId, ...time };
    case 'execution_cached':
      return { type, promptId, nodes: namesOf(data.nodes), ...time };
    case 'progress_state':
      return isRecord(data.nodes) ? { type, promptId, nodes: readNodes(data.nodes) } : undefined;
    case 'executed':
      return readExecuted(promptId, data);
    case 'execution_error':
      return { ...readError(promptId, data), ...time };
    case 'execution_interrupted':
      return { type, promptId, ...whereOf(data), executed: namesOf(data.executed), ...time };
    default:
      return undefined;
  }
}

function readStatus(data: Fields): StatusMessage | undefined {
  const info = isRecord(data.status) ? data.status.exec_info : undefined;
  const queueRemaining = isRecord(info) ? numberOf(info.queue_remaining) : undefined;
  if (queueRemaining === undefined) return undefined;
  return { type: 'status', queueRemaining, ...optional('sid', textOf(data.sid)) };
}

function readExecuting(data: Fields): ExecutingMessage | undefined {
  const node = data.node === null ? null : nameOf(data.node);
  if (node === undefined) return undefined;
  return {
    type: 'executing',
    ...optional('promptId', promptOf(data)),
    node,
    ...optional('displayNode', nameOf(data.display_node)),
  };
}

function readProgress(data: Fields): ProgressMessage | undefined {
  const value = numberOf(data.value);
  const max = numberOf(data.max);
  if (value === undefined || max === undefined) return undefined;
  const node = optional('node', nameOf(data.node));
  return { type: 'progress', ...optional('promptId', promptOf(data)), ...node, value, max };
}

function readNodes(nodes: Fields): Record<string, NodeProgress> {
  const entries = Object.entries(nodes).flatMap(([id, node]): [string, NodeProgress][] => {
    if (!isRecord(node) || typeof node.state !== 'string') return [];
    const progress = {
      state: node.state,
      value: numberOf(node.value) ?? 0,
      max: numberOf(node.max) ?? 0,
      ...optional('displayNode', nameOf(node.display_node_id)),
      ...optional('parentNode', nameOf(node.parent_node_id)),
      ...optional('realNode', nameOf(node.real_node_id)),
    };
    return [[id, progress]];
  });
  return Object.fromEntries(entries);
}

function readExecuted(promptId: string, data: Fields): ExecutedMessage | undefined {
  const node = nameOf(data.node);
  if (node === undefined) return undefined;
  const displayNode = optional('displayNode', nameOf(data.display_node));
  return { type: 'executed', promptId, node, ...displayNode, output: isRecord(data.output) ? data.output : null };
}

function readError(promptId: string, data: Fields): ErrorMessage {
  return {
    type: 'execution_error',
    promptId,
    ...whereOf(data),
    executed: namesOf(data.executed),
    exception: textOf(data.exception_type) ?? 'Exception',
    // Text and tip, ended by a line feed.
    message: (textOf(data.exception_message) ?? '').trim(),
    traceback: listOf(data.traceback).filter((line) => typeof line === 'string'),
    currentInputs: isRecord(data.current_inputs) ? data.current_inputs : {},
    currentOutputs: namesOf(data.current_outputs),
    final: data.exception_type !== 'ExecutionBlocked',
  };
}

function readLogs(data: Fields): LogsMessage {
  const entries = listOf(data.entries).flatMap((entry) => {
    const text = isRecord(entry) ? textOf(entry.m) : undefined;
    return isRecord(entry) && text !== undefined ? [{ ...optional('time', textOf(entry.t)), text }] : [];
  });
  const size = isRecord(data.size) ? data.size : {};
  const cols = numberOf(size.cols);
  const rows = numberOf(size.rows);
  return { type: 'logs', entries, ...(cols === undefined || rows === undefined ? {} : { size: { cols, rows } }) };
}

const promptOf = (data: unknown): string | undefined => (isRecord(data) ? textOf(data.prompt_id) : undefined);
const whereOf = (data: Fields): { node?: string; nodeType?: string } => ({
  ...optional('node', nameOf(data.node_id)),
  ...optional('nodeType', textOf(data.node_type)),
});
