/** What ComfyUI says about one prompt, from /api/jobs/{id} or from /history/{id} and /queue, in one shape. */
import { fieldsOf, listOf, numberOf, present, textOf, textsOf } from './fields.js';

export type JobState = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'unknown';

export interface ImageRef {
  filename: string;
  subfolder: string;
  /** `output`, `temp` or `input`. */
  type: string;
}

/** Any file that a node made. */
export interface FileRef extends ImageRef {
  /** The node that made it. */
  node: string;
  /** Where the node lists it: `images` (SaveImage, and the core nodes for video), `gifs`, `audio`, `3d`, … */
  list: string;
}

export interface JobError {
  node?: string;
  class?: string;
  /** Python's name of the exception. */
  exception: string;
  message: string;
}

export interface Job {
  state: JobState;
  /** Node id -> what it lists as `images`, as far as nodes have finished; also of failed jobs. */
  outputs: Record<string, ImageRef[]>;
  /** Everything of the same that is a file, of all nodes and lists. */
  files: FileRef[];
  /** Node id -> the text that it shows, where it shows any. */
  texts: Record<string, string[]>;
  /** Nodes whose results came from ComfyUI's cache; known of jobs that have ended. */
  cached: string[];
  error?: JobError;
  /** Milliseconds since the epoch, by the host's clock. */
  timing: { createdAt?: number; startedAt?: number; endedAt?: number };
}

export const UNKNOWN_JOB: Job = { state: 'unknown', outputs: {}, files: [], texts: {}, cached: [], timing: {} };

/** ComfyUI's words for the states. */
export const STATES: Record<string, JobState> = {
  pending: 'pending',
  in_progress: 'running',
  completed: 'succeeded',
  failed: 'failed',
  cancelled: 'cancelled',
};

/** ComfyUI's word as ours; undefined for any other, `constructor` included. */
export const stateOf = (word: unknown): JobState | undefined =>
  typeof word === 'string' && Object.hasOwn(STATES, word) ? STATES[word] : undefined;

/** The body of `GET /api/jobs/{id}`. */
export function parseJob(body: unknown): Job | undefined {
  const job = fieldsOf(body);
  const state = stateOf(job.status);
  if (state === undefined) return undefined;
  const ended = parseStatus(job.execution_status);
  return present<Job>({
    // The messages are right where the summary is not: a run that broke off can leave "success" behind.
    state: state === 'pending' || state === 'running' ? state : (ended.state ?? state),
    ...parseOutputs(job.outputs),
    cached: ended.cached,
    error: ended.error ?? parseError(job.execution_error),
    timing: present<Job['timing']>({
      createdAt: numberOf(job.create_time),
      startedAt: numberOf(job.execution_start_time) ?? ended.startedAt,
      endedAt: numberOf(job.execution_end_time) ?? ended.endedAt,
    }),
  });
}

/** An entry of `/history`: jobs that have ended. */
export function parseHistory(entry: unknown): Job {
  const { prompt, outputs, status } = fieldsOf(entry);
  const ended = parseStatus(status);
  const summary = fieldsOf(status).status_str === 'success' ? 'succeeded' : 'failed';
  return present<Job>({
    state: ended.state ?? summary,
    ...parseOutputs(outputs),
    cached: ended.cached,
    error: ended.error,
    timing: present<Job['timing']>({
      createdAt: numberOf(fieldsOf(listOf(prompt)[3]).create_time),
      startedAt: ended.startedAt,
      endedAt: ended.endedAt,
    }),
  });
}

/** The body of `GET /queue`: where the prompt is, if it has not ended. */
export function findInQueue(body: unknown, id: string): 'pending' | 'running' | undefined {
  const { queue_running, queue_pending } = fieldsOf(body);
  const holds = (list: unknown): boolean => listOf(list).some((item) => listOf(item)[1] === id);
  return holds(queue_running) ? 'running' : holds(queue_pending) ? 'pending' : undefined;
}

interface Ended {
  state?: JobState;
  error?: JobError;
  cached: string[];
  startedAt?: number;
  endedAt?: number;
}

/** `status` of a history entry: what its messages say. */
function parseStatus(status: unknown): Ended {
  const found: Ended = { cached: [] };
  for (const message of listOf(fieldsOf(status).messages)) {
    const [type, data] = listOf(message);
    const at = numberOf(fieldsOf(data).timestamp);
    if (type === 'execution_start' && at !== undefined) found.startedAt = at;
    if (type === 'execution_cached') found.cached = textsOf(fieldsOf(data).nodes);
    const state =
      type === 'execution_success' ? 'succeeded' : type === 'execution_interrupted' ? 'cancelled' : undefined;
    const error = type === 'execution_error' ? parseError(data) : undefined;
    if (state === undefined && error === undefined) continue;
    found.state = state ?? 'failed';
    if (error) found.error = error;
    if (at !== undefined) found.endedAt = at;
  }
  return found;
}

function parseError(data: unknown): JobError | undefined {
  const fields = fieldsOf(data);
  const message = textOf(fields.exception_message);
  if (message === undefined && fields.exception_type === undefined) return undefined;
  const node = fields.node_id;
  return {
    ...(typeof node === 'string' || typeof node === 'number' ? { node: String(node) } : {}),
    ...(typeof fields.node_type === 'string' ? { class: fields.node_type } : {}),
    exception: textOf(fields.exception_type) ?? 'Exception',
    message: (message ?? '').trim(),
  };
}

const refOf = (value: unknown): ImageRef[] => {
  const { filename, subfolder, type } = fieldsOf(value);
  if (typeof filename !== 'string') return [];
  return [{ filename, subfolder: textOf(subfolder) ?? '', type: textOf(type) ?? 'output' }];
};

/** `outputs` of a history entry or a job: node id -> whatever the node shows, by list. */
function parseOutputs(outputs: unknown): Pick<Job, 'outputs' | 'files' | 'texts'> {
  const nodes = Object.entries(fieldsOf(outputs)).map(([node, ui]) => [node, fieldsOf(ui)] as const);
  return {
    outputs: Object.fromEntries(nodes.map(([node, ui]) => [node, listOf(ui.images).flatMap(refOf)])),
    files: nodes.flatMap(([node, ui]) =>
      Object.entries(ui).flatMap(([list, items]) =>
        listOf(items)
          .flatMap(refOf)
          .map((ref) => ({ ...ref, node, list })),
      ),
    ),
    texts: Object.fromEntries(
      nodes.flatMap(([node, ui]) => (Array.isArray(ui.text) ? [[node, textsOf(ui.text)] as const] : [])),
    ),
  };
}
