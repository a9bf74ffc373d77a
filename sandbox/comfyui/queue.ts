import type { Dict, Graph } from './graph.js';

/** A submitted prompt: what /queue and history show as `[number, id, graph, extra_data, outputs]`. */
export interface QueueItem {
  readonly number: number;
  readonly promptId: string;
  readonly graph: Graph;
  readonly extraData: Dict;
  /** Output nodes that passed validation. */
  readonly outputs: readonly string[];
}

export type Message = readonly [type: string, data: Dict];

export interface HistoryEntry {
  readonly prompt: readonly unknown[];
  readonly outputs: Dict;
  readonly status: { status_str: 'success' | 'error'; completed: boolean; messages: readonly Message[] };
  readonly meta: Dict;
}

const MAX_HISTORY = 10_000;

export function asTuple(item: QueueItem): readonly unknown[] {
  return [item.number, item.promptId, item.graph, item.extraData, item.outputs];
}

function before(a: QueueItem, b: QueueItem): boolean {
  if (a.number !== b.number) return a.number < b.number;
  if (a.promptId !== b.promptId) return a.promptId < b.promptId;
  throw new TypeError('Two prompts with the same number and id cannot be compared.');
}

/** The prompts that wait (a binary heap by number, then id), the one that runs, and those that ended. In memory only. */
export class PromptQueue {
  private heap: QueueItem[] = [];
  private current: QueueItem | undefined;
  private readonly ended = new Map<string, HistoryEntry>();
  private interrupted = false;
  private wake: (() => void) | undefined;
  private onInterrupt: (() => void) | undefined;

  /** `changed` runs after every change of the number of prompts. */
  constructor(private readonly changed: () => void) {}

  /** Pending prompts in heap order, which is not the order they will run in. */
  get pending(): readonly QueueItem[] {
    return this.heap;
  }

  get running(): QueueItem | undefined {
    return this.current;
  }

  get remaining(): number {
    return this.heap.length + (this.current ? 1 : 0);
  }

  get history(): ReadonlyMap<string, HistoryEntry> {
    return this.ended;
  }

  put(item: QueueItem): void {
    this.heap.push(item);
    for (let at = this.heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.swapIfBefore(at, parent)) break;
      at = parent;
    }
    this.changed();
    this.wake?.();
  }

  /** Takes the first prompt, or undefined when none waits. */
  take(): QueueItem | undefined {
    const item = this.heap[0];
    const last = this.heap.pop();
    if (item === undefined || last === undefined) return undefined;
    if (this.heap.length > 0) {
      this.heap[0] = last;
      this.sink(0);
    }
    this.current = item;
    this.changed();
    return item;
  }

  /** Resolves when a prompt is put or `nudge` is called. */
  async waitForWork(): Promise<void> {
    await new Promise<void>((done) => (this.wake = done));
    this.wake = undefined;
  }

  nudge(): void {
    this.wake?.();
  }

  done(entry: HistoryEntry): void {
    const item = this.current;
    if (item === undefined) return;
    this.current = undefined;
    const oldest = this.ended.keys().next();
    if (this.ended.size > MAX_HISTORY && !oldest.done) this.ended.delete(oldest.value);
    this.ended.set(item.promptId, entry);
    this.changed();
  }

  wipe(): void {
    this.heap = [];
    this.changed();
  }

  /** Takes a pending prompt out; whether there was one. The last one out announces the change twice, as the real server does. */
  remove(promptId: string): boolean {
    const at = this.heap.findIndex((item) => item.promptId === promptId);
    if (at < 0) return false;
    if (this.heap.length === 1) this.wipe();
    else {
      this.heap.splice(at, 1);
      for (let i = (this.heap.length >> 1) - 1; i >= 0; i--) this.sink(i);
    }
    this.changed();
    return true;
  }

  forget(promptId?: string): void {
    if (promptId === undefined) this.ended.clear();
    else this.ended.delete(promptId);
  }

  /** Asks the running prompt (only this one, where an id is given) to stop; whether one was running. */
  interrupt(promptId?: string): boolean {
    if (promptId !== undefined && this.current?.promptId !== promptId) return false;
    this.interrupted = true;
    this.onInterrupt?.();
    return this.current !== undefined;
  }

  /** Ends a pause early, without an interrupt. */
  disturb(): void {
    this.onInterrupt?.();
  }

  get isInterrupted(): boolean {
    return this.interrupted;
  }

  clearInterrupt(): void {
    this.interrupted = false;
  }

  /** Waits until `untilMs` (Unix ms; Infinity waits for ever) or an interrupt, whichever comes first. */
  async pause(untilMs: number): Promise<void> {
    const ms = untilMs - Date.now();
    if (ms <= 0 || this.interrupted) return;
    await new Promise<void>((done) => {
      const timer = ms === Infinity ? undefined : setTimeout(done, ms);
      this.onInterrupt = () => {
        clearTimeout(timer);
        done();
      };
    });
    this.onInterrupt = undefined;
  }

  private sink(start: number): void {
    for (let at = start; ;) {
      const left = 2 * at + 1;
      const [a, b] = [this.heap[left], this.heap[left + 1]];
      if (a === undefined) return;
      const child = b !== undefined && before(b, a) ? left + 1 : left;
      if (!this.swapIfBefore(child, at)) return;
      at = child;
    }
  }

  private swapIfBefore(child: number, parent: number): boolean {
    const [a, b] = [this.heap[child], this.heap[parent]];
    if (a === undefined || b === undefined || !before(a, b)) return false;
    this.heap[child] = b;
    this.heap[parent] = a;
    return true;
  }
}
