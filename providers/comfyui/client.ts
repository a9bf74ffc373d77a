import { CullError } from '../../errors.js';
import type { Graph } from '../../templates/types.js';
import { exchange, exchangeBytes, parseAddress, type Address, type Answer, type Ask } from './http.js';
import { findInQueue, parseHistory, parseJob, UNKNOWN_JOB, type ImageRef, type Job } from './job.js';

export interface ComfyClientOptions {
  /** Base URL; a path in front and credentials are fine. */
  url: string;
  /** Sent with every request and with the websocket's handshake, e.g. an Authorization. */
  headers?: Record<string, string>;
  /** Milliseconds for one small exchange. @default 10_000 */
  timeoutMs?: number;
  /** Milliseconds for a POST of a graph, an upload or a download. @default 60_000 */
  transferMs?: number;
}

export interface QueueView {
  running: string[];
  /** Not in the order of execution. */
  pending: string[];
}

interface With {
  signal?: AbortSignal | undefined;
}

/**
 * The HTTP side of one ComfyUI (0.3 and newer). Nothing here retries; every method throws COMFY_UNREACHABLE when there is
 * no answer and COMFY_PROTOCOL when the answer is not one of ComfyUI.
 *
 * @example
 * const comfy = new ComfyClient({ url: 'http://127.0.0.1:8188' });
 * const job = await comfy.job(promptId); // { state: 'running', ... }
 */
export class ComfyClient {
  readonly address: Address;
  readonly #timeoutMs: number;
  readonly #transferMs: number;
  /** Whether /api/jobs is there (0.6 and newer); undefined until it was asked. */
  #hasJobs: boolean | undefined;

  constructor(options: ComfyClientOptions) {
    this.address = parseAddress(options.url, options.headers);
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#transferMs = options.transferMs ?? 60_000;
  }

  /**
   * POST /prompt. Any status is an answer (submit.ts judges it). Never with a `number`: two entries of one number and one
   * id stop ComfyUI's worker.
   */
  submit(prompt: { graph: Graph; promptId: string; clientId: string }, options: With = {}): Promise<Answer> {
    const json = { prompt: prompt.graph, prompt_id: prompt.promptId, client_id: prompt.clientId };
    return this.#ask('/prompt', { method: 'POST', json, timeoutMs: this.#transferMs, ...options });
  }

