/**
 * Plays the scenarios on a real ComfyUI and writes down what it answers:
 *
 *     COMFYUI_URL=http://127.0.0.1:8188 npx tsx test/sandbox/comfyui/record.ts [scenario ...]
 *
 * The server needs the checkpoint named in graphs.ts and must be idle. Uploads and pictures stay on it.
 */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { SCENARIOS } from './scenarios.js';
import { Session } from './session.js';

/** Prose of the server's own source (help texts, Python frames) is left out: only shapes are compared. */
const PROSE = new Set(['tooltip', 'description', 'search_aliases', 'output_tooltips', 'traceback', 'argv']);

function scrubbed(value: unknown, tag: string): unknown {
  if (typeof value === 'string')
    return value.replaceAll(tag, 'TAG').replace(/(\/[\w.-]+)+\/(input|output)(?=\/|$|\n)/g, '$2');
  if (isFileList(value)) return [[], value[1]];
  if (Array.isArray(value)) return value.map((v) => scrubbed(v, tag));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => {
      const text: unknown =
        key === 'exception_message' && typeof v === 'string' ? v.replace(/(\/[\w.-]+){2,}/g, 'PATH') : v;
      return [key.replaceAll(tag, 'TAG'), PROSE.has(key) ? blank(v) : scrubbed(text, tag)];
    }),
  );
}

/** The files that LoadImage offers: whatever was uploaded to the server before. */
function isFileList(value: unknown): value is [unknown, unknown] {
  return Array.isArray(value) && (value[1] as { image_upload?: boolean } | undefined)?.image_upload === true;
}

function blank(value: unknown): unknown {
  if (typeof value === 'string') return '…';
  return Array.isArray(value) ? value.map(blank) : value;
}

const server = process.env.COMFYUI_URL ?? '';
if (server === '') throw new Error('Set COMFYUI_URL to the address of a real ComfyUI server.');
const stats = (await (await fetch(`${server}/system_stats`)).json()) as { system: { comfyui_version: string } };
const folder = new URL('../../fixtures/comfyui/', import.meta.url);
const wanted = process.argv.slice(2);

const OURS = /(?<![0-9a-f])TAG-0000-4000-8000-\d{12}/g;
const ANY_ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

/** Resolves when nothing runs or waits, and forgets cached results. */
async function idle(): Promise<void> {
  for (let calm = 0; calm < 3;) {
    await delay(500);
    const { exec_info } = (await (await fetch(`${server}/prompt`)).json()) as {
      exec_info: { queue_remaining: number };
    };
    calm = exec_info.queue_remaining === 0 ? calm + 1 : 0;
  }
  await fetch(`${server}/free`, { method: 'POST', body: JSON.stringify({ free_memory: true }) });
  await delay(1500);
}

/** Plays a scenario; undefined where another client's prompts got in between. */
async function record(play: (s: Session) => Promise<void>): Promise<string | undefined> {
  await idle();
  const tag = randomBytes(4).toString('hex');
  const session = new Session(server, tag);
  await play(session);
  await session.close();
  const { comfyui_version: comfyui } = stats.system;
  const text = JSON.stringify({ comfyui, ...(scrubbed(session.transcript, tag) as object) }, null, 1);
  return ANY_ID.test(text.replaceAll(OURS, '')) ? undefined : text;
}

for (const [name, play] of Object.entries(SCENARIOS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  let text: string | undefined;
  for (let i = 0; text === undefined && i < 5; i++) text = await record(play);
  if (text === undefined) throw new Error(`${name}: other clients kept getting in between.`);
  await writeFile(new URL(`${name}.json`, folder), `${text}\n`);
  console.log(name);
}
