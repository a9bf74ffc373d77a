import type { Command } from 'commander';
import { readConfig } from '../../config.js';
import { endStack, openRequests, runningStack } from '../../stack/index.js';
import { createOutput } from '../output.js';

/** `comfy-cull down`: end the embedded stack. */
export function addDown(program: Command): void {
  program
    .command('down')
    .description('end the embedded stack; open requests go on with its next start')
    .option('--json', 'one JSON document: { ended, open }')
    .action(async (options: { json?: true }) => {
      const output = createOutput({ json: options.json === true });
      const { dir } = readConfig(process.env);
      const stack = await runningStack(dir);
      const open = stack?.temporal ? await openRequests(stack.temporal.address).catch(() => 0) : 0;
      const ended = await endStack(dir);
      output.document({ ended, open });
      output.text(ended ? `the embedded stack in ${dir} has ended` : `no embedded stack runs in ${dir}`);
      if (open > 0) output.note(`${open} request(s) are open and go on when the stack is started again`);
    });
}
