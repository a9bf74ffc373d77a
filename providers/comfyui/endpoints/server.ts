import { CullError } from '../../../errors.js';
import type { Address } from '../address.js';
import { fieldsOf, textOf } from '../fields.js';
import { createLink, exchange, isUnreachable, type Answer, type Ask, type Link } from '../http.js';

/** Milliseconds. */
export interface ClientTimeouts {
  /** One connection, TLS included. @default 10_000 */
  connectMs?: number;
  /** One small exchange. @default 10_000 */
  requestMs?: number;
  /** POST /prompt. @default 10_000 */
  submitMs?: number;
  /** One download into memory, and the large lists: /object_info, /history. A download by stream: without a byte. @default 60_000 */
  downloadMs?: number;
  /** An upload without a byte moving, so that a large file may take its time. @default 60_000 */
  uploadMs?: number;
}

/** What every method takes. */
export interface With {
  /** Ends the exchange; the method then throws the signal's reason. What ComfyUI has read by then it may still do. */
  signal?: AbortSignal | undefined;
  /** Milliseconds for this call, instead of the client's. */
  timeoutMs?: number | undefined;
}

/** What was found out about a server by asking it. Undefined: not asked yet. */
export interface Known {
  /** As `comfyui_version` says, three numbers. */
  version?: string;
  /** GET /api/jobs and /api/jobs/{id}. */
  jobs?: boolean;
  /** POST /api/jobs/{id}/cancel. */
  cancel?: boolean;
  /** POST /api/jobs/cancel. */
  cancelMany?: boolean;
  /** Takes the prompt id of the client. */
  promptIds?: boolean;
  /** Bytes of the largest body; null where it does not say. */
  maxUploadBytes?: number | null;
}

/** One ComfyUI: its address, its time-outs and what is known of it. */
export class Server {
  readonly link: Link;
  readonly timeouts: Required<ClientTimeouts>;
  known: Known = {};

  constructor(address: Address, timeouts: ClientTimeouts = {}) {
    const { connectMs = 10_000, requestMs = 10_000, submitMs = 10_000 } = timeouts;
    const { downloadMs = 60_000, uploadMs = 60_000 } = timeouts;
    this.timeouts = { connectMs, requestMs, submitMs, downloadMs, uploadMs };
    this.link = createLink(address, connectMs);
  }

  /** Any status is an answer. */
  async ask(path: string, options: With & Omit<Ask, 'timeoutMs'> = {}): Promise<Answer> {
    const { timeoutMs = options.idleMs === undefined ? this.timeouts.requestMs : undefined, ...ask } = options;
    try {
      return await exchange(this.link, path, { ...ask, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    } catch (error) {
      this.#forget(error);
      throw error;
    }
  }

  /** A 200 with JSON; everything else throws. */
  async json(path: string, options: With & Pick<Ask, 'method' | 'json'> = {}): Promise<unknown> {
    const answer = await this.ask(path, options);
    if (answer.status !== 200 || answer.json === undefined) throw this.unexpected(path, answer);
    return answer.json;
  }

  /** A 200 to a POST whose answer says nothing more. */
  async post(path: string, json: object, options: With = {}): Promise<void> {
    const answer = await this.ask(path, { method: 'POST', json, ...options });
    if (answer.status !== 200) throw this.unexpected(path, answer);
  }

  /** Whoever answers next may be another version. */
  #forget(error: unknown): void {
    if (isUnreachable(error)) this.known = {};
  }

  /** An answer that is not the one asked for, as an error for people. */
  unexpected(path: string, answer: Omit<Answer, 'json'> & { json?: unknown }): CullError {
    const { base } = this.link.address;
    const { status } = answer;
    const details = { status };
    // Proxies answer for a ComfyUI that is away; that is the same to us as no answer.
    if ([408, 429, 502, 503, 504].includes(status)) {
      return new CullError('COMFY_UNREACHABLE', `ComfyUI at ${base} does not answer: its proxy says ${status}`, {
        hint: 'look at the proxy and at ComfyUI behind it',
        details: { refused: false, ...details },
      });
    }
    if (status === 401 || status === 403) {
      return new CullError('CONFIG_INVALID', `ComfyUI at ${base} does not let us in (${status} for ${path})`, {
        hint: 'put a login into the address, http://user:password@host:8188, or into the headers',
        details,
      });
    }
    if (status >= 300 && status < 400 && answer.location !== undefined) {
      return new CullError('CONFIG_INVALID', `${base}${path} is elsewhere (${status}): ${answer.location}`, {
        hint: 'use the address it names',
        details,
      });
    }
    const said = (textOf(fieldsOf(answer.json).error) ?? answer.text.trim()).split('\n')[0]?.slice(0, 200) ?? '';
    const message = `${base}${path} answered ${status}${said === '' ? '' : `: ${said}`}`;
    // Not 404 and 405, which a wrong address or a proxy gives as well.
    if (status >= 400 && status < 500 && status !== 404 && status !== 405) {
      return new CullError('COMFY_REFUSED', message, {
        hint: 'correct what was asked; the same will not be taken later',
        details,
      });
    }
    return new CullError('COMFY_PROTOCOL', message, {
      hint: 'check that the address is a ComfyUI, 0.3 or newer, and look into its log',
      details,
    });
  }
}

/** A route that is not there answers 404 or 405 without JSON; a thing that is not there says so in JSON. */
export const lacksRoute = (answer: Answer): boolean =>
  (answer.status === 404 || answer.status === 405) && textOf(fieldsOf(answer.json).error) === undefined;

export const isPromptId = (id: unknown): id is string => typeof id === 'string' && /^[A-Za-z0-9-]{8,64}$/.test(id);

/**
 * An empty id would interrupt whatever runs, perhaps another tenant's: never send one.
 *
 * @throws CullError INTERNAL
 */
export function checkId(id: unknown): string {
  if (isPromptId(id)) return id;
  throw new CullError('INTERNAL', `"${String(id)}" is not a prompt id`, {
    hint: 'use the id that POST /prompt answered',
  });
}

/** `?a=1&b=2` of what is defined, or nothing. */
export function queryOf(fields: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) query.set(name, String(value));
  return query.size === 0 ? '' : `?${query.toString()}`;
}
