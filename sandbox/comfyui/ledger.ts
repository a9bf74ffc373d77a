import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Faults } from './faults.js';
import { classOf, isDict, type Graph } from './graph.js';
import { numeric } from './json.js';

/** What happened to one submitted prompt. Times are Unix milliseconds of the true clock. */
export interface LogEntry {
  readonly promptId: string;
  readonly seed: number | null;
  readonly submittedMs: number;
  startedMs: number | null;
  endedMs: number | null;
  /** A prompt whose worker died stays "running", as it does for its client; "killed" is one that went with an earlier process. */
  status: 'pending' | 'running' | 'success' | 'error' | 'interrupted' | 'dequeued' | 'killed';
  /** Whether a picture was computed for it; a cached rerun computes none, and a prompt that stalls or lacks memory none either. */
  drawn: boolean;
  /** Files written to the output folder. */
  saved: number;
  /** Checkpoints that had to be loaded for it. */
  readonly loads: string[];
  /** The faults that struck it, in order. */
  readonly faults: (keyof Faults)[];
}

/** All prompts of one seed, counted. */
export interface SeedCount {
  submitted: number;
  started: number;
  drawn: number;
  saved: number;
  /** How often each fault struck. */
  readonly faults: Partial<Record<keyof Faults, number>>;
}

/** What the painter put into a picture: the truth that tests compare scores with. */
export interface LabelEntry {
  readonly seed: number;
  readonly prompt: string;
  readonly width: number;
  readonly height: number;
  readonly labels: unknown;
}

const MAX_ENTRIES = 100_000;

/** The first seed of a graph: that of a sampler, else of any node that has one. */
export function seedOf(graph: Graph): number | null {
  const nodes = Object.values(graph).filter(isDict);
  const first = nodes.filter((n) => classOf(n) === 'KSampler').concat(nodes);
  for (const { inputs } of first) {
    const seed = isDict(inputs) ? numeric(inputs.seed) : undefined;
    if (seed !== undefined) return Number(seed);
  }
  return null;
}

/** The tests' view of a sandbox: kept apart from everything that the public port can answer. */
export class Ledger {
  readonly log: LogEntry[];
  readonly labels = new Map<string, LabelEntry>();
  private readonly open = new Map<string, LogEntry>();

  /** With a file the log outlives the process: what earlier ones wrote into it comes first. */
  constructor(private readonly file?: string) {
    this.log = file === undefined ? [] : earlier(file);
  }

  submitted(promptId: string, graph: Graph): void {
    const entry: LogEntry = {
      promptId,
      seed: seedOf(graph),
      submittedMs: Date.now(),
      startedMs: null,
      endedMs: null,
      status: 'pending',
      drawn: false,
      saved: 0,
      loads: [],
      faults: [],
    };
    this.open.set(promptId, entry);
    this.log.push(entry);
    this.keep(entry);
    if (this.log.length > MAX_ENTRIES) this.log.shift();
  }

  started(promptId: string): void {
    const entry = this.open.get(promptId);
    if (!entry) return;
    entry.startedMs = Date.now();
    entry.status = 'running';
    this.keep(entry);
  }

  drew(promptId: string, label?: LabelEntry): void {
    this.change(promptId, (entry) => (entry.drawn = true));
    if (label) this.labels.set(promptId, label);
  }

  saved(promptId: string): void {
    this.change(promptId, (entry) => entry.saved++);
  }

  loaded(promptId: string, checkpoint: string): void {
    this.change(promptId, ({ loads }) => loads.push(checkpoint));
  }

  struck(promptId: string, fault: keyof Faults): void {
    this.change(promptId, ({ faults }) => faults.push(fault));
  }

  ended(promptId: string, status: 'success' | 'error' | 'interrupted' | 'dequeued'): void {
    const entry = this.open.get(promptId);
    if (!entry) return;
    entry.endedMs = Date.now();
    entry.status = status;
    this.keep(entry);
    this.open.delete(promptId);
  }

  /** The log by seed; prompts without one are left out. */
  seeds(): Record<number, SeedCount> {
    const counts: Record<number, SeedCount> = {};
    for (const { seed, startedMs, drawn, saved, faults } of this.log) {
      if (seed === null) continue;
      const count = (counts[seed] ??= { submitted: 0, started: 0, drawn: 0, saved: 0, faults: {} });
      count.submitted++;
      if (startedMs !== null) count.started++;
      if (drawn) count.drawn++;
      count.saved += saved;
      for (const fault of faults) count.faults[fault] = (count.faults[fault] ?? 0) + 1;
    }
    return counts;
  }

  reset(): void {
    this.log.length = 0;
    if (this.file !== undefined) writeFileSync(this.file, '');
    this.labels.clear();
  }

  private change(promptId: string, how: (entry: LogEntry) => void): void {
    const entry = this.open.get(promptId);
    if (!entry) return;
    how(entry);
    this.keep(entry);
  }

  /** Appends the entry as it is now: of the lines about one submission the last one counts. */
  private keep(entry: LogEntry): void {
    if (this.file !== undefined) appendFileSync(this.file, `${JSON.stringify(entry)}\n`);
  }
}

/** The submissions of earlier processes; those that had not ended were killed. A line cut short by the kill is passed over. */
function earlier(file: string): LogEntry[] {
  const last = new Map<string, LogEntry>();
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
    if (!line.endsWith('}')) continue;
    const entry = JSON.parse(line) as LogEntry;
    last.set(`${entry.promptId} ${entry.submittedMs}`, entry);
  }
  const entries = [...last.values()];
  for (const entry of entries) if (entry.endedMs === null) entry.status = 'killed';
  return entries;
}
