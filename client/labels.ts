/** The labels of a tenant in storage: batches of lines, each under the hash of its content. */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import pLimit from 'p-limit';
import { CullError } from '../errors.js';
import type { Label } from '../selection/tuning/labels.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';

export interface StoredLabel extends Label {
  at: string;
}

/** Objects of storage that are looked at at once. */
const AT_ONCE = 16;

/** Every label of the tenant, the oldest first. */
export async function storedLabels(storage: Storage, tenant: string): Promise<StoredLabel[]> {
  const limit = pLimit(AT_ONCE);
  const batches: Promise<StoredLabel[]>[] = [];
  for await (const { key } of storage.list(keys.labels(tenant)))
    batches.push(
      limit(async () => {
        const lines = (await storage.get(key))?.body.toString('utf8').split('\n') ?? [];
        return lines.flatMap((line) => (line === '' ? [] : (JSON.parse(line) as StoredLabel)));
      }),
    );
  const labels = (await Promise.all(batches)).flat();
  return labels.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}

/**
 * Stores labels that are not there yet, in one object. A label is known if the same person said the same of the same picture and gate last; another
 * word of theirs is stored too, and from then on counts.
 *
 * @param options `at`: when they were given, ISO 8601, for labels that do not say it themselves
 * @returns how many were new
 *
 * @example
 * await addLabels(storage, { tenant: 'default', labels, at: new Date().toISOString() }); // 40
 */
export async function addLabels(
  storage: Storage,
  { tenant, labels, at }: { tenant: string; labels: readonly Label[]; at: string },
): Promise<number> {
  const known = await storedLabels(storage, tenant);
  const exact = new Set(known.map((label) => canonicalize(label)));
  const last = new Map(known.map((label) => [aboutOf(label), saidOf(label)]));
  const lines = new Set<string>();
  for (const label of labels) {
    const dated = canonicalize({ ...label, at: label.at ?? at }) ?? '';
    if (label.at === undefined ? last.get(aboutOf(label)) !== saidOf(label) : !exact.has(dated)) lines.add(dated);
  }
  if (lines.size === 0) return 0;
  const body = [...lines]
    .sort()
    .map((line) => `${line}\n`)
    .join('');
  const sha256 = createHash('sha256').update(body).digest('hex');
  try {
    await storage.put(keys.labelBatch(tenant, sha256), body, { ifAbsent: true });
  } catch (error) {
    // Somebody stores the same labels at the same moment.
    if (!(error instanceof CullError && error.code === 'STORAGE_CONFLICT')) throw error;
  }
  return lines.size;
}

const aboutOf = ({ picture, gate, who }: Label): string => JSON.stringify([picture, gate, who]);

const saidOf = ({ pass, job, subgroup }: Label): string => JSON.stringify([pass, job ?? null, subgroup ?? null]);
