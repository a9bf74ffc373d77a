/** `_registry/fleet.json`: ComfyUIs that were added, drained or removed through the API. Changed by compare-and-swap, so that two who change it at once both succeed. */
import { CullError } from '../errors.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import type { HostDoc } from '../workflows/contract.js';
import { memberOf, type FleetDoc, type ApiSpec, type FleetEntry, type Member } from './members.js';

/** What was said through the API so far. */
export async function readFleet(storage: Storage): Promise<FleetDoc> {
  const object = await storage.get(keys.fleet());
  return object ? (JSON.parse(object.body.toString('utf8')) as FleetDoc) : { hosts: {} };
}

/**
 * Adds a ComfyUI, or changes the one with the same id, or takes back that it was drained or removed. Workers serve it within 2 s.
 *
 * @returns the member as it will be served
 * @throws CullError CONFIG_INVALID; STORAGE_*
 * @example
 * await addComfy(storage, { url: 'http://10.0.0.7:8188', pool: 'default' });
 */
export async function addComfy(storage: Storage, spec: ApiSpec): Promise<Member> {
  const member = memberOf(spec, 'api');
  await change(storage, (hosts) => ({
    ...hosts,
    [member.id]: { spec: { ...spec, id: member.id }, state: 'active', at: new Date().toISOString() },
  }));
  return member;
}

/**
 * Drains a ComfyUI: what runs there finishes, nothing new starts. `addComfy` takes it back.
 *
 * @throws CullError HOST_NOT_FOUND if nothing is known of it; STORAGE_*
 * @example
 * await drainComfy(storage, '10.0.0.7-8188');
 */
export async function drainComfy(storage: Storage, id: string): Promise<void> {
  await checkKnown(storage, id);
  await change(storage, (hosts) => {
    const spec = hosts[id]?.spec;
    return { ...hosts, [id]: { ...(spec ? { spec } : {}), state: 'drained', at: new Date().toISOString() } };
  });
}

/**
 * Removes a ComfyUI: it is drained, then forgotten. One that the environment or the file names stays removed until it is added again.
 *
 * @throws CullError HOST_NOT_FOUND if nothing is known of it; STORAGE_*
 */
export async function removeComfy(storage: Storage, id: string): Promise<void> {
  await checkKnown(storage, id);
  await change(storage, (hosts) => ({ ...hosts, [id]: { state: 'removed', at: new Date().toISOString() } }));
}

/** What workers last saw of every ComfyUI. */
export async function readHosts(storage: Storage): Promise<HostDoc[]> {
  const hosts: HostDoc[] = [];
  for await (const { key } of storage.list(keys.hosts())) {
    const object = await storage.get(key);
    if (object) hosts.push(JSON.parse(object.body.toString('utf8')) as HostDoc);
  }
  return hosts;
}

async function checkKnown(storage: Storage, id: string): Promise<void> {
  const doc = await readFleet(storage);
  const entry = doc.hosts[id];
  if (entry && entry.state !== 'removed') return;
  if (!entry && (await storage.head(keys.host(id)))) return;
  const known = [...Object.keys(doc.hosts), ...(await readHosts(storage)).map(({ host }) => host)];
  throw new CullError('HOST_NOT_FOUND', `no ComfyUI "${id}" is known in ${storage.description}`, {
    hint:
      known.length === 0 ? 'add one with `comfy-cull fleet add <url>`' : `known are ${[...new Set(known)].join(', ')}`,
  });
}

const change = (storage: Storage, next: (hosts: FleetDoc['hosts']) => Record<string, FleetEntry>): Promise<void> =>
  updateJson<FleetDoc>(storage, keys.fleet(), (doc) => ({ hosts: next(doc?.hosts ?? {}) }));
