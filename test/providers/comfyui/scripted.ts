import { createServer } from 'node:http';
import { WebSocketServer, type WebSocket } from 'ws';

/**
 * A ComfyUI that does to each prompt what a script says, one step per question about that prompt: so a test needs no clock
 * and no sleep. What it did is the truth that a run must agree with.
 */

export type Step =
  /** Taken from the queue. */
  | { do: 'start' }
  | { do: 'node'; node: string }
  | { do: 'progress' }
  | { do: 'nothing' }
  /** Its end: well, badly, stopped by somebody. */
  | { do: 'succeed' }
  | { do: 'fail' }
  | { do: 'interrupt' }
  /** Somebody takes it out of the queue. */
  | { do: 'dequeue' }
  /** From now on nothing happens to it, and nothing is said, until it is cancelled; and not even then. */
  | { do: 'hang'; obeys: boolean }
  /** The whole server: everything is forgotten, every connection cut. */
  | { do: 'restart' }
  /** Every websocket is cut. */
  | { do: 'drop' }
  /** The next questions about it find nothing: on its way from the queue to the history. */
  | { do: 'hide'; times: number }
  /** The next questions about it get another kind of answer. */
  | { do: 'garble'; how: 'bad gateway' | 'cut' | 'html' | 'empty'; times: number }
  /** The one who wanted it does not any more. */
  | { do: 'abort' }
  /** Messages that are untimely, repeated, lies, of others, or nonsense. */
  | { do: 'say'; what: string };

export interface Script {
  /** What becomes of the POST; all but the last leave the prompt queued. */
  post: 'ok' | 'answer lost' | 'answered 500' | 'lost';
  steps: Step[];
}

export type Fate = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled' | 'gone';

export interface Prompt {
  id: string;
  run: number;
  /** Where it stands; `gone`: dequeued or forgotten. */
  fate: Fate;
  /** All it ever was. */
  fates: Set<Fate>;
  /** When its fate changed, or something was said about it. */
  news: number[];
  startedAt: number | undefined;
  /** When it was first cancelled by its id. */
  cancelAskedAt: number | undefined;
  clientId: string;
  steps: Step[];
  hanging: 'no' | 'obeys' | 'deaf';
  /** Whether the last question about it was answered. */
  shown: boolean;
  hide: number;
  garble: { how: string; times: number };
}

export interface Scripted {
  url: string;
  /** All there ever were, in the order of their arrival. */
  prompts: Prompt[];
  /** Ids that were submitted while ComfyUI had them. */
  doubles: string[];
  close(): Promise<void>;
}

interface Posted {
  prompt_id: string;
  client_id: string;
  prompt: Record<string, { inputs: { seed?: number } }>;
}

const NOT_FOUND: Reply = { json: { error: 'Job not found' }, status: 404 };
const GARBLED: Partial<Record<string, Reply>> = {
  'bad gateway': { text: '<html>Bad Gateway</html>', status: 502 },
  html: { text: '<html>', status: 503 },
  empty: { text: '', status: 503 },
};

const outputsOf = ({ id, fate }: Prompt): object =>
  fate === 'succeeded' ? { '4': { images: [{ filename: `${id}.png`, subfolder: '', type: 'output' }] } } : {};

/** Widths of pictures tell prompts apart. */
export const widthOf = (prompts: Prompt[], id: string): number => 1 + (prompts.findIndex((one) => one.id === id) % 32);

/** What is answered: JSON with a status, text with a status, or nothing because the connection is cut. */
type Reply = { json: unknown; status?: number } | { text: string; status: number } | { picture: Buffer } | 'cut';

