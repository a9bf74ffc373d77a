import type { Command } from 'commander';
import type { RequestDoc, RequestProgress } from '../../workflows/contract.js';
import { EXIT, follow } from '../follow.js';
import { wholeNumber } from '../options.js';
import { hostLine } from '../views/fleet.js';
import { progressLine } from '../views/progress.js';
import { withCull } from '../with-cull.js';

interface Shared {
  json?: true;
}

/** `status`, `watch`, `cancel`, `resume`, `list`: what one does with requests that exist. */
export function addRequestCommands(program: Command): void {
  program
    .command('status')
    .description('the state of a request: its result, or its counters while it is open')
    .argument('<request>')
    .option('--json', 'one JSON document: result.json, or { request, state, wanted, counts } while it is open')
    .action((request: string, options: Shared) =>
      withCull(options, async (cull, output) => {
        const asked = await cull.requestDoc(request);
        const result = await cull.result(request);
        if (result) {
          output.document(result);
          output.text(`${request}: ${result.state}, ${result.delivered.length} of ${result.wanted} delivered`);
          return EXIT[result.state];
        }
        const progress = await cull.progress(request);
        const drawing = await cull.drawing(request);
        const hosts = await cull.hosts();
        const unhealthy = hosts.filter(({ state }) => state === 'unhealthy' || state === 'paused');
        output.document({ ...openDocument(asked, progress), drawing, unhealthy, hosts });
        output.text(
          `${request}: running\n${progress ? progressLine(progress, { columns: 80, elapsedMs: 0 }) : 'no worker can tell its counters now'}`,
        );
        for (const { candidate, handle, progress: at } of drawing)
          output.text(
            `  candidate ${candidate} on ${handle?.host ?? 'no host yet'}${at?.node === undefined ? '' : `, node ${at.node}`}${at?.of === undefined ? '' : `, step ${at.step ?? 0} of ${at.of}`}`,
          );
        for (const host of hosts) output.text(`  ${hostLine(host)}`);
        return EXIT.running;
      }),
    );

  program
    .command('watch')
    .description('follow a request to its end, then write its files')
    .argument('<request>')
    .option('-o, --out <folder>', 'where the files go', 'out')
    .option('--stream', 'show each winner so far as it passes; with --json an event a line')
    .option('--json', 'print result.json on stdout, all else on stderr')
    .action((request: string, options: Shared & { out: string; stream?: true }) =>
      withCull(options, (cull, output) =>
        follow(cull, request, { output, out: options.out, stream: options.stream === true }),
      ),
    );

  program
    .command('cancel')
    .description('stop a request; what was drawn stays readable')
    .argument('<request>')
    .option('--json', 'one JSON document: { request, state }')
    .action((request: string, options: Shared) =>
      withCull(options, async (cull, output) => {
        const before = await cull.result(request);
        if (!before) await cull.cancel(request);
        const state = before?.state ?? 'cancelling';
        output.document({ request, state });
        output.text(
          before
            ? `${request} had ended before: ${state}`
            : `${request} is being cancelled; its prompts are taken off the ComfyUIs`,
        );
        return 0;
      }),
    );

  program
    .command('resume')
    .description('go on with a request that failed or was cancelled: what was drawn and scored is kept')
    .argument('<request>')
    .option('-o, --out <folder>', 'where the files go', 'out')
    .option('-d, --detach', 'return at once')
    .option('--json', 'print result.json on stdout, all else on stderr')
    .action((request: string, options: Shared & { out: string; detach?: true }) =>
      withCull(options, async (cull, output) => {
        await cull.resume(request);
        if (options.detach) {
          output.document({ request });
          return 0;
        }
        return follow(cull, request, { output, out: options.out });
      }),
    );

  program
    .command('list')
    .description('the newest requests')
    .option('-l, --limit <n>', 'how many', wholeNumber, 20)
    .option('--json', 'NDJSON: one { request, state, template, wanted, delivered, createdAt } a line')
    .action((options: Shared & { limit: number }) =>
      withCull(options, async (cull, output) => {
        const { items } = await cull.list({ limit: options.limit });
        for (const row of items) {
          output.document(row);
          output.text(
            `${row.request.padEnd(24)} ${row.state.padEnd(9)} ${`${row.delivered}/${row.wanted}`.padStart(7)}  ${row.template.padEnd(16)} ${row.createdAt}`,
          );
        }
        if (items.length === 0) output.note('no request yet');
        return 0;
      }),
    );
}

const openDocument = (asked: RequestDoc, progress: RequestProgress | undefined) => ({
  request: asked.request,
  release: asked.release,
  state: 'running',
  wanted: asked.deliver,
  candidates: asked.candidates,
  phase: progress?.phase ?? null,
  review: progress?.review ?? null,
  counts: progress
    ? {
        launched: progress.state.launched,
        drawn: progress.state.drawn,
        scored: progress.state.scored,
        passed: progress.state.passed,
        rejected: progress.state.rejected,
        lost: progress.state.lost,
        cancelled: progress.state.cancelled,
      }
    : null,
});
