/** What speaks against releases names the requests that failed: those of a tenant, or one of them, are taken out. */
import type { Evidence } from '../selection/quarantine.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { updateJson } from '../storage/update.js';
import type { QuarantineDoc } from '../workflows/contract.js';
import { readJson } from './documents.js';
import type { ErasePlace, EraseSubject } from './erase.js';

/**
 * Rows of evidence, and of a tenant also what holds a release back for it alone. A release that is held back for everybody stays so.
 *
 * @example
 * await erase([quarantineRows(storage, { tenant: 'acme' })]);
 */
export const quarantineRows = (storage: Storage, subject: EraseSubject): ErasePlace => ({
  name: 'storage',
  async *find() {
    for await (const { key } of storage.list(keys.quarantines())) {
      const doc = await readJson<QuarantineDoc>(storage, key);
      const count = doc === undefined ? 0 : namesIn(doc) - namesIn(without(doc, subject));
      if (count > 0) yield { kind: 'evidence against releases', name: key, count };
    }
  },
  async remove(found) {
    for (const { name } of found) await updateJson<QuarantineDoc>(storage, name, (doc) => doc && without(doc, subject));
  },
});

/** How often the document names a request or a tenant. */
const namesIn = ({ held, evidence }: QuarantineDoc): number =>
  held.reduce((sum, hold) => sum + Number(hold.tenant !== null) + hold.evidence.length, evidence.length);

function without(doc: QuarantineDoc, { tenant, request }: EraseSubject): QuarantineDoc {
  const others = (rows: readonly Evidence[]): Evidence[] =>
    rows.filter((row) => row.tenant !== tenant || (request !== undefined && row.request !== request));
  return {
    ...doc,
    held: doc.held.flatMap((hold) =>
      hold.tenant === tenant && request === undefined ? [] : { ...hold, evidence: others(hold.evidence) },
    ),
    evidence: others(doc.evidence),
  };
}