  /** Where a prompt stands. `unknown` is also the answer for one that was dequeued, or lost in a restart. */
  async job(promptId: string, options: With = {}): Promise<Job> {
    const id = checkId(promptId);
    if (this.#hasJobs !== false) {
      const answer = await this.#ask(`/api/jobs/${id}`, options);
      const job = answer.status === 200 ? parseJob(answer.json) : undefined;
      const notFound = answer.status === 404 && typeof (answer.json as { error?: unknown } | null)?.error === 'string';
      if (job || notFound) this.#hasJobs = true;
      if (job) return job;
      if (notFound) return UNKNOWN_JOB;
      // A route that is not there answers without JSON. Anything else is a defect of this one answer: ask the older way, once.
      if (answer.status === 404 || answer.status === 405) this.#hasJobs ??= false;
    }
    const ended = await this.#history(id, options);
    if (ended) return ended;
    const waiting = findInQueue(await this.#json('/queue', options), id);
    if (waiting) return { ...UNKNOWN_JOB, state: waiting };
    // It can end between the two questions.
    return (await this.#history(id, options)) ?? UNKNOWN_JOB;
  }

  async #history(id: string, options: With): Promise<Job | undefined> {
    const body = (await this.#json(`/history/${id}`, options)) as Record<string, unknown> | null;
    const entry = body?.[id];
    return entry === undefined ? undefined : parseHistory(entry);
  }

  /**
   * Takes the prompt out of the queue, or interrupts it if it runs; others are never touched. An interrupt is obeyed at the
   * next node or sampling step.
   */
  async cancel(promptId: string, options: With = {}): Promise<void> {
    const id = checkId(promptId);
    const answer = await this.#ask(`/api/jobs/${id}/cancel`, { method: 'POST', json: {}, ...options });
    if (answer.status === 200 && answer.json !== undefined) return;
    await this.#post('/queue', { delete: [id] }, options);
    // Servers before 0.3.57 ignore the id and interrupt whatever runs: ask first. An empty id would do the same on all.
    const queue = await this.#json('/queue', options);
    if (findInQueue(queue, id) === 'running') await this.#post('/interrupt', { prompt_id: id }, options);
  }

  /** The bytes of an output; undefined if the file is not there. */
  async view(image: ImageRef, options: With = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const query = new URLSearchParams({ filename: image.filename, subfolder: image.subfolder, type: image.type });
    const path = `/view?${query.toString()}`;
    const { status, body } = await exchangeBytes(this.address, path, { timeoutMs: this.#transferMs, ...options });
    if (status === 200) return body;
    if (status === 404) return undefined;
    throw this.#protocol(path, { status, text: Buffer.from(body).toString('utf8') });
  }

  /** Stores a file in ComfyUI's input folder. @returns the name for LoadImage: `subfolder/name` */
  async uploadImage(
    file: { subfolder: string; name: string; bytes: Uint8Array<ArrayBuffer> },
    options: With = {},
  ): Promise<string> {
    const form = new FormData();
    form.set('image', new Blob([file.bytes]), file.name);
    form.set('subfolder', file.subfolder);
    form.set('type', 'input');
    const answer = await this.#ask('/upload/image', { method: 'POST', form, timeoutMs: this.#transferMs, ...options });
    const { name, subfolder } = (answer.json ?? {}) as { name?: unknown; subfolder?: unknown };
    if (answer.status !== 200 || typeof name !== 'string') throw this.#protocol('/upload/image', answer);
    return typeof subfolder === 'string' && subfolder !== '' ? `${subfolder}/${name}` : name;
  }

  /** Everybody's prompts that run or wait. Large: ComfyUI sends the graphs along. */
  async queue(options: With = {}): Promise<QueueView> {
    const body = (await this.#json('/queue', options)) as Partial<Record<string, unknown[][]>> | null;
    const ids = (list: unknown[][] | undefined): string[] => (list ?? []).map((item) => String(item[1]));
    return { running: ids(body?.queue_running), pending: ids(body?.queue_pending) };
  }

  /** How many prompts run or wait; small and cheap. */
  async queueDepth(options: With & { timeoutMs?: number } = {}): Promise<number> {
    const body = (await this.#json('/prompt', options)) as { exec_info?: { queue_remaining?: unknown } } | null;
    const depth = body?.exec_info?.queue_remaining;
    if (typeof depth === 'number') return depth;
    throw this.#protocol('/prompt', { status: 200, text: JSON.stringify(body).slice(0, 200) });
  }

  /** `GET /system_stats`: versions, memory, devices. */
  async systemStats(options: With = {}): Promise<Record<string, unknown>> {
    return (await this.#json('/system_stats', options)) as Record<string, unknown>;
  }

  #ask(path: string, ask: Partial<Ask>): Promise<Answer> {
    return exchange(this.address, path, { timeoutMs: this.#timeoutMs, ...ask });
  }

  async #json(path: string, options: Partial<Ask>): Promise<unknown> {
    const answer = await this.#ask(path, options);
    if (answer.status !== 200 || answer.json === undefined) throw this.#protocol(path, answer);
    return answer.json;
  }

  async #post(path: string, json: unknown, options: With): Promise<void> {
    const answer = await this.#ask(path, { method: 'POST', json, ...options });
    if (answer.status !== 200) throw this.#protocol(path, answer);
  }

  #protocol(path: string, answer: { status: number; text: string }): CullError {
    const { base } = this.address;
    // Proxies answer for a ComfyUI that is away; that is the same to us as no answer.
    if ([429, 502, 503, 504].includes(answer.status)) {
      return new CullError('COMFY_UNREACHABLE', `ComfyUI at ${base} does not answer: its proxy says ${answer.status}`, {
        hint: 'look at the proxy and at ComfyUI behind it',
        details: { refused: false },
      });
    }
    if (answer.status === 401 || answer.status === 403) {
      return new CullError('CONFIG_INVALID', `ComfyUI at ${base} wants a login (${answer.status} for ${path})`, {
        hint: 'put it into the address, http://user:password@host:8188, or into the headers',
      });
    }
    const said = answer.text.trim().split('\n')[0]?.slice(0, 200) ?? '';
    return new CullError(
      'COMFY_PROTOCOL',
      `${base}${path} answered ${answer.status}${said === '' ? '' : `: ${said}`}`,
      {
        hint: 'check that the address is a ComfyUI, 0.3 or newer, and look into its log',
        details: { status: answer.status },
      },
    );
  }

  /** The answer of a POST /prompt that is neither 200 nor a validation error, as an error for people. */
  refusal(answer: Answer): CullError {
    return this.#protocol('/prompt', answer);
  }
}

/** An empty id would cancel whatever runs, perhaps another tenant's: never send one. */
function checkId(id: string): string {
  if (/^[A-Za-z0-9-]{8,64}$/.test(id)) return id;
  throw new CullError('INTERNAL', `"${id}" is not a prompt id`);
}
