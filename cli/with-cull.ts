/** What commands on things that exist have in common: a connection, an output, an exit code. */
import type { Cull } from '../client/cull.js';
import type { TenantStore } from '../client/webhooks.js';
import { readConfig } from '../config.js';
import { openStorage } from '../storage/index.js';
import { checkName } from '../storage/keys.js';
import { connect } from './connect.js';
import { createOutput, type Output } from './output.js';

/** Runs an action with a connection that is closed whatever happens. `start`: an embedded stack is started for requests that are open. */
export async function withCull(
  options: { json?: true; start?: boolean },
  action: (cull: Cull, output: Output) => Promise<number | undefined>,
): Promise<void> {
  const output = createOutput({ json: options.json === true });
  const { cull, close } = await connect(readConfig(process.env), { start: options.start ?? true, onStep: output.note });
  try {
    process.exitCode = (await action(cull, output)) ?? 0;
  } finally {
    await close();
  }
}

/** The storage, for commands that need no Temporal server. `tenant`: whose, where it is not that of CULL_TENANT. */
export function storeOf({ tenant }: { tenant?: string }): TenantStore {
  const config = readConfig(process.env);
  return { storage: openStorage(config.storage), tenant: checkName('tenant', tenant ?? config.tenant) };
}
