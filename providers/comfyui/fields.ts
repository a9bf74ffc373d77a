/** What is in JSON that anybody may have written. */

export type Fields = Record<string, unknown>;
export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
/** Node ids are text; a graph made by hand can have numbers. */
export const nameOf = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
export const namesOf = (value: unknown): string[] => listOf(value).flatMap((one) => nameOf(one) ?? []);
/** `{ [key]: value }`, or nothing where the value is undefined. */
export function optional<K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, T>>);
}
