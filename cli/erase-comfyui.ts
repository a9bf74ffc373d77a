/** What a ComfyUI keeps of a tenant or a request: found by the mark on its prompts, and by the names of files where a folder is configured. */
import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ErasePlace, EraseSubject, Found } from '../client/erase.js';
import type { Config } from '../config.js';
import { readMembers } from '../fleet/known.js';
import type { Member } from '../fleet/members.js';
import { readHosts } from '../fleet/registry.js';
import {
  ComfyClient,
  leftFiles,
  leftovers,
  removeLeft,
  removeLeftovers,
  type HostFolders,
  type Leftover,
  type LeftFile,
} from '../providers/comfyui/index.js';
import type { Storage } from '../storage/storage.js';

/** A ComfyUI as far as it is known: a member of the fleet, or one that a worker has seen. */
export type KnownComfy = Pick<Member, 'id' | 'url' | 'headers' | 'folders'>;

type FoundThere = Found & { left: Leftover };

const KINDS: Record<Leftover['kind'], string> = {
  queue: 'prompts in the queue',
  history: 'history entries',
  output: 'output files',
  input: 'input files',
};

/** Members of the fleet, and what workers saw besides them, by id. */
export async function knownComfys(config: Config, storage: Storage): Promise<KnownComfy[]> {
  const members: KnownComfy[] = await readMembers(config);
  const ids = new Set(members.map(({ id }) => id));
  const seen = (await readHosts(storage)).filter(({ host }) => !ids.has(host));
  return [...members, ...seen.map(({ host, url }) => ({ id: host, url }))];
}

/**
 * Its queue and history, and its folders where a path leads to them. One that does not answer is named; a folder that cannot be read ends the
 * command, while storage still tells which input files are the request's.
 *
 * @param options `inputs`: sha256 of the request's own input files; of a tenant all are found
 */
export function comfyPlaces(
  { id, folders, ...address }: KnownComfy,
  { tenant, request }: EraseSubject,
  { ca, inputs }: { ca: string | undefined; inputs: ReadonlySet<string> },
): ErasePlace[] {
  const client = new ComfyClient({ ...address, ca });
  const isOf = (left: Leftover): boolean => {
    if (left.tenant !== tenant) return false;
    if (request === undefined) return true;
    return left.kind === 'input' ? inputs.has(left.sha256) : left.request === request;
  };
  const prompts: ErasePlace<FoundThere> = {
    name: `ComfyUI ${id}`,
    isRemote: true,
    async *find() {
      for await (const left of leftovers(client))
        if ('promptId' in left && isOf(left)) yield { kind: KINDS[left.kind], name: left.promptId, left };
    },
    async remove(found) {
      const all = found.map(({ left }) => left);
      await removeLeftovers(client, all);
    },
  };
  const files: ErasePlace<Found & { file: LeftFile }> = {
    name: `folders of ComfyUI ${id}`,
    async *find() {
      for await (const file of leftFiles(folders ?? {}))
        if (isOf(file)) yield { kind: KINDS[file.kind], name: file.path, file };
    },
    async remove(found) {
      await Promise.all(found.map(({ file }) => removeLeft(file)));
      // An empty folder would still name the tenant.
      if (request !== undefined) return;
      const emptied = found.map(({ file }) => (file.kind === 'output' ? dirname(file.folder) : file.folder));
      for (const folder of new Set(emptied)) await rmdir(folder).catch(() => undefined);
    },
  };
  return [prompts, files];
}

/** The folders of a ComfyUI that no path leads to. */
export const foldersOutOfReach = ({ folders }: { folders?: HostFolders }): string[] =>
  (['output', 'input'] as const).filter((folder) => folders?.[folder] === undefined);
