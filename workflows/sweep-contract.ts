/** What others may know of `sweep`: names, arguments, documents. Types and constants only. */
import type { RetentionSaid } from '../selection/retention.js';

export const SWEEP_SCHEDULE = 'cull-sweep';
/** What a ComfyUI's own worker does there: it alone has a path to the folders. */
export const comfyQueue = (host: string): string => `cull-comfyui.${host}`;

/** Argument of `sweep`. */
export interface SweepArgs {
  /** Nothing is deleted; the report tells what would be. */
  dryRun?: boolean;
  /** Instead of what the workers' environment says; tenants' own settings still count before it. Only with `dryRun`. */
  retention?: RetentionSaid;
  /** Milliseconds since the epoch. @default when the workflow started */
  now?: number;
  /** Set by continue-as-new. */
  carried?: { place: SweepPlace; report: SweepReport };
}

/** Where a sweep goes on: after this day of this tenant. Without a day: with the tenant's first. */
export interface SweepPlace {
  tenant: string;
  day?: string;
}

export const SWEPT_KINDS = ['pictures', 'records', 'inputs', 'comfyuiPrompts', 'comfyuiFiles'] as const;
export type SweptKind = (typeof SWEPT_KINDS)[number];
/** Objects (files, prompts) that went, and their bytes. */
export type SweptCounts = Partial<Record<SweptKind, { objects: number; bytes: number }>>;

/** What a sweep did, or would do. */
export interface SweepReport {
  dryRun: boolean;
  /** Of which something went. */
  requests: number;
  swept: SweptCounts;
  /** ComfyUIs that could not be swept, and why. */
  unreached: { host: string; reason: string }[];
}

/** `_registry/sweep.json`: the last sweep that deleted. */
export interface SweepDoc {
  /** ISO 8601. */
  at: string;
  report: SweepReport;
}

export const noneSwept = (dryRun: boolean): SweepReport => ({ dryRun, requests: 0, swept: {}, unreached: [] });

/** Counts of two steps together. */
export function addSwept(sum: SweptCounts, more: SweptCounts): SweptCounts {
  const all = { ...sum };
  for (const kind of SWEPT_KINDS) {
    const one = more[kind];
    if (one === undefined) continue;
    const before = all[kind] ?? { objects: 0, bytes: 0 };
    all[kind] = { objects: before.objects + one.objects, bytes: before.bytes + one.bytes };
  }
  return all;
}
