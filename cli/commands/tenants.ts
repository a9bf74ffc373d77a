import type { Command } from 'commander';
import { setLimits, setRetention, setWeight, tenantSettings, type TenantSettings } from '../../client/tenants.js';
import { readConfig } from '../../config.js';
import { retentionText } from '../../selection/retention.js';
import { openStorage, type Storage } from '../../storage/index.js';
import { wholeNumberOrZero } from '../options.js';
import { createOutput } from '../output.js';

/**
 * `comfy-cull tenants show|weight|limits|retention`: a tenant's share of the ComfyUIs beside others that wait too, how much it may have open, and how
 * long what its requests left is kept.
 */
export function addTenants(program: Command): void {
  const tenants = program.command('tenants').description('what is set for a tenant');
  tenants
    .command('show')
    .description('its settings')
    .argument('<tenant>')
    .option('--json', 'one JSON document')
    .action(async (tenant: string, { json }: { json?: true }) => {
      await tell(openStorage(readConfig(process.env).storage), tenant, json);
    });
  tenants
    .command('weight')
    .description(
      'its share beside other tenants that wait too: 2 has twice that of 1; requests made from then on have it',
    )
    .argument('<tenant>')
    .argument('<weight>', '0.001 to 1000', Number)
    .option('--json', 'one JSON document')
    .action(async (tenant: string, weight: number, { json }: { json?: true }) => {
      const output = createOutput({ json: json === true });
      await setWeight(openStorage(readConfig(process.env).storage), tenant, weight);
      output.document({ tenant, weight });
      output.text(`${tenant}: weight ${weight}`);
    });
  tenants
    .command('limits')
    .description('how much it may have open at once; the service answers 429 beyond. Without options: what is set')
    .argument('<tenant>')
    .option('--max-open <n>', "open requests; default: the service's", limit)
    .option('--max-candidates <n>', "candidates that these may draw, together; default: the service's", limit)
    .option('--json', 'one JSON document')
    .action(async (tenant: string, options: { maxOpen?: Limit; maxCandidates?: Limit; json?: true }) => {
      const { maxOpen, maxCandidates, json } = options;
      const storage = openStorage(readConfig(process.env).storage);
      await setLimits(storage, tenant, {
        ...(maxOpen !== undefined && { openRequests: maxOpen === 'default' ? null : maxOpen }),
        ...(maxCandidates !== undefined && { openCandidates: maxCandidates === 'default' ? null : maxCandidates }),
      });
      await tell(storage, tenant, json);
    });
  tenants
    .command('retention')
    .description(
      'how long what its requests left is kept, where that differs from CULL_RETENTION. Without ages: what is set',
    )
    .argument('<tenant>')
    .argument('[ages]', 'rejected=3d,delivered=90d,passed=never (docs/retention.md); default: as CULL_RETENTION says')
    .option('--json', 'one JSON document')
    .action(async (tenant: string, ages: string | undefined, { json }: { json?: true }) => {
      const output = createOutput({ json: json === true });
      const storage = openStorage(readConfig(process.env).storage);
      if (ages !== undefined) await setRetention(storage, tenant, ages === 'default' ? '' : ages);
      const { retention } = documentOf(tenant, await tenantSettings(storage, tenant));
      output.document({ tenant, retention });
      output.text(`${tenant}: retention ${retention ?? 'as CULL_RETENTION says'}`);
    });
}

type Limit = number | 'default';
const limit = (value: string): Limit => (value === 'default' ? value : wholeNumberOrZero(value));

async function tell(storage: Storage, tenant: string, json: true | undefined): Promise<void> {
  const output = createOutput({ json: json === true });
  const settings = await tenantSettings(storage, tenant);
  output.document(documentOf(tenant, settings));
  output.text(lineOf(tenant, settings));
}

const documentOf = (tenant: string, { weight = 1, openRequests, openCandidates, retention }: TenantSettings) => ({
  tenant,
  weight,
  openRequests: openRequests ?? null,
  openCandidates: openCandidates ?? null,
  retention: retention ? retentionText(retention) : null,
});

const lineOf = (tenant: string, { weight = 1, openRequests, openCandidates, retention }: TenantSettings): string =>
  [
    `${tenant}: weight ${weight}`,
    ...(openRequests === undefined ? [] : [`at most ${openRequests} open requests`]),
    ...(openCandidates === undefined ? [] : [`at most ${openCandidates} candidates of open requests`]),
    ...(retention ? [`retention ${retentionText(retention)}`] : []),
  ].join(', ');
