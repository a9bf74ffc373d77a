import type { Command } from 'commander';
import { sweepNow } from '../../client/sweep.js';
import { retentionFrom } from '../../client/tenants.js';
import { CullError } from '../../errors.js';
import { sweepText } from '../views/sweep.js';
import { withCull } from '../with-cull.js';

/** `comfy-cull sweep`: what is past its age goes now, instead of at the schedule's next turn. */
export function addSweep(program: Command): void {
  program
    .command('sweep')
    .description(
      'delete what is past its age (CULL_RETENTION), in storage and on the ComfyUIs; a schedule does it every 6 hours',
    )
    .option('--dry-run', 'delete nothing and tell what would go')
    .option('--retention <ages>', 'with --dry-run: what these ages would delete, such as usual or rejected=7d')
    .option('--json', 'one JSON document: { dryRun, requests, swept, unreached }')
    .action(async (options: { dryRun?: true; retention?: string; json?: true }) => {
      const { dryRun = false, retention } = options;
      if (retention !== undefined && !dryRun)
        throw new CullError('USAGE', '--retention needs --dry-run', {
          hint: 'to delete by other ages, set CULL_RETENTION of the workers, or `comfy-cull tenants retention`',
        });
      await withCull(options, async (cull, output) => {
        if (!(await cull.hasWorker())) output.note('no worker takes it yet: it waits for `comfy-cull worker`');
        const said = retention === undefined ? {} : { retention: retentionFrom(retention) };
        const report = await sweepNow(cull.temporal, { dryRun, ...said });
        output.document(report);
        output.text(sweepText(report));
        return 0;
      });
    });
}
