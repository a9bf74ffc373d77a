import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { ask, form, type Answer, type Fields } from '../ask.js';
import { changed, noise, txt2img, type Graph } from '../graphs.js';
import { Listener, type Event, type ListenOptions } from '../listener.js';
import { pick } from './pick.js';

/** A ComfyUI server to be checked, real or simulated. */
export interface Server {
  readonly url: string;
  /** What /system_stats says, such as 0.30.0. */
  readonly version: string;
  /** A checkpoint that it has. */
  readonly checkpoint: string;
  /** Lets the next sampler of a sandbox hang until it is stopped; a real one is kept busy by its steps. */
  hang(): Promise<void>;
  /** Ends the server and starts it anew, with other flags where given. Only where it may be restarted. */
  restart?(flags: readonly string[]): Promise<void>;
}

/** A prompt that was sent. */
export interface Sent {
  readonly answer: Answer;
  readonly id: string;
}

/** Graphs whose sampler is at work until it is stopped. */
const ENDLESS = 10_000;

/** A prompt as its history entry shows it. */
export interface Entry {
  readonly prompt: readonly [
    number: number,
    id: string,
    graph: Graph,
    extra: Record<string, unknown>,
    outputs: string[],
  ];
  readonly outputs: Record<string, Record<string, unknown>>;
  readonly status: {
    readonly status_str: string;
    readonly completed: boolean;
    readonly messages: readonly (readonly [string, Record<string, unknown>])[];
  };
  readonly meta: Record<string, Record<string, unknown>>;
}

/** Plays one check on a server, and leaves nothing running there. */
export class Player {
  /** Part of every file name, so that checks on one server do not meet. */
  readonly tag = `check-${randomBytes(4).toString('hex')}`;
  /** Of the empty image that noise begins with, so that no other check's is found in the cache. */
  private readonly colour = randomInt(2 ** 24);
  private readonly listeners: Listener[] = [];
  private readonly sent = new Set<string>();
  /** Whether the check ended the server's worker: nothing that waits there will end. */
  broken = false;

  constructor(readonly server: Server) {}

  async send(
    method: string,
    path: string,
    more: { headers?: Record<string, string>; body?: string | Buffer } = {},
  ): Promise<Answer> {
    const answer = await ask(this.server.url, { method, path, ...more });
    if (path === '/prompt' && method === 'POST' && answer.status === 200) {
      this.sent.add(String(pick(answer.json, 'prompt_id')));
    }
    return answer;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('GET', path, { headers });
  }

  post(path: string, body: unknown): Promise<Answer> {
    return this.send('POST', path, { body: JSON.stringify(body) });
  }

  form(path: string, fields: Fields): Promise<Answer> {
    return ask(this.server.url, { method: 'POST', path, body: form(fields) });
  }

  /** Opens a websocket, under an id of its own unless told otherwise. */
  async listen(options: ListenOptions = { clientId: randomUUID() }): Promise<Listener> {
    const listener = await Listener.open(this.server.url, options);
    this.listeners.push(listener);
    return listener;
  }

  /** A graph without a model and a seed that nobody had; saved by node 4. */
  noise(ask: { seed?: number; name?: string; size?: number } = {}): Graph {
    const { seed = randomInt(2 ** 40), name = 'a', size = 16 } = ask;
    const graph = noise({ seed, size, prefix: `${this.tag}/${name}` });
    return changed(graph, '1', { color: this.colour });
  }

  /** The usual text-to-image graph on the server's checkpoint; sampled by node 3, saved by node 9. */
  txt2img(ask: { seed?: number; steps?: number } = {}): Graph {
    const { seed = randomInt(2 ** 40), steps = 4 } = ask;
    return txt2img({ seed, steps, prefix: `${this.tag}/t`, checkpoint: this.server.checkpoint });
  }

  /** Sends a graph under a new id. */
  async submit(graph: Graph, more: { by?: Listener } & Record<string, unknown> = {}): Promise<Sent> {
    const { by, ...fields } = more;
    const client = by ? { client_id: by.sid } : {};
    const answer = await this.post('/prompt', { prompt: graph, prompt_id: randomUUID(), ...client, ...fields });
    const id = String(pick(answer.json, 'prompt_id'));
    return { answer, id };
  }

  /** Sends a graph and waits until the worker is done with it; resolves to the events that name it. */
  async run(graph: Graph, more: { by: Listener } & Record<string, unknown>): Promise<{ id: string; events: Event[] }> {
    const { answer, id } = await this.submit(graph, more);
    expect(answer.status, answer.text).toBe(200);
    await more.by.ended(id);
    return { id, events: more.by.events.filter((e) => e.data.prompt_id === id) };
  }

  /** Sends a graph that samples until it is stopped, and waits until it does. */
  async hold(more: { by: Listener } & Record<string, unknown>): Promise<string> {
    const id = await this.occupy(more);
    await more.by.executing(id, '3');
    return id;
  }

  /** Sends a graph that samples until it is stopped. */
  async occupy(more: { by?: Listener } & Record<string, unknown> = {}): Promise<string> {
    await this.server.hang();
    return (await this.submit(this.txt2img({ steps: ENDLESS }), more)).id;
  }

  /** Stops what `hold` started. */
  async release(id: string, by: Listener): Promise<void> {
    await this.post('/interrupt', { prompt_id: id });
    await by.ended(id);
  }

  /** The history entry of a prompt that ended. */
  async entry(id: string): Promise<Entry> {
    const answer = await this.get(`/history/${id}`);
    const entry = pick(answer.json, id);
    expect(entry, `history of ${id}`).toBeDefined();
    return entry as Entry;
  }

  /** Waits for the history entry of a prompt that tells nobody. */
  async entryInTime(id: string): Promise<Entry> {
    await expect
      .poll(() => this.get(`/history/${id}`).then((a) => a.text.length), { timeout: 60_000 })
      .toBeGreaterThan(2);
    return this.entry(id);
  }

  /** Draws a small picture; resolves to the query that fetches it. */
  async picture(graph = this.noise(), node = '4'): Promise<{ query: string; filename: string; subfolder: string }> {
    const by = await this.listen();
    const { id } = await this.run(graph, { by });
    const image = pick((await this.entry(id)).outputs, node, 'images', 0) as { filename: string; subfolder: string };
    const { filename, subfolder } = image;
    return { filename, subfolder, query: `filename=${filename}&subfolder=${subfolder}` };
  }

  /** Takes back what was sent and did not end, waits until it has, and hangs up. */
  async close(): Promise<void> {
    const open = await this.open();
    if (open.length > 0) {
      await this.post('/queue', { delete: open });
      for (const id of open) await this.post('/interrupt', { prompt_id: id });
      if (!this.broken) await expect.poll(() => this.open(), { timeout: 60_000 }).toEqual([]);
    }
    await Promise.all(this.listeners.map((listener) => listener.close()));
  }

  /** Ids of its prompts that wait or run. */
  private async open(): Promise<string[]> {
    const { json } = await this.get('/queue');
    const items = ['queue_running', 'queue_pending'].flatMap((list) => (pick(json, list) ?? []) as unknown[]);
    return items.map((item) => String(pick(item, 1))).filter((id) => this.sent.has(id));
  }
}

/** Something to be seen on a server: rejects where it is not. */
export type Check = (p: Player) => Promise<void>;

/** Checks by the id of the fact that each shows. */
export type Checks = Readonly<Record<string, Check>>;
