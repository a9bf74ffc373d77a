/** What is stored of the installation as a whole, under `_registry/`. Types only; others import them from contract.ts. */
import type { PlanDoc } from './documents.js';

/** `_registry/stats/<release>/<provider>.json`: finished requests of a release, the last ones last. */
export interface StatsDoc {
  requests: {
    /** Of tenant and request. */
    id: string;
    /** Of `ended` candidates; near-duplicates count once. */
    passed: number;
    ended: number;
    /** Mean milliseconds to draw and score. */
    drawMs: number | null;
    /** Mean price of a candidate. */
    microUsd: number | null;
  }[];
}

/** `_registry/stats/<release>/scorers.json`: what candidates of finished requests that ran every scorer have shown, the last ones last. */
export interface ScorerStatsDoc {
  requests: {
    /** Of tenant and request. */
    id: string;
    /** How many ran every scorer. */
    candidates: number;
    /** Scorer id -> mean milliseconds. */
    ms: Record<string, number>;
    /** Those that were rejected, by exactly these gates. */
    rejected: { gates: string[]; candidates: number }[];
  }[];
}

/** `_registry/queues/<queue>.json`: a set of models that requests draw with. */
export interface QueueDoc {
  queue: string;
  pool: string;
  models: string[];
  /** A tiny graph that loads them; null where none could be made. */
  warmUp: PlanDoc['graph'] | null;
  /** Candidates of the request that was announced last. */
  candidates: number;
  /** When that was; ISO 8601. */
  at: string;
}

/** `_registry/hosts/<host>.json`: what a worker last saw of its ComfyUI. */
export interface HostDoc {
  host: string;
  url: string;
  pool: string;
  /**
   * `paused`: it answers, but fails fast, and gets one candidate now and then. `draining`, `drained`: it takes nothing new, because somebody said so.
   * `stopped`: its worker has ended.
   */
  state: 'starting' | 'serving' | 'unhealthy' | 'paused' | 'draining' | 'drained' | 'stopped';
  reason: string | null;
  /** The queue that it serves, and the one whose models it has loaded. */
  queue?: string | null;
  loaded?: string | null;
  /** Candidates at once. */
  slots?: number;
  /** True where a person or the restart command has to start it anew: its worker thread is dead. */
  needsRestart?: boolean;
  /** ISO 8601. */
  at: string;
}
