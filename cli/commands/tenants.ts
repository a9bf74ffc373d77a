import type { Command } from 'commander';
import { setWeight, tenantSettings } from '../../client/tenants.js';
import { readConfig } from '../../config.js';
import { openStorage } from '../../storage/index.js';
import { createOutput } from '../output.js';

/** `comfy-cull tenants show|weight`: a tenant's share of the ComfyUIs beside others that wait too. */
export function addTenants(program: Command): void {
  const tenants = program.command('tenants').description('what is set for a tenant');
  tenants
    .command('show')
    .description('its settings')
    .argument('<tenant>')
    .option('--json', 'one JSON document')
    .action(async (tenant: string, { json }: { json?: true }) => {
      const output = createOutput({ json: json === true });
      const { weight = 1 } = await tenantSettings(openStorage(readConfig(process.env).storage), tenant);
      output.document({ tenant, weight });
      output.text(`${tenant}: weight ${weight}`);
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
}
