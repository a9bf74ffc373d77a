import type { Event } from '../listener.js';

/** What stands at a path inside a JSON value; undefined where it leads nowhere. */
export function pick(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}

/** Names of the fields of an object, sorted. */
export function fields(value: unknown): string[] {
  return Object.keys(value as object).sort();
}

/** Types of events, without progress_state, which comes at every turn. */
export function types(events: readonly Event[]): string[] {
  return events.map((e) => e.type).filter((type) => type !== 'progress_state');
}

/** The first event of a type; an event without data where there is none. */
export function first(events: readonly Event[], type: string): Event {
  return events.find((e) => e.type === type) ?? { type: `no ${type}`, data: {} };
}

/** Nodes that ran, in order. */
export function ran(events: readonly Event[]): unknown[] {
  return events.filter((e) => e.type === 'executing' && e.data.node !== null).map((e) => e.data.node);
}
