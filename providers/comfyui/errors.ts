import { CullError } from '../../errors.js';
import { nodeName, titleOf } from '../../templates/check.js';
import { closest } from '../../templates/suggest.js';
import type { Graph } from '../../templates/types.js';
import type { JobError } from './job.js';

/** One reason of ComfyUI's against one node. */
export interface NodeProblem {
  node: string;
  title: string;
  class: string;
  /** ComfyUI's words, e.g. `Value not in list`. */
  message: string;
  /** The particulars, e.g. `ckpt_name: 'x' not in [...]`. */
  details: string;
  /** The input it is about, if it is about one. */
  input: string | null;
}

type Fields = Record<string, unknown>;
const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {});
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** `node_errors` of an answer to POST /prompt, flat, with the titles people know. */
export function problemsOf(answer: unknown, graph: Graph): NodeProblem[] {
  const { node_errors, error } = fieldsOf(answer);
  const found = Object.entries(fieldsOf(node_errors)).flatMap(([node, entry]) => {
    const { errors, class_type } = fieldsOf(entry);
    return (Array.isArray(errors) ? errors : []).map((one: unknown) => problem(node, textOf(class_type), one, graph));
  });
  if (found.length > 0) return found;
  // An unknown class is reported without node_errors.
  const { extra_info } = fieldsOf(error);
  const { node_id, class_type } = fieldsOf(extra_info);
  return typeof node_id === 'string' ? [problem(node_id, textOf(class_type), error, graph)] : [];
}

function problem(node: string, className: string, error: unknown, graph: Graph): NodeProblem {
  const { message, details, extra_info } = fieldsOf(error);
  const input = fieldsOf(extra_info).input_name;
  const known = Object.hasOwn(graph, node) ? graph[node] : undefined;
  return {
    node,
    title: known ? titleOf(known) : className,
    class: known?.class_type ?? className,
    message: textOf(message).trim(),
    details: textOf(details).trim(),
    input: typeof input === 'string' ? input : null,
  };
}

/** ComfyUI refused the graph: a 400, or a 200 that drops some of the outputs. `details` is a list of `NodeProblem`. */
export function invalidGraph(answer: unknown, graph: Graph, host: string): CullError {
  const problems = problemsOf(answer, graph);
  const whole = fieldsOf(fieldsOf(answer).error);
  const list = problems.map((one) => `${nodeName(one.node, graph)}: ${wordsOf(one)}`);
  const message =
    list.length > 0 ? list.join('; ') : [textOf(whole.message), textOf(whole.details)].filter(Boolean).join(': ');
  return new CullError('COMFY_INVALID_GRAPH', `ComfyUI at ${host} refused the graph: ${message || 'no reason given'}`, {
    hint: hintFor(problems, graph),
    details: problems,
  });
}

const wordsOf = (one: NodeProblem): string => [one.message, one.details].filter(Boolean).join(': ').slice(0, 600);

function hintFor(problems: NodeProblem[], graph: Graph): string {
  const first = problems[0];
  if (!first) return 'run the workflow once on the canvas of that ComfyUI';
  if (first.message.startsWith('Value not in list')) {
    const value = first.input === null ? undefined : graph[first.node]?.inputs[first.input];
    const options = [...first.details.replace(/^.* not in /s, '').matchAll(/'([^']+)'/g)].map(
      (match) => match[1] ?? '',
    );
    const near = typeof value === 'string' ? closest(value, options) : undefined;
    return near === undefined
      ? `choose a value that ComfyUI has, or put the missing file into its models folder`
      : `did you mean "${near}"? Otherwise put the missing file into its models folder`;
  }
  if (/not found|does not exist|missing/i.test(first.message) && first.input === null) {
    return `install the custom node that has ${first.class || 'this class'} on that ComfyUI`;
  }
  return `correct ${nodeName(first.node, graph)} in the template`;
}

/** A node failed while the prompt ran. */
export function nodeFailed(error: JobError | undefined, graph: Graph, host: string): CullError {
  const { node, exception = 'Exception', message = 'no reason given' } = error ?? {};
  const where = node === undefined ? 'a node' : nodeName(node, graph);
  // ComfyUI appends advice to the message, after a line break.
  const words = message.split('\n')[0]?.trim().slice(0, 600) ?? '';
  const known = node === undefined ? undefined : graph[node];
  const details = {
    node: node ?? null,
    title: known ? titleOf(known) : null,
    class: error?.class ?? known?.class_type ?? null,
    exception,
    message,
  };
  if (isOutOfMemory(exception, message)) {
    return new CullError('COMFY_OUT_OF_MEMORY', `ComfyUI at ${host} ran out of memory in ${where}: ${words}`, {
      hint: 'draw smaller pictures, take a smaller model, or give that ComfyUI a GPU with more memory',
      details,
    });
  }
  if (isDiskFull(message)) {
    return new CullError(
      'COMFY_DISK_FULL',
      `the disk of ComfyUI at ${host} is full: ${where} could not save: ${words}`,
      {
        hint: 'make room in the output folder of that ComfyUI',
        details,
      },
    );
  }
  return new CullError('COMFY_NODE_FAILED', `${where} failed on ComfyUI at ${host}: ${exception}: ${words}`, {
    hint: 'look at the inputs of that node and into the log of that ComfyUI',
    details,
  });
}

/** The advice that ComfyUI appends is the most stable mark of a full GPU; the rest are torch's own names and words. */
function isOutOfMemory(exception: string, message: string): boolean {
  return (
    /OutOfMemory|MemoryError$/i.test(exception) ||
    // cudaErrorMemoryAllocation and its like, where the words are those of the driver.
    (exception.endsWith('AcceleratorError') && /error code:? ?2\b/i.test(message)) ||
    /ran out of memory on your GPU|out of memory|can't allocate memory|DefaultCPUAllocator|not enough memory/i.test(
      message,
    )
  );
}

/** ENOSPC and EDQUOT as Python words them (errno 28 and 122), and Windows' code for a full disk (112). */
function isDiskFull(message: string): boolean {
  return /\[Errno (28|122)\]|\[WinError 112\]|No space left on device|Disk quota exceeded/i.test(message);
}
