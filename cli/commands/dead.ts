import type { Command } from 'commander';
import { dropDead, listDead, readDead, retryDead } from '../../client/dead.js';
import { wholeNumber } from '../options.js';
import { createOutput } from '../output.js';
import { deadLine, deadText } from '../views/dead.js';
import { storeOf, withCull } from '../with-cull.js';

interface Common {
  tenant?: string;
  json?: true;
}

/** `comfy-cull dead list|show|retry|drop`: what failed for good. */
export function addDead(program: Command): void {
  const dead = program
    .command('dead')
    .description('what failed for good: requests that failed, candidates that were lost');
  const command = (name: string, description: string): Command =>
    dead
      .command(name)
      .description(description)
      .option('-t, --tenant <tenant>', 'whose (default: CULL_TENANT)')
      .option('--json', 'JSON: one document a line');

  command('list', 'the newest dead letters')
    .option('-l, --limit <n>', 'how many', wholeNumber, 20)
    .option('--code <code>', 'those with this error, as docs/errors.md names it')
    .action(async ({ limit, code, ...common }: Common & { limit: number; code?: string }) => {
      const output = createOutput({ json: common.json === true });
      const store = storeOf(common);
      let count = 0;
      let cursor: string | null | undefined;
      while (count < limit && cursor !== null) {
        const page = await listDead(store, { limit: limit - count, code, ...(cursor !== undefined && { cursor }) });
        for (const letter of page.items) {
          output.document(letter);
          output.text(deadLine(letter));
        }
        count += page.items.length;
        cursor = page.next;
      }
      if (count === 0) output.note('no dead letter');
    });

  command('show <request>', 'one of them: errors, inputs, ComfyUIs, and what to do').action(
    async (request: string, common: Common) => {
      const output = createOutput({ json: common.json === true });
      const letter = await readDead(storeOf(common), request);
      output.document(letter);
      output.text(deadText(letter));
    },
  );

  command('retry <requests...>', 'make them anew, as requests of their own; once more gives the same ones').action(
    (requests: string[], common: Common) =>
      withCull(common, async (cull, output) => {
        const mine = common.tenant === undefined ? cull : cull.forTenant(common.tenant);
        for (const request of requests) {
          const retriedAs = await retryDead(mine, request);
          output.document({ request, retriedAs });
          output.text(`${request} is tried again as ${retriedAs}`);
        }
        return undefined;
      }),
  );

  command('drop <requests...>', 'forget the letters; the requests stay as they are').action(
    async (requests: string[], common: Common) => {
      const output = createOutput({ json: common.json === true });
      for (const request of requests) {
        output.document(await dropDead(storeOf(common), request));
        output.text(`the dead letter of ${request} is dropped`);
      }
    },
  );
}
