/** Reading JSON that anybody may have written: never a throw, whatever it is. */

export type Fields = Record<string, unknown>;
export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
/** The fields of an object; none of anything else. */
export const fieldsOf = (value: unknown): Fields => (isRecord(value) ? value : {});
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
/** The strings of a list. */
export const textsOf = (value: unknown): string[] => listOf(value).filter((item) => typeof item === 'string');
/** Node ids are text; a graph made by hand can have numbers. */
export const nameOf = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
export const namesOf = (value: unknown): string[] => listOf(value).flatMap((one) => nameOf(one) ?? []);
/** `{ [key]: value }`, or nothing where the value is undefined. */
export function optional<K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, T>>);
}
/** Without the fields that have no value. */
export function present<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