export async function startScripted(options: {
  /** The script for the n-th prompt of a run. */
  script: (run: number, nth: number) => Script;
  /** Bytes of a picture so wide. */
  picture: (width: number) => Buffer;
  onAbort: (run: number) => void;
  refuseWebsocket: boolean;
}): Promise<Scripted> {
  const prompts: Prompt[] = [];
  const sockets = new Map<string, WebSocket>();
  const byId = new Map<string, Prompt>();
  const posts = new Map<string, number>();
  const doubles: string[] = [];

  const tell = (prompt: Prompt, ...messages: [type: string, data: object][]): void => {
    const socket = sockets.get(prompt.clientId);
    for (const [type, data] of messages) {
      socket?.send(JSON.stringify({ type, data: { prompt_id: prompt.id, ...data } }));
      prompt.news.push(performance.now());
    }
  };
  const become = (prompt: Prompt, fate: Fate): void => {
    prompt.fate = fate;
    prompt.fates.add(fate);
    if (fate === 'running') prompt.startedAt = performance.now();
    prompt.news.push(performance.now());
  };
  const end = (prompt: Prompt, fate: 'succeeded' | 'failed' | 'cancelled'): void => {
    if (prompt.fate === 'pending') become(prompt, 'running');
    if (prompt.fate !== 'running') return;
    become(prompt, fate);
    const type = { succeeded: 'execution_success', failed: 'execution_error', cancelled: 'execution_interrupted' }[
      fate
    ];
    tell(prompt, [type, { node_id: '2', executed: [] }], ['executing', { node: null }]);
  };
  const cutAll = (): void => {
    for (const socket of sockets.values()) socket.terminate();
  };

  const steps: { [K in Step['do']]: (prompt: Prompt, step: Extract<Step, { do: K }>) => void } = {
    start(prompt) {
      if (prompt.fate !== 'pending') return;
      become(prompt, 'running');
      tell(prompt, ['execution_start', { timestamp: 1 }], ['execution_cached', { nodes: [] }]);
    },
    node: (prompt, { node }) => tell(prompt, ['executing', { node, display_node: node }]),
    progress: (prompt) => tell(prompt, ['progress', { node: '2', value: 1, max: 9 }]),
    nothing: () => undefined,
    succeed: (prompt) => end(prompt, 'succeeded'),
    fail: (prompt) => end(prompt, 'failed'),
    interrupt: (prompt) => end(prompt, 'cancelled'),
    dequeue(prompt) {
      if (prompt.fate === 'pending') become(prompt, 'gone');
    },
    hang(prompt, { obeys }) {
      prompt.hanging = obeys ? 'obeys' : 'deaf';
    },
    restart() {
      for (const one of prompts) become(one, 'gone');
      cutAll();
    },
    drop: cutAll,
    hide(prompt, { times }) {
      // A moment, not for good.
      if (prompt.shown) prompt.hide = times;
    },
    abort: ({ run }) => options.onAbort(run),
    garble(prompt, { how, times }) {
      prompt.garble = { how, times };
    },
    say(prompt, { what }) {
      sockets.get(prompt.clientId)?.send(what.replaceAll('ID', prompt.id));
      prompt.news.push(performance.now());
    },
  };
  const take = (prompt: Prompt): void => {
    if (prompt.hanging !== 'no' || prompt.hide > 0) return;
    const step = prompt.steps.shift() ?? { do: 'succeed' };
    (steps[step.do] as (prompt: Prompt, step: Step) => void)(prompt, step);
  };

  const submit = (body: string): Reply => {
    const { prompt_id: id, client_id: clientId, prompt: graph } = JSON.parse(body) as Posted;
    const run = graph['2']?.inputs.seed ?? -1;
    const script = options.script(run, prompts.filter((one) => one.run === run).length);
    const times = (posts.get(id) ?? 0) + 1;
    posts.set(id, times);
    // Lost once, not for ever.
    if (script.post === 'lost' && times === 1) return 'cut';
    if (byId.has(id) && byId.get(id)?.fate !== 'gone') doubles.push(id);
    const prompt: Prompt = {
      ...{ id, run, clientId, steps: [...script.steps], fate: 'pending', fates: new Set(['pending']) },
      ...{ news: [performance.now()], startedAt: undefined, cancelAskedAt: undefined },
      ...{ hanging: 'no', shown: false, hide: 0, garble: { how: '', times: 0 } },
    };
    prompts.push(prompt);
    byId.set(id, prompt);
    if (script.post === 'answer lost') return 'cut';
    if (script.post === 'answered 500') return { text: '500 Internal Server Error', status: 500 };
    return { json: { prompt_id: id, number: prompts.length, node_errors: {} } };
  };

  const look = (id: string): Reply => {
    const prompt = byId.get(id);
    if (!prompt) return NOT_FOUND;
    take(prompt);
    if (prompt.garble.times > 0) {
      prompt.garble.times--;
      return GARBLED[prompt.garble.how] ?? 'cut';
    }
    prompt.shown = prompt.hide === 0;
    if (!prompt.shown) prompt.hide--;
    if (!prompt.shown || prompt.fate === 'gone') return NOT_FOUND;
    const status = { running: 'in_progress', succeeded: 'completed' }[prompt.fate as string] ?? prompt.fate;
    return { json: { id, status, priority: 1, outputs: outputsOf(prompt) } };
  };

  /** The older way to ask: only of what has ended. */
  const history = (id: string): Reply => {
    const prompt = byId.get(id);
    const type = { succeeded: 'success', failed: 'error', cancelled: 'interrupted' }[prompt?.fate as string];
    if (!prompt || type === undefined) return { json: {} };
    const about = type === 'error' ? { exception_type: 'ValueError', exception_message: 'no' } : {};
    const status = { status_str: type === 'success' ? type : 'error', messages: [[`execution_${type}`, about]] };
    return { json: { [id]: { prompt: [1, id, {}, {}, ['4']], outputs: outputsOf(prompt), status } } };
  };

  const cancel = (id: string): Reply => {
    const prompt = byId.get(id);
    if (prompt) prompt.cancelAskedAt ??= performance.now();
    if (prompt?.fate !== 'pending' && prompt?.fate !== 'running') return { json: { cancelled: false } };
    if (prompt.fate === 'pending') become(prompt, 'gone');
    else if (prompt.hanging !== 'deaf') end(prompt, 'cancelled');
    return { json: { cancelled: true } };
  };

  const items = (fate: Fate): unknown[] =>
    prompts.filter((one) => one.fate === fate).map((one, i) => [i, one.id, {}, {}, []]);
  const answer = (method: string, url: URL, body: string): Reply => {
    const [, what = '', id = '', verb] = /^(\/[a-z/]*?)(?:\/([0-9a-f-]{36}))?(\/cancel)?$/.exec(url.pathname) ?? [];
    if (verb !== undefined) return cancel(id);
    const running = items('running');
    const pending = items('pending');
    switch (what) {
      case '/api/jobs':
        return look(id);
      case '/history':
        return history(id);
      case '/queue':
        return { json: { queue_running: running, queue_pending: pending } };
      case '/prompt':
        if (method === 'POST') return submit(body);
        return { json: { exec_info: { queue_remaining: running.length + pending.length } } };
      case '/view': {
        const named = (url.searchParams.get('filename') ?? '').replace('.png', '');
        return { picture: options.picture(widthOf(prompts, named)) };
      }
      default:
        return { text: '', status: 404 };
    }
  };

  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://x');
      const reply = answer(request.method ?? '', url, Buffer.concat(chunks).toString());
      if (reply === 'cut') request.socket.destroy();
      else if ('picture' in reply) response.end(reply.picture);
      else if ('text' in reply) response.writeHead(reply.status).end(reply.text);
      else
        response.writeHead(reply.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(reply.json));
    });
  });
  const events = new WebSocketServer({ server: http, path: '/ws', verifyClient: () => !options.refuseWebsocket });
  events.on('connection', (socket, request) => {
    const sid = new URL(request.url ?? '/', 'http://x').searchParams.get('clientId') ?? '';
    sockets.set(sid, socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(sid));
    socket.send(JSON.stringify({ type: 'status', data: { status: { exec_info: { queue_remaining: 0 } }, sid } }));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as { port: number }).port}`,
    prompts,
    doubles,
    close: async () => {
      cutAll();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
