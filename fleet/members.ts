/** Which ComfyUIs belong to the fleet: what the environment, a file and the API say, put together. Pure. */
import { isAbsolute } from 'node:path';
import { CullError } from '../errors.js';
import type { HostFolders } from '../providers/comfyui/folders.js';
import { hostId } from '../providers/comfyui/host-id.js';
import type { HostAddress } from '../providers/comfyui/host.js';
import { DEFAULT_POOL } from '../workflows/contract.js';

export const DEFAULT_SLOTS = 2;

/** Where a member is named. A member that several name is taken from the first of: api, file, environment. */
export type MemberSource = 'environment' | 'file' | 'api';

/** One ComfyUI to serve. */
export interface Member extends HostAddress {
  /** Requests are drawn by the ComfyUIs of their pool. */
  pool: string;
  /** Candidates at once: one draws, the others wait inside ComfyUI. */
  slots: number;
  /** Shell command that restarts it when its worker thread is dead. */
  restart?: string;
  /** Where its files lie, as this machine sees them; `output` and `input` of its folders. */
  folders?: HostFolders;
  source: MemberSource;
  /** True: what runs there finishes, nothing new starts. */
  drained: boolean;
}

/** A member as people write it: in the file and in `fleet add`. */
export interface MemberSpec {
  url: string;
  /** Letters, digits, `.`, `_`, `-`. @default made of the address */
  id?: string | undefined;
  /** Lower-case letters, digits and `-`. @default default */
  pool?: string | undefined;
  /** Sent with every request and the websocket's handshake. */
  headers?: Record<string, string> | undefined;
  /** 1 to 16. @default 2 */
  slots?: number | undefined;
  restart?: string | undefined;
  /** Absolute paths of its output and input folders, where this machine has them: what Cull left there can be swept. */
  output?: string | undefined;
  input?: string | undefined;
}

/** What only this machine's environment or file may say: commands that it runs, folders that it deletes in. Never storage. */
type OwnWord = 'restart' | 'output' | 'input';
/** A member as the API names it. */
export type ApiSpec = Omit<MemberSpec, OwnWord>;

/** `_registry/fleet.json`: what was said through the API. */
export interface FleetDoc {
  hosts: Record<string, FleetEntry>;
}

/**
 * What the API says of one ComfyUI, by its id. Without `spec` it is about one that the environment or the file names:
 * drained, or removed until it is added again.
 */
export interface FleetEntry {
  spec?: ApiSpec;
  state: 'active' | 'drained' | 'removed';
  /** ISO 8601. */
  at: string;
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/;
const POOL = /^[a-z0-9][a-z0-9-]{0,31}$/;

/**
 * A spec with its defaults.
 *
 * @throws CullError CONFIG_INVALID naming what is wrong
 * @example
 * memberOf({ url: 'http://gpu0:8188' }, 'file'); // { id: 'gpu0-8188', pool: 'default', slots: 2, ... }
 */
export function memberOf(spec: MemberSpec, source: MemberSource): Member {
  const { url, pool = DEFAULT_POOL, slots = DEFAULT_SLOTS, headers, restart, output, input } = spec;
  const wrong = (what: string, hint: string) => new CullError('CONFIG_INVALID', `ComfyUI ${url}: ${what}`, { hint });
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw wrong('no address', 'write http://host:8188 or https://…');
  const id = spec.id ?? hostId(url);
  if (!ID.test(id) || id.includes('..'))
    throw wrong(`"${id}" is no id`, 'use 1 to 80 letters, digits, ".", "_" or "-", starting with a letter or a digit');
  if (!POOL.test(pool)) throw wrong(`"${pool}" is no pool`, 'use 1 to 32 lower-case letters, digits or "-"');
  if (!Number.isInteger(slots) || slots < 1 || slots > 16)
    throw wrong(`${slots} slots`, 'use a whole number from 1 to 16');
  for (const folder of [output, input])
    if (folder !== undefined && !isAbsolute(folder)) throw wrong(`"${folder}" is no absolute path`, 'begin it with /');
  const optional = {
    ...(headers ? { headers } : {}),
    ...(restart === undefined ? {} : { restart }),
    ...(output === undefined && input === undefined ? {} : { folders: { output, input } }),
  };
  return { id, url, pool, slots, source, drained: false, ...optional };
}

/**
 * The fleet: members by id, in a stable order.
 *
 * @example
 * mergeMembers({ environment: ['http://gpu0:8188'], file: [], api: { hosts: {} } });
 */
export function mergeMembers(said: {
  environment: readonly string[];
  file: readonly MemberSpec[];
  api: FleetDoc;
}): Map<string, Member> {
  const members = new Map<string, Member>();
  for (const url of said.environment) add(members, memberOf({ url }, 'environment'));
  for (const spec of said.file) add(members, memberOf(spec, 'file'));
  for (const [id, { spec, state }] of Object.entries(said.api.hosts)) {
    const { restart, folders } = members.get(id) ?? {};
    if (spec)
      members.set(id, memberOf({ ...spec, id, restart, output: folders?.output, input: folders?.input }, 'api'));
    const member = members.get(id);
    if (state === 'removed') members.delete(id);
    else if (member && state === 'drained') members.set(id, { ...member, drained: true });
  }
  return new Map([...members].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function add(members: Map<string, Member>, member: Member): void {
  members.set(member.id, member);
}

export interface MemberChanges {
  /** To be served from now on. */
  start: Member[];
  /** To be drained: `then` says what remains of it. */
  stop: { id: string; then: 'drained' | 'forgotten' | 'served anew' }[];
}

/** What has to happen so that those who are served are those who are wanted. */
export function changesOf(served: ReadonlyMap<string, Member>, wanted: ReadonlyMap<string, Member>): MemberChanges {
  const stop: MemberChanges['stop'] = [];
  for (const [id, member] of served) {
    const now = wanted.get(id);
    if (!now) stop.push({ id, then: 'forgotten' });
    else if (now.drained) stop.push({ id, then: 'drained' });
    else if (essence(now) !== essence(member)) stop.push({ id, then: 'served anew' });
  }
  const start = [...wanted.values()].filter(({ id, drained }) => !drained && !served.has(id));
  return { start, stop };
}

/** What its loop depends on; who named it does not matter. */
const essence = ({ url, pool, slots, headers, restart, folders }: Member): string =>
  JSON.stringify([url, pool, slots, Object.entries(headers ?? {}).sort(), restart, folders?.output, folders?.input]);

/** Where a member's files lie: its own folders, else those of the environment. */
export const foldersOf = ({ folders }: Pick<Member, 'folders'>, environment: HostFolders): HostFolders => ({
  output: folders?.output ?? environment.output,
  input: folders?.input ?? environment.input,
});

/** An address that may be shown: without the password. */
export function withoutSecrets(url: string): string {
  const parsed = new URL(url);
  if (parsed.username === '' && parsed.password === '') return url;
  parsed.username = '';
  parsed.password = '';
  return parsed.href;
}
