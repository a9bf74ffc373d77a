import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What real ComfyUIs said: everything under test/fixtures/comfyui, whatever the shape of the file. */

const FOLDER = fileURLToPath(new URL('../../fixtures/comfyui/', import.meta.url));

const documents: unknown[] = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.json'))
  .sort()
  .map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as unknown);

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function collect<T>(fits: (value: Fields) => value is T & Fields): T[] {
  const found: T[] = [];
  const walk = (value: unknown): void => {
    if (isFields(value) && fits(value)) found.push(value);
    if (typeof value === 'object' && value !== null) for (const one of Object.values(value)) walk(one);
  };
  walk(documents);
  return found;
}

export interface WireMessage {
  type: string;
  data: Fields;
}

/** Every text message of a websocket. */
export const recordedMessages = collect<WireMessage>(
  (value): value is WireMessage & Fields => typeof value.type === 'string' && isFields(value.data),
);

/** Every entry of /history. */
export const recordedHistories = collect<{ prompt: unknown[]; outputs: Fields; status: Fields }>(
  (value): value is { prompt: unknown[]; outputs: Fields; status: Fields } =>
    Array.isArray(value.prompt) && isFields(value.outputs) && isFields(value.status),
);

/** Every body of /api/jobs/{id} that was found. */
export const recordedJobs = collect<{ id: string; status: string }>(
  (value): value is { id: string; status: string } =>
    typeof value.id === 'string' && typeof value.status === 'string' && 'priority' in value,
);

/** Every body of /queue. */
export const recordedQueues = collect<{ queue_running: unknown[][]; queue_pending: unknown[][] }>(
  (value): value is { queue_running: unknown[][]; queue_pending: unknown[][] } =>
    Array.isArray(value.queue_running) && Array.isArray(value.queue_pending),
);

/** Every answer to POST /prompt that is not an error of HTTP. */
export const recordedSubmits = collect<{ prompt_id: string; node_errors: Fields }>(
  (value): value is { prompt_id: string; node_errors: Fields } =>
    typeof value.prompt_id === 'string' && isFields(value.node_errors),
);
