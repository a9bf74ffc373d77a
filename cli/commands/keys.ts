import type { Command } from 'commander';
import { readConfig } from '../../config.js';
import { CullError } from '../../errors.js';
import { createKey, listKeys, revokeKey, SCOPES, type KeyDoc, type Scope } from '../../service/keys.js';
import { openStorage } from '../../storage/index.js';
import { duration, wholeNumber } from '../options.js';
import { createOutput } from '../output.js';

interface CreateOptions {
  tenant?: string;
  scopes: string;
  note?: string;
  expires?: number;
  rate?: number;
  json?: true;
}

/** `comfy-cull keys create|list|revoke`: API keys of the service. */
export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys of the service: create, list, revoke');
  keys
    .command('create')
    .description('make a key; it is shown this once and stored as a hash')
    .option('-t, --tenant <tenant>', 'whose requests it sees (default: CULL_TENANT)')
    .option('--scopes <scopes>', `some of ${SCOPES.join(', ')}; by commas`, 'read,write')
    .option('--note <text>', 'who has it, what for')
    .option('--expires <time>', 'so long it is good: 30d, 12h (default: for ever)', duration)
    .option('--rate <n>', "calls per second (default: the service's)", wholeNumber)
    .option('--json', 'one JSON document: { key, id, tenant, scopes, … }')
    .action(async ({ tenant, scopes, note, expires, rate, json }: CreateOptions) => {
      const config = readConfig(process.env);
      const output = createOutput({ json: json === true });
      const { key, doc } = await createKey(openStorage(config.storage), {
        tenant: tenant ?? config.tenant,
        scopes: scopesOf(scopes),
        ...(note !== undefined && { note }),
        ...(expires !== undefined && { expiresAt: new Date(Date.now() + expires).toISOString() }),
        ...(rate !== undefined && { perSecond: rate }),
      });
      output.document({ key, ...shown(doc) });
      output.text(key);
      output.note(`key ${doc.id} of tenant ${doc.tenant}; it is not shown again`);
    });
  keys
    .command('list')
    .description('the keys of all tenants, without their secrets')
    .option('-t, --tenant <tenant>', 'of one tenant')
    .option('--json', 'NDJSON: one key a line')
    .action(async ({ tenant, json }: { tenant?: string; json?: true }) => {
      const output = createOutput({ json: json === true });
      const all = await listKeys(openStorage(readConfig(process.env).storage), tenant);
      for (const doc of all) {
        output.document(shown(doc));
        output.text(
          `${doc.id}  ${doc.tenant.padEnd(16)} ${stateOf(doc).padEnd(30)} ${doc.scopes.join(',').padEnd(18)} ${doc.note ?? ''}`,
        );
      }
      if (all.length === 0) output.note('no key yet: comfy-cull keys create');
    });
  keys
    .command('revoke')
    .description('take a key back; running services refuse it within 10 seconds')
    .argument('<id>')
    .option('--json', 'one JSON document')
    .action(async (id: string, { json }: { json?: true }) => {
      const output = createOutput({ json: json === true });
      const doc = await revokeKey(openStorage(readConfig(process.env).storage), id);
      output.document(shown(doc));
      output.text(`key ${doc.id} of tenant ${doc.tenant} is revoked`);
    });
}

function scopesOf(text: string): Scope[] {
  const wanted = text.split(',').map((scope) => scope.trim());
  const unknown = wanted.find((scope) => !(SCOPES as readonly string[]).includes(scope));
  if (unknown !== undefined)
    throw new CullError('USAGE', `there is no scope "${unknown}"`, { hint: `choose from ${SCOPES.join(', ')}` });
  return wanted as Scope[];
}

const shown = ({ hash: _hash, salt: _salt, ...doc }: KeyDoc): Omit<KeyDoc, 'hash' | 'salt'> => doc;

function stateOf({ revokedAt, expiresAt }: KeyDoc): string {
  if (revokedAt !== undefined) return `revoked ${revokedAt.slice(0, 10)}`;
  if (expiresAt === undefined) return 'good';
  return Date.parse(expiresAt) <= Date.now()
    ? `expired ${expiresAt.slice(0, 10)}`
    : `good until ${expiresAt.slice(0, 16)}Z`;
}
