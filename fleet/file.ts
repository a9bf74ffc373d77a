/** The file that names ComfyUIs (`CULL_COMFYUI_FILE`), read again whenever it changes. */
import { readFile, stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { CullError, messageOf } from '../errors.js';
import { memberOf, type MemberSpec } from './members.js';

const spec = z.strictObject({
  url: z.string(),
  id: z.string().optional(),
  pool: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  slots: z.number().optional(),
  restart: z.string().optional(),
  output: z.string().optional(),
  input: z.string().optional(),
});
const schema = z.union([z.array(spec), z.strictObject({ comfyui: z.array(spec) }).transform(({ comfyui }) => comfyui)]);

/**
 * The members that a YAML or JSON text names: a list of `{ url, id?, pool?, headers?, slots?, restart?, output?, input? }`, or the same under `comfyui:`.
 *
 * @throws CullError CONFIG_INVALID naming the file and what is wrong in it
 * @example
 * parseFleetFile('- url: http://gpu0:8188', 'fleet.yaml');
 */
export function parseFleetFile(text: string, path: string): MemberSpec[] {
  const wrong = (what: string) =>
    new CullError('CONFIG_INVALID', `${path}: ${what}`, {
      hint: 'it must be a list of { url, id?, pool?, headers?, slots?, restart?, output?, input? } (docs/fleet.md)',
    });
  let value: unknown;
  try {
    value = parse(text) ?? [];
  } catch (error) {
    throw wrong(messageOf(error).split('\n')[0] ?? '');
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const { path: at = [], message = '' } = parsed.error.issues[0] ?? {};
    throw wrong(`${at.length === 0 ? '' : `${at.join('.')}: `}${message}`);
  }
  const ids = parsed.data.map((one) => {
    try {
      return memberOf(one, 'file').id;
    } catch (error) {
      throw wrong(messageOf(error));
    }
  });
  const twice = ids.find((id, at) => ids.indexOf(id) !== at);
  if (twice !== undefined) throw wrong(`two entries have the id "${twice}"`);
  return parsed.data;
}

/** Reads the file when its time or size has changed; a broken or missing one leaves the members as they were. */
export class FleetFile {
  readonly #path: string;
  #seen = '';
  #members: MemberSpec[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * @returns the members of the last good state, and what is wrong with the file as it is now (told once per state of the file)
   */
  async read(): Promise<{ members: MemberSpec[]; problem?: string }> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#path);
      const seen = `${mtimeMs}/${size}/${ino}`;
      if (seen === this.#seen) return { members: this.#members };
      this.#seen = seen;
      this.#members = parseFleetFile(await readFile(this.#path, 'utf8'), this.#path);
      return { members: this.#members };
    } catch (error) {
      const problem = messageOf(error);
      if (error instanceof CullError) return { members: this.#members, problem };
      const isNews = this.#seen !== problem;
      this.#seen = problem;
      return { members: this.#members, ...(isNews ? { problem } : {}) };
    }
  }
}
