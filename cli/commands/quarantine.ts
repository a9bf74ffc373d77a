import type { Command } from 'commander';
import { listQuarantined, releaseQuarantined } from '../../client/quarantine.js';
import { shortRelease } from '../../selection/words.js';
import { releaseName } from '../options.js';
import { createOutput } from '../output.js';
import { quarantineText } from '../views/dead.js';
import { storeOf } from '../with-cull.js';

/** `comfy-cull quarantine list|release`: releases that failed the same way again and again. */
export function addQuarantine(program: Command): void {
  const quarantine = program
    .command('quarantine')
    .description('releases that are held back, because they failed the same way again and again');
  quarantine
    .command('list')
    .description('for whom, why, and the requests that show it')
    .option('--json', 'NDJSON: one release a line')
    .action(async ({ json }: { json?: true }) => {
      const output = createOutput({ json: json === true });
      const all = await listQuarantined(storeOf({}).storage);
      for (const doc of all) {
        output.document(doc);
        output.text(quarantineText(doc));
      }
      if (all.length === 0) output.note('no release is held back');
    });
  quarantine
    .command('release')
    .description('let a release draw again, for everybody')
    .argument('<release>', 'its sha256, or how that starts', releaseName)
    .option('--json', 'one JSON document: the release as it was held back')
    .action(async (name: string, { json }: { json?: true }) => {
      const output = createOutput({ json: json === true });
      const doc = await releaseQuarantined(storeOf({}).storage, name);
      output.document(doc);
      output.text(`${shortRelease(doc.release)} of ${doc.template} may draw again`);
    });
}
