/** The command line `comfy-cull`: one file per command in commands/. */
import { Command, CommanderError } from 'commander';
import { addBatch } from './commands/batch.js';
import { addDemo } from './commands/demo.js';
import { addDoctor } from './commands/doctor.js';
import { addDown } from './commands/down.js';
import { addDrift } from './commands/drift.js';
import { addExport } from './commands/export.js';
import { addFleet } from './commands/fleet.js';
import { addGenerate } from './commands/generate.js';
import { addKeys } from './commands/keys.js';
import { addLabel } from './commands/label.js';
import { addModels } from './commands/models.js';
import { addPolicy } from './commands/policy.js';
import { addRequestCommands } from './commands/request.js';
import { addReplay } from './commands/replay.js';
import { addReview } from './commands/review.js';
import { addScore } from './commands/score.js';
import { addServe } from './commands/serve.js';
import { addTenants } from './commands/tenants.js';
import { addTune } from './commands/tune.js';
import { addUp } from './commands/up.js';
import { addWebhooks } from './commands/webhooks.js';
import { addWorker } from './commands/worker.js';
import { createOutput, errorText, exitCodeOf } from './output.js';
import { version } from './version.js';

const program = new Command('comfy-cull')
  .description('Deliver K images that pass: draw many candidates with ComfyUI, measure each, deliver the best.')
  .version(version)
  .showHelpAfterError('(comfy-cull --help lists all)')
  .exitOverride();
for (const add of [
  addDemo,
  addGenerate,
  addBatch,
  addScore,
  addReview,
  addLabel,
  addTune,
  addReplay,
  addExport,
  addDrift,
  addPolicy,
  addRequestCommands,
  addWorker,
  addServe,
  addUp,
  addKeys,
  addTenants,
  addWebhooks,
  addFleet,
  addModels,
  addDown,
  addDoctor,
])
  add(program);

// A reader that goes away (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else {
    const json = process.argv.includes('--json');
    createOutput({ json }).note(errorText(error));
    process.exitCode = exitCodeOf(error);
  }
}
