/** The fleet as commands see it, without serving it. */
import { readFile } from 'node:fs/promises';
import type { Config } from '../config.js';
import { CullError, messageOf } from '../errors.js';
import { openStorage } from '../storage/index.js';
import { parseFleetFile } from './file.js';
import { mergeMembers, type Member } from './members.js';
import { readFleet } from './registry.js';

/**
 * Every ComfyUI that the environment, the file and the API name.
 *
 * @throws CullError CONFIG_INVALID if the file cannot be read; STORAGE_*
 */
export async function readMembers(config: Config): Promise<Member[]> {
  const { comfyFile } = config;
  const file = comfyFile === undefined ? [] : parseFleetFile(await textOf(comfyFile), comfyFile);
  const api = await readFleet(openStorage(config.storage));
  return [...mergeMembers({ environment: config.comfyUrls, file, api }).values()];
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new CullError('CONFIG_INVALID', `CULL_COMFYUI_FILE: ${messageOf(error)}`, { hint: 'correct the path' });
  }
}
