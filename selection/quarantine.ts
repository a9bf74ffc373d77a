/** When a release is held back, because it fails the same way again and again. Pure. How it was chosen: docs/dead-letters.md. */
import { CullError, rowOf } from '../errors.js';
import { shortRelease } from './words.js';

/** A node of the graph that failed, or that ComfyUI would not take. */
export interface FailingNode {
  node: string;
  class: string;
  /** The exception, or ComfyUI's words for its kind of refusal. */
  what: string;
  /** The input that was refused. Absent: the node as a whole. */
  input?: string;
}

/** How a graph fails: two requests that agree in it fail the same way. Messages are no part of it, they name files and values. */
export interface Way {
  code: string;
  nodes: FailingNode[];
}

/** A request that failed and drew nothing. */
export interface Evidence {
  tenant: string;
  request: string;
  /** sha256 of its inputs. */
  inputs: string;
  way: Way;
  hosts: string[];
  /** ISO 8601. */
  at: string;
}

export interface Hold {
  /** null: for everybody. */
  tenant: string | null;
  /** ISO 8601. */
  since: string;
  way: Way;
  evidence: Evidence[];
}

/** For whom a release is held back, and what speaks against it so far. */
export interface Quarantine {
  /** `sha256:…` */
  release: string;
  template: string;
  held: Hold[];
  /** Requests that failed since one of the release drew an image, the last ones last. */
  evidence: Evidence[];
}

/** Requests with different inputs hold a release back for their tenant, and requests of so many tenants for everybody. */
export const ENOUGH = { onSeveralHosts: 3, onOneHost: 6 } as const;
/** One tenant cannot push out what speaks for another. */
const KEPT_EACH = 12;
const KEPT = 200;

/** How the graph failed; undefined where something else did (a ComfyUI, the storage, a person), or where no node is named. */
export function wayOf({ code, details }: { code: string; details?: unknown }): Way | undefined {
  if (rowOf(code)?.ofGraph !== true) return undefined;
  const nodes = [details].flat().flatMap(failingNode);
  const text = ({ node, what, input = '' }: FailingNode): string => `${node} ${what} ${input}`;
  return nodes.length === 0 ? undefined : { code, nodes: nodes.sort((a, b) => (text(a) < text(b) ? -1 : 1)) };
}

function failingNode(details: unknown): FailingNode[] {
  const fields = (typeof details === 'object' && details !== null ? details : {}) as Record<string, unknown>;
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '');
  if (text('node') === '') return [];
  const what = text('exception') || text('message');
  return [{ node: text('node'), class: text('class'), what, ...(text('input') !== '' && { input: text('input') }) }];
}

/**
 * The one way in which a request failed; undefined where its errors do not speak against its release. A node that takes an input which the request
 * gave itself may have failed by that input.
 *
 * @param given where the graph takes inputs of the request
 */
export function wayOfRequest(
  errors: readonly { code: string; details?: unknown }[],
  given: readonly { node: string; field: string }[],
): Way | undefined {
  const ways = errors.flatMap((error) => wayOf(error) ?? []);
  const [first] = ways;
  if (!first || !ways.every((way) => isSame(way, first))) return undefined;
  const isGiven = ({ node, input }: FailingNode): boolean =>
    given.some((place) => place.node === node && (input === undefined || place.field === input));
  return first.nodes.some(isGiven) ? undefined : first;
}

const isSame = (a: Way, b: Way): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The hold that stops a tenant's requests. */
export const holdOf = ({ held }: Pick<Quarantine, 'held'>, tenant: string): Hold | undefined =>
  held.find((hold) => hold.tenant === null || hold.tenant === tenant);

/**
 * The quarantine after one more request that failed. The same request again changes nothing.
 *
 * @example
 * afterFailure({ release, template, held: [], evidence: [] }, { tenant: 'acme', request: 'r1', inputs, way, hosts: ['gpu0'], at });
 */
export function afterFailure(quarantine: Quarantine, one: Evidence): Quarantine {
  const { held, evidence } = quarantine;
  if (holdOf(quarantine, one.tenant)) return quarantine;
  const isOf = ({ tenant, request }: Evidence): boolean => tenant === one.tenant && request === one.request;
  const others = evidence.filter(({ tenant }) => tenant !== one.tenant);
  const own = [...evidence.filter((row) => row.tenant === one.tenant && !isOf(row)), one].slice(-KEPT_EACH);
  const all = [...others, ...own].slice(-KEPT);
  const same = all.filter(({ way }) => isSame(way, one.way));
  const mine = same.filter(({ tenant }) => tenant === one.tenant);
  const hold = isEnough(same, ({ tenant }) => tenant)
    ? { tenant: null, evidence: same }
    : isEnough(mine, ({ inputs }) => inputs)
      ? { tenant: one.tenant, evidence: mine }
      : undefined;
  if (!hold) return { ...quarantine, evidence: all };
  const left = all.filter((row) => !hold.evidence.includes(row));
  return { ...quarantine, held: [...held, { ...hold, since: one.at, way: one.way }], evidence: left };
}

function isEnough(rows: readonly Evidence[], keyOf: (row: Evidence) => string): boolean {
  const hosts = new Set(rows.flatMap((row) => row.hosts));
  return new Set(rows.map(keyOf)).size >= (hosts.size > 1 ? ENOUGH.onSeveralHosts : ENOUGH.onOneHost);
}

/** The way in words: `COMFY_NODE_FAILED in node 3 (KSampler): RuntimeError`. */
export const wayText = ({ code, nodes }: Way): string =>
  `${code} in ${nodes.map(({ node, class: name, what, input }) => `node ${node}${name === '' ? '' : ` (${name})`}: ${what}${input === undefined ? '' : ` (${input})`}`).join(', ')}`;

/** @throws CullError RELEASE_QUARANTINED where a release is held back for the tenant; it names nobody else's requests */
export function refuseHeld(quarantine: Quarantine | undefined, tenant: string): void {
  const hold = quarantine && holdOf(quarantine, tenant);
  if (!hold) return;
  const { release, template } = quarantine;
  throw new CullError(
    'RELEASE_QUARANTINED',
    `the release ${shortRelease(release)} of ${template} is held back since ${hold.since}: ${hold.evidence.length} requests drew nothing, each with ${wayText(hold.way)}`,
    {
      hint: `mend the cause, then \`comfy-cull quarantine release ${shortRelease(release)}\` lets it draw again; a changed template is another release`,
    },
  );
}
