import type { Event, Exchange } from './session.js';

/** Values of these keys differ from run to run or are prose of the real server: only their types are compared. */
const LOOSE = new Set([
  ...['timestamp', 'create_time', 'execution_start_time', 'execution_end_time', 'traceback', 'current_inputs'],
  ...['tooltip', 'description', 'search_aliases', 'output_tooltips', 'system', 'devices', 'essentials_category'],
]);
/** Lists that a Python set was turned into: their order means nothing. */
const UNORDERED = new Set(['executed', 'current_outputs', 'errors', 'dependent_outputs']);
/** Of a text that names a path or differs by wording, only the type counts. */
const LOOSE_TEXT = new Set(['exception_message', 'details']);

function typed(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? ['empty'] : [typed(value[0])];
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : `<${typeof value}>`;
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, typed(v)]));
}

/** A prompt's number comes from a counter that other prompts moved, unless the client chose it (the scenarios choose -1000). */
function counted(value: unknown): unknown {
  if (typeof value !== 'number' || value <= -1000) return value;
  return value < 0 ? '<minus counter>' : '<counter>';
}

/** [number, prompt id, graph, extra data, outputs], as queue and history show a prompt. */
function isPromptTuple(value: readonly unknown[]): boolean {
  return value.length === 5 && typeof value[0] === 'number' && typeof value[1] === 'string';
}

function compared(value: unknown, key: string, loose: ReadonlySet<string>): unknown {
  if (LOOSE.has(key) || loose.has(key)) return typed(value);
  if (Array.isArray(value)) {
    const items = value.map((v) => compared(v, '', loose));
    if (isPromptTuple(value)) items[0] = counted(value[0]);
    return UNORDERED.has(key) ? items.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))) : items;
  }
  if (key === 'number' || key === 'priority') return counted(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([k]) => k !== 'previewable_outputs_count' || !loose.has(k))
      .map(([k, v]) => [k, compared(v, k, loose)]),
  );
}

/** How a comparison is loosened where a recording and the sandbox may differ. */
export interface Tolerance {
  /** The recording's server is older than the jobs field `previewable_outputs_count`. */
  readonly before033: boolean;
  /** The random part of file names. */
  readonly tag: string;
}

function prepared<T>(value: T, { tag }: Tolerance): T {
  const text = JSON.stringify(value).replace(/ComfyUI_temp_[a-z]{5}_/g, 'ComfyUI_temp_any_');
  return JSON.parse(tag === '' ? text : text.replaceAll(tag, 'TAG')) as T;
}

/** An exchange as it is compared: request, status, headers, and the body with fleeting values replaced by their types. */
export function exchange(given: Exchange, tolerance: Tolerance): unknown {
  const { request, response } = prepared(given, tolerance);
  const loose = new Set(tolerance.before033 ? ['previewable_outputs_count'] : []);
  if (!errorTextMatters(response.body)) for (const name of LOOSE_TEXT) loose.add(name);
  return { request: compared(request, '', new Set()), response: compared(response, '', loose) };
}

/** Texts of validation errors are compared word for word; those of Python exceptions are not. */
function errorTextMatters(body: unknown): boolean {
  return !/"(exception_during|exception_message|invalid_prompt_id)/.test(JSON.stringify(body));
}

/**
 * Events as they are compared: in order, without the steps between the first and the last of a node's progress, and with the
 * `status` broadcasts where asked for (their place among a running prompt's events is a race).
 */
export function events(given: readonly Event[], tolerance: Tolerance & { readonly status: boolean }): unknown[] {
  const kept: Event[] = [];
  for (const event of prepared(given, tolerance)) {
    if (event.type === 'status' && !tolerance.status) continue;
    const { value, max } = event.data;
    if (event.type === 'progress' && value !== 1 && value !== max && value !== 0) {
      kept.pop(); // the progress_state that came with it
      continue;
    }
    kept.push(event);
  }
  return kept.map((event) => ({
    type: event.type,
    data: compared(event.data, '', new Set(LOOSE_TEXT)),
  }));
}
