/** The command line `comfy-cull`: one file per command in commands/. */
import { Command, CommanderError } from 'commander';
import { createOutput, errorText, exitCodeOf } from './output.js';
import { version } from './version.js';

type Add = (program: Command) => void;

/** Names -> the file that has them, in the order of --help. */
const COMMANDS: readonly (readonly [names: readonly string[], load: () => Promise<Add>])[] = [
  [['demo'], async () => (await import('./commands/demo.js')).addDemo],
  [['generate'], async () => (await import('./commands/generate.js')).addGenerate],
  [['batch'], async () => (await import('./commands/batch.js')).addBatch],
  [['score'], async () => (await import('./commands/score.js')).addScore],
  [['review'], async () => (await import('./commands/review.js')).addReview],
  [['label'], async () => (await import('./commands/label.js')).addLabel],
  [['tune'], async () => (await import('./commands/tune.js')).addTune],
  [['replay'], async () => (await import('./commands/replay.js')).addReplay],
  [['export'], async () => (await import('./commands/export.js')).addExport],
  [['drift'], async () => (await import('./commands/drift.js')).addDrift],
  [['policy'], async () => (await import('./commands/policy.js')).addPolicy],
  [
    ['status', 'watch', 'cancel', 'resume', 'list'],
    async () => (await import('./commands/request.js')).addRequestCommands,
  ],
  [['dead'], async () => (await import('./commands/dead.js')).addDead],
  [['quarantine'], async () => (await import('./commands/quarantine.js')).addQuarantine],
  [['worker'], async () => (await import('./commands/worker.js')).addWorker],
  [['serve'], async () => (await import('./commands/serve.js')).addServe],
  [['up'], async () => (await import('./commands/up.js')).addUp],
  [['keys'], async () => (await import('./commands/keys.js')).addKeys],
  [['tenants'], async () => (await import('./commands/tenants.js')).addTenants],
  [['erase'], async () => (await import('./commands/erase.js')).addErase],
  [['webhooks'], async () => (await import('./commands/webhooks.js')).addWebhooks],
  [['fleet'], async () => (await import('./commands/fleet.js')).addFleet],
  [['models'], async () => (await import('./commands/models.js')).addModels],
  [['sweep'], async () => (await import('./commands/sweep.js')).addSweep],
  [['down'], async () => (await import('./commands/down.js')).addDown],
  [['doctor'], async () => (await import('./commands/doctor.js')).addDoctor],
];

const program = new Command('comfy-cull')
  .description('Deliver K images that pass: draw many candidates with ComfyUI, measure each, deliver the best.')
  .version(version)
  .showHelpAfterError('(comfy-cull --help lists all)')
  .exitOverride();
// only what is asked for: the libraries of all of them take seconds to load
const [, , first = ''] = process.argv;
const asked = COMMANDS.filter(([names]) => names.includes(first));
const needed = asked.length > 0 ? asked : ['-V', '--version'].includes(first) ? [] : COMMANDS;
for (const [, load] of needed) (await load())(program);

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
