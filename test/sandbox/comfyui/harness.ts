import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { startSandbox, type TestSandbox } from '../../support/sandbox.js';
import { CHECKPOINT, type Graph } from './graphs.js';
import { Session, type Event } from './session.js';

const open: { close: () => Promise<void> }[] = [];
/** Closes what a test has opened. */
export async function closeAll(): Promise<void> {
  for (const thing of open.splice(0).reverse()) await thing.close();
}

/** A sandbox with a client that is connected. */
export async function start(
  options: Parameters<typeof startSandbox>[0] = {},
): Promise<{ comfy: TestSandbox; s: Session }> {
  const comfy = await startSandbox({ checkpoints: [CHECKPOINT], ...options });
  const s = new Session(comfy.url, 'abcd0123');
  open.push(comfy, s);
  await s.connect(s.alice);
  return { comfy, s };
}

/** Submits a graph as the session's nth prompt; resolves to its id. */
export async function submit(
  s: Session,
  { n, graph, client = s.alice }: { n: number; graph: Graph; client?: string },
): Promise<string> {
  await s.post('/prompt', { prompt: graph, client_id: client, prompt_id: s.id(n) });
  return s.id(n);
}

/** Submits a graph and waits for its end; resolves to the events that name it. */
export async function run(s: Session, ask: { n: number; graph: Graph }): Promise<readonly Event[]> {
  const promptId = await submit(s, ask);
  await s.ended(s.alice, promptId);
  return s.transcript.ws[s.alice]!.filter((e) => e.data.prompt_id === promptId);
}

/** Types of events, without progress_state. */
export function types(events: readonly Event[]): string[] {
  return events.map((e) => e.type).filter((t) => t !== 'progress_state');
}

/** Nodes that were executed, in order. */
export function ran(events: readonly Event[]): unknown[] {
  return events.filter((e) => e.type === 'executing' && e.data.node !== null).map((e) => e.data.node);
}

/** Hash of the pixels of a download. */
export async function pixels(url: string, path: string): Promise<string> {
  const png = Buffer.from(await (await fetch(`${url}/view?${path}`)).arrayBuffer());
  return createHash('sha256')
    .update(await sharp(png).raw().toBuffer())
    .digest('hex');
}
