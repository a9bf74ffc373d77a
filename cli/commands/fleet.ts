import type { Command } from 'commander';
import { readConfig, type Config } from '../../config.js';
import { CullError } from '../../errors.js';
import { readMembers } from '../../fleet/known.js';
import { withoutSecrets, type MemberSource } from '../../fleet/members.js';
import { addComfy, drainComfy, readHosts, removeComfy } from '../../fleet/registry.js';
import { openStorage } from '../../storage/index.js';
import type { HostDoc } from '../../workflows/contract.js';
import { collect, wholeNumber } from '../options.js';
import { createOutput, type Output } from '../output.js';
import { hostWords } from '../views/fleet.js';

interface Shared {
  json?: true;
}

/** `comfy-cull fleet list|add|drain|remove`: the ComfyUIs, while requests run. */
export function addFleet(program: Command): void {
  const fleet = program.command('fleet').description('list, add, drain and remove ComfyUIs while requests run');

  fleet
    .command('list')
    .description('every ComfyUI, who named it, and what its worker last saw')
    .option('--json', 'NDJSON: one { host, url, pool, slots, source, state, reason, needsRestart, at } a line')
    .action((options: Shared) => withOutput(options, (output, config) => list(output, config)));

  fleet
    .command('add')
    .description('serve one more, change one, or take back that it was drained or removed')
    .argument('<url>', 'base address, http:// or https://')
    .option('--id <id>', 'its name; made of the address by default')
    .option('--pool <pool>', 'the pool it draws for', 'default')
    .option('--slots <n>', 'candidates at once, 1 to 16', wholeNumber, 2)
    .option('--header <name: value>', 'sent with every request; may be repeated', collect, [])
    .option('--json', 'one JSON document: { host, url, pool, slots }')
    .action((url: string, options: Shared & { id?: string; pool: string; slots: number; header: string[] }) =>
      withOutput(options, async (output, config) => {
        const { id, pool, slots, header } = options;
        const headers = header.length === 0 ? undefined : Object.fromEntries(header.map(parseHeader));
        const member = await addComfy(openStorage(config.storage), { url, id, pool, slots, headers });
        output.document({ host: member.id, url: withoutSecrets(url), pool: member.pool, slots: member.slots });
        output.text(`${member.id} is in the fleet; workers serve it within 2 s`);
      }),
    );

  fleet
    .command('drain')
    .description('let what runs there finish and start nothing new; `add` takes it back')
    .argument('<id>')
    .option('--json', 'one JSON document: { host, state }')
    .action((id: string, options: Shared) =>
      withOutput(options, async (output, config) => {
        await drainComfy(openStorage(config.storage), id);
        output.document({ host: id, state: 'draining' });
        output.text(`${id} is being drained; \`comfy-cull fleet list\` tells when it is`);
      }),
    );

  fleet
    .command('remove')
    .description('drain it, then forget it')
    .argument('<id>')
    .option('--json', 'one JSON document: { host, state }')
    .action((id: string, options: Shared) =>
      withOutput(options, async (output, config) => {
        await removeComfy(openStorage(config.storage), id);
        output.document({ host: id, state: 'removing' });
        output.text(`${id} is being drained, and then forgotten`);
      }),
    );
}

async function withOutput(options: Shared, action: (output: Output, config: Config) => Promise<void>): Promise<void> {
  await action(createOutput({ json: options.json === true }), readConfig(process.env));
}

interface Row extends Omit<HostDoc, 'at' | 'slots'> {
  slots: number | null;
  /** Null: only another worker's environment or file names it. */
  source: MemberSource | null;
  needsRestart: boolean;
  at: string | null;
}

async function list(output: Output, config: Config): Promise<void> {
  const hosts = new Map((await readHosts(openStorage(config.storage))).map((host) => [host.host, host]));
  const rows = (await readMembers(config)).map(({ id, url, pool, slots, source, drained }): Row => {
    const seen = hosts.get(id);
    hosts.delete(id);
    const member = { host: id, url: withoutSecrets(url), pool, slots, source };
    if (seen) return { ...seen, ...member, needsRestart: seen.needsRestart ?? false };
    const unseen = { state: 'starting', reason: 'no worker has looked at it yet' } as const;
    return { ...member, ...unseen, ...(drained ? { state: 'drained' } : {}), needsRestart: false, at: null };
  });
  for (const host of hosts.values())
    rows.push({ ...host, needsRestart: host.needsRestart ?? false, slots: null, source: null });
  for (const row of rows) {
    output.document(row);
    output.text(
      `${row.host.padEnd(24)} ${row.pool.padEnd(10)} ${(row.source ?? 'elsewhere').padEnd(11)} ${hostWords(row)}`,
    );
  }
  if (rows.length === 0) output.note('no ComfyUI yet: comfy-cull fleet add http://127.0.0.1:8188');
}

function parseHeader(text: string): [string, string] {
  const [, name, value] = /^([^\s:]+):\s*(.+)$/.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw new CullError('USAGE', `"${text}" is no header`, { hint: 'write --header "Authorization: Bearer …"' });
}
