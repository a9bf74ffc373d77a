import { createInterface } from 'node:readline/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Cull } from '../../client/cull.js';
import { erase, type ErasePlace, type EraseSubject } from '../../client/erase.js';
import { ownInputs } from '../../client/erase-inputs.js';
import { checkNothingOpen, openPlace } from '../../client/erase-open.js';
import { requestStorage } from '../../client/erase-request.js';
import { temporalPlace } from '../../client/erase-temporal.js';
import { tenantRegistry, tenantStorage } from '../../client/erase-tenant.js';
import { readConfig, type Config } from '../../config.js';
import { CullError } from '../../errors.js';
import { KEY_KNOWN_MS, listKeys, revokeKey } from '../../service/keys.js';
import { checkName, keys } from '../../storage/keys.js';
import { comfyPlaces, knownComfys, type KnownComfy } from '../erase-comfyui.js';
import { beyondReach, keptOf } from '../erase-reach.js';
import { duration } from '../options.js';
import type { Output } from '../output.js';
import { eraseText, type EraseReport } from '../views/erase.js';
import { withCull } from '../with-cull.js';

interface Options {
  tenant: string;
  request?: string;
  cancel?: true;
  wait: number;
  gone: string;
  dryRun?: true;
  yes?: true;
  json?: true;
}

/** `comfy-cull erase --tenant t [--request id]`: removes what belongs to a tenant or a request, and proves it by listing. */
export function addErase(program: Command): void {
  program
    .command('erase')
    .description('remove all that belongs to a tenant, or to one request of it, and list what is left')
    .requiredOption('-t, --tenant <tenant>', 'whose')
    .option('-r, --request <request>', 'of this request only')
    .option('--cancel', 'cancel what still runs of it; without, it is refused')
    .option('--wait <time>', 'how long to wait for the end of what was cancelled', duration, 120_000)
    .option('--gone <hosts>', 'ComfyUIs that do not exist any more, by commas: they are not asked', '')
    .option('--dry-run', 'list only')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'one JSON document: { tenant, request, complete, rows, notReached, kept, beyondReach }')
    .action(async (options: Options) => {
      const { tenant, request } = options;
      checkName('tenant', tenant);
      if (request !== undefined) checkName('request', request);
      const config = readConfig(process.env);
      if (!options.dryRun && !options.yes) await confirm({ tenant, request });
      await withCull(options, (cull, output) => run(cull.forTenant(tenant), { config, output, options }));
    });
}

/** @throws CullError USAGE unless somebody types the name */
async function confirm({ tenant, request }: EraseSubject): Promise<void> {
  const name = request ?? tenant;
  if (!process.stdin.isTTY)
    throw new CullError('USAGE', 'erase asks before it removes, and nobody can answer here', {
      hint: 'give --yes, or --dry-run to see what it would remove',
    });
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const what = request === undefined ? `everything of tenant ${tenant}` : `request ${request} of tenant ${tenant}`;
  const answer = await asking.question(`This removes ${what}, for good. Type ${name} to go on: `);
  asking.close();
  if (answer.trim() !== name) throw new CullError('USAGE', 'nothing was erased: that was another name');
}

async function run(
  cull: Cull,
  { config, output, options }: { config: Config; output: Output; options: Options },
): Promise<number> {
  const { request, dryRun = false } = options;
  const subject: EraseSubject = { tenant: cull.tenant, request };
  const gone = new Set(options.gone.split(',').map((host) => host.trim()));
  const comfys = (await knownComfys(config, cull.storage)).filter(({ id }) => !gone.has(id));
  if (!dryRun && !options.cancel) await checkNothingOpen(cull, subject);
  if (!dryRun && request === undefined) await closeDoors(cull, output);

  const places = await placesOf(cull, subject, { config, comfys, waitMs: options.wait });
  let last = '';
  const onPlace = (place: string): void => {
    if (place !== last) output.note(`${dryRun ? 'looking at' : 'erasing in'} ${place}`);
    last = place;
  };
  const { rows, notReached } = await erase(places, { dryRun, onPlace });
  const report: EraseReport = {
    tenant: cull.tenant,
    request: request ?? null,
    dryRun,
    complete: !dryRun && notReached.length === 0 && rows.every(({ left }) => left === 0),
    rows,
    notReached,
    kept: keptOf(subject),
    beyondReach: await beyondReach(cull, { comfys, prefixes: dryRun ? [] : prefixesOf(subject) }),
  };
  output.document(report);
  output.text(eraseText(report));
  return dryRun || report.complete ? 0 : 1;
}

/** In the order in which they go: who may add more, what others hold, and storage last, which tells what that is. */
async function placesOf(
  cull: Cull,
  subject: EraseSubject,
  { config, comfys, waitMs }: { config: Config; comfys: readonly KnownComfy[]; waitMs: number },
): Promise<ErasePlace[]> {
  const { storage } = cull;
  const { tenant, request } = subject;
  const inputs = request === undefined ? new Set<string>() : await ownInputs(storage, { tenant, request });
  return [
    ...(request === undefined ? [tenantRegistry(storage, tenant)] : []),
    openPlace(cull, subject, { withinMs: waitMs }),
    ...comfys.flatMap((comfy) => comfyPlaces(comfy, subject, { ca: config.comfyCa, inputs })),
    temporalPlace(cull, subject),
    ...(request === undefined ? tenantStorage(storage, tenant) : requestStorage(storage, { tenant, request })),
  ];
}

const prefixesOf = ({ tenant, request }: EraseSubject): string[] =>
  request === undefined ? [keys.tenantDir(tenant), keys.tenantRegistry(tenant)] : [keys.requestDir(tenant, request)];

/** Takes the tenant's keys back, and waits until running services have noticed: nothing new comes in by them. */
async function closeDoors({ storage, tenant }: Cull, output: Output): Promise<void> {
  const since = Date.now() - KEY_KNOWN_MS;
  const good = (await listKeys(storage, tenant)).filter(
    ({ revokedAt }) => revokedAt === undefined || Date.parse(revokedAt) > since,
  );
  if (good.length === 0) return;
  for (const { id } of good) await revokeKey(storage, id);
  output.note(`${good.length} API keys are revoked; waiting ${KEY_KNOWN_MS / 1000} s until every service knows`);
  await wait(KEY_KNOWN_MS);
}
