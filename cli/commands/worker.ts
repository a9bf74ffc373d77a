import { Option, type Command } from 'commander';
import { temporalTarget } from '../../client/temporal.js';
import { readConfig } from '../../config.js';
import { CullError } from '../../errors.js';
import { runningStack } from '../../stack/index.js';
import type { Role } from '../../worker.js';

const ROLES = ['orchestrate', 'score', 'gpu'] as const satisfies readonly Role[];

/** `comfy-cull worker`: serve a Temporal cluster; one process for all roles, or one for each. */
export function addWorker(program: Command): void {
  program
    .command('worker')
    .description('run a worker until it is told to end; it drains first')
    .addOption(
      new Option('-r, --roles <roles>', `${ROLES.join(', ')}; separated by commas`)
        .default([...ROLES], 'all')
        .argParser((value: string) => value.split(',').map((role) => role.trim())),
    )
    .action(async (options: { roles: string[] }) => {
      const config = readConfig(process.env);
      const unknown = options.roles.find((role) => !(ROLES as readonly string[]).includes(role));
      if (unknown !== undefined)
        throw new CullError('USAGE', `there is no role "${unknown}"`, { hint: `choose from ${ROLES.join(', ')}` });
      const env: Record<string, string | undefined> = { ...process.env };
      if (!temporalTarget(env)) {
        const stack = await runningStack(config.dir);
        if (!stack?.temporal)
          throw new CullError(
            'TEMPORAL_UNREACHABLE',
            `TEMPORAL_ADDRESS is not set and no embedded stack runs in ${config.dir}`,
            {
              hint: 'set TEMPORAL_ADDRESS',
            },
          );
        env['TEMPORAL_ADDRESS'] = stack.temporal.address;
      }
      // The worker's native library takes half a second to load; the other commands do without.
      const { runWorker } = await import('../../worker.js');
      const stop = new AbortController();
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
      await runWorker({ config, env, roles: options.roles as Role[], signal: stop.signal });
    });
}
