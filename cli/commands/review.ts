import { InvalidArgumentError, type Command } from 'commander';
import { userInfo } from 'node:os';
import { auditPicks } from '../../client/audit.js';
import { listReviewable } from '../../client/review.js';
import { readConfig } from '../../config.js';
import { CullError } from '../../errors.js';
import type { Decision } from '../../selection/review.js';
import { openStorage } from '../../storage/index.js';
import { lookBack, withLookBack, type LookBackOptions } from '../look-back.js';
import { createOutput } from '../output.js';
import {
  candidatesText,
  paragraph,
  placeOf,
  reviewableLines,
  reviewCommand,
  reviewedText,
} from '../views/reviewable.js';
import { withCull } from '../with-cull.js';

interface ReviewCommand extends LookBackOptions {
  audit?: true;
  by?: string;
  json?: true;
}

const COLUMNS = 80;

/** `comfy-cull review`: what waits for a person, and that person's word on it. */
export function addReview(program: Command): void {
  withLookBack(
    program
      .command('review')
      .description('candidates that only a person can let pass: list them, accept or reject them')
      .argument('[request]', 'whose candidates; without: see --audit')
      .argument('[decision]', 'accept or reject; without: they are listed', decision)
      .argument('[candidates...]', 'their numbers', candidateNumber),
  )
    .option('--audit', 'list the audit sample of finished requests instead (what a policy marks for a person)')
    .option('--by <name>', 'who decides (default: the user of this computer)')
    .option('--json', 'NDJSON: a candidate a line; with a decision: one document')
    .action(
      async (
        request: string | undefined,
        decided: Decision | undefined,
        candidates: number[] | undefined,
        options: ReviewCommand,
      ) => {
        if (decided !== undefined && request !== undefined)
          return decide({ request, decided, candidates: candidates ?? [] }, options);
        if (options.audit) return listAudit(request, options);
        if (request !== undefined) return list(request, options);
        throw new CullError('USAGE', 'no request is named', {
          hint: 'comfy-cull review ID lists what waits for a person in it; comfy-cull review --audit the audit sample',
        });
      },
    );
}

async function list(request: string, options: ReviewCommand): Promise<void> {
  const output = createOutput({ json: options.json === true });
  const config = readConfig(process.env);
  const found = await listReviewable(
    { storage: openStorage(config.storage), tenant: options.tenant ?? config.tenant },
    request,
  );
  for (const one of found) output.document(one);
  if (found.length === 0) {
    output.note(`${request}: no candidate waits for a person`);
    return;
  }
  output.text(
    [
      `${candidatesText(found.length)} of ${request} for a person to decide, best first`,
      ...reviewableLines(found, COLUMNS),
      `Accept those that are good, reject the others:\n  ${reviewCommand(
        request,
        found.map(({ candidate }) => candidate),
      )}`,
    ].join('\n'),
  );
}

async function listAudit(only: string | undefined, options: ReviewCommand): Promise<void> {
  const output = createOutput({ json: options.json === true });
  const back = lookBack(options, { config: readConfig(process.env), output });
  const requests = back.read(only === undefined ? await back.requests() : [only]);
  let found = 0;
  for await (const pick of auditPicks(back.storage, { tenant: back.tenant, requests })) {
    found++;
    output.document(pick);
    const { request, candidate, audit, gates, key, url } = pick;
    const what = audit === 'near-gate' ? 'passed near a gate' : 'rejected';
    output.text(
      paragraph(`${request} ${candidate}: ${what}`, {
        columns: COLUMNS,
        reasons: gates.map(({ reason }) => reason),
        place: placeOf({ key, url }),
      }).join('\n'),
    );
  }
  if (found === 0) output.note('nothing is in the audit sample that has no label yet');
  else output.text('Good or not, each is a label:\n  comfy-cull review REQUEST accept|reject CANDIDATE');
  if (back.unreadable() > 0) process.exitCode = 1;
}

async function decide(
  { request, decided, candidates }: { request: string; decided: Decision; candidates: number[] },
  options: ReviewCommand,
): Promise<void> {
  if (candidates.length === 0)
    throw new CullError('USAGE', `no candidate is named to ${decided}`, {
      hint: `comfy-cull review ${request} lists those that wait`,
    });
  const by = options.by ?? userInfo().username;
  await withCull(options, async (cull, output) => {
    const answer = await cull.review(request, { [decided]: candidates, by });
    output.document(answer);
    output.text(reviewedText(answer));
    return 0;
  });
}

function decision(value: string): Decision {
  if (value === 'accept' || value === 'reject') return value;
  throw new InvalidArgumentError('it must be accept or reject');
}

function candidateNumber(value: string, all: number[] = []): number[] {
  const number = Number(value);
  if (value.trim() === '' || !Number.isSafeInteger(number) || number < 0)
    throw new InvalidArgumentError('it must be the number of a candidate, such as 7');
  return [...all, number];
}
