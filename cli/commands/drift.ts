import { InvalidArgumentError, Option, type Command } from 'commander';
import { readConfig } from '../../config.js';
import { CullError } from '../../errors.js';
import { createDriftTally, type ReleaseDrift } from '../../selection/drift.js';
import { lookBack, withLookBack, type LookBackOptions } from '../look-back.js';
import { since } from '../options.js';
import { createOutput } from '../output.js';
import { driftReport } from '../views/drift.js';

/** `7d` twice on one command line is not quite the same time. */
const MOMENT_MS = 60_000;
/** Something is not as it was. */
const DRIFTED = 3;

/** `drift --json`. */
export interface DriftDocument {
  tenant: string;
  /** ISO 8601. */
  since: string;
  reference: { from: string; to: string };
  level: number;
  drifted: boolean;
  releases: ReleaseDrift[];
  /** Lines and documents that could not be read. */
  unreadable: number;
}

interface DriftCommand extends LookBackOptions {
  reference: { from: string; to: string };
  level: number;
  json?: true;
}

/** `comfy-cull drift`: recent requests against earlier ones of the same release; no server. */
export function addDrift(program: Command): void {
  withLookBack(program.command('drift').description('whether a release passes and measures as it did before'))
    .addOption(
      new Option('--reference <from..to>', 'what they are compared with: 30d..7d, or dates (UTC)')
        .argParser(span)
        .default(span('30d..7d'), '30d..7d'),
    )
    .option('--level <share>', 'false alarms among what is called drifted, on average', level, 0.05)
    .option('--json', 'one JSON document: { since, reference, level, drifted, releases, unreadable }')
    .action(async (options: DriftCommand) => {
      const output = createOutput({ json: options.json === true });
      const config = readConfig(process.env);
      const { since: from, reference, level: share } = options;
      if (Date.parse(reference.to) - Date.parse(from) > MOMENT_MS)
        throw new CullError('USAGE', `the reference ends at ${reference.to}, after --since ${from}`, {
          hint: 'let it end where --since begins: --since 7d --reference 30d..7d',
        });
      const back = lookBack({ ...options, since: reference.from }, { config, output });
      const tally = createDriftTally({ level: share });
      for await (const { asked, result, plan, records } of back.read(await back.requests())) {
        if (!plan || (result.state !== 'delivered' && result.state !== 'shortfall')) continue;
        const { createdAt, release } = asked;
        const { policy, cascade } = plan;
        const request = { request: asked.request, release, policy, records, hasCascade: cascade !== undefined };
        if (createdAt >= from) tally.add(request, 'recent');
        else if (createdAt < reference.to) tally.add(request, 'reference');
      }
      const releases = tally.report();
      const { tenant } = back;
      const unreadable = back.unreadable();
      if (releases.length === 0)
        throw new CullError(
          'REQUEST_NOT_FOUND',
          `no release of tenant ${tenant} has finished requests both since ${from} and from ${reference.from} to ${reference.to}`,
          { hint: 'widen --since and --reference; a new release has nothing to be compared with yet' },
        );
      const drifted = releases.some(({ tests }) => tests.some((test) => test.drifted));
      const document: DriftDocument = { tenant, since: from, reference, level: share, drifted, releases, unreadable };
      output.document(document);
      output.text(driftReport(document));
      process.exitCode = drifted ? DRIFTED : unreadable === 0 ? 0 : 1;
    });
}

/** `30d..7d` as two times, the earlier one first. */
function span(value: string): { from: string; to: string } {
  const [first, last, more] = value.split('..');
  if (!first || !last || more !== undefined)
    throw new InvalidArgumentError('it must be two times with .. between them, such as 30d..7d');
  const [from, to] = [since(first), since(last)];
  if (from >= to) throw new InvalidArgumentError('it must begin before it ends, such as 30d..7d');
  return { from, to };
}

function level(value: string): number {
  const share = Number(value);
  if (!(share > 0 && share < 1)) throw new InvalidArgumentError('it must be above 0 and below 1');
  return share;
}
