import type { Command } from 'commander';
import pLimit from 'p-limit';
import { addLabels } from '../../client/labels.js';
import { readConfig } from '../../config.js';
import { CullError } from '../../errors.js';
import { checkOwnWords, listed, type Label } from '../../selection/tuning/labels.js';
import { openStorage } from '../../storage/index.js';
import { checkName, keys } from '../../storage/keys.js';
import type { Storage } from '../../storage/storage.js';
import { labelsOf } from '../label-rows.js';
import { createOutput } from '../output.js';
import { candidateOf } from '../scored-pictures.js';

/** Objects of storage that are looked at at once. */
const AT_ONCE = 16;

/** `comfy-cull label`: human verdicts into the tenant's labels; no server. */
export function addLabel(program: Command): void {
  program
    .command('label')
    .description('store human verdicts, to tune thresholds with')
    .argument(
      '<file>',
      'NDJSON or CSV: request and candidate, or image; gate, verdict (pass, fail), who; - is standard input',
    )
    .option('--json', 'one JSON document: { stored, known }')
    .action(async (file: string, options: { json?: true }) => {
      const output = createOutput({ json: options.json === true });
      const config = readConfig(process.env);
      const tenant = checkName('tenant', config.tenant);
      const labels = await labelsOf(file);
      checkOwnWords(labels);
      const storage = openStorage(config.storage);
      await checkCandidates(storage, tenant, labels);
      const stored = await addLabels(storage, { tenant, labels, at: new Date().toISOString() });
      const known = labels.length - stored;
      output.document({ stored, known });
      output.text(`${stored} labels stored${known > 0 ? `, ${known} were known` : ''}`);
    });
}

/** A label names a candidate of a request that is in storage; files and hashes may come from elsewhere. */
async function checkCandidates(storage: Storage, tenant: string, labels: readonly Label[]): Promise<void> {
  const limit = pLimit(AT_ONCE);
  const pictures = [...new Set(labels.map((label) => label.picture))];
  const isThere = await Promise.all(
    pictures.map((picture) =>
      limit(async () => {
        const named = candidateOf(picture);
        return !named || (await storage.head(keys.record(tenant, named.request, named.candidate))) !== undefined;
      }),
    ),
  );
  const missing = pictures.filter((_, i) => isThere[i] === false);
  if (missing.length > 0)
    throw new CullError('LABELS_UNKNOWN_CANDIDATE', listed(missing.map((name) => `there is no candidate ${name}`)), {
      hint: '`comfy-cull list` shows the requests; CULL_TENANT and CULL_STORAGE say whose and where',
      details: missing,
    });
}
