import type { Command } from 'commander';
import { replayWebhook, webhookLog } from '../../client/webhook-log.js';
import {
  addWebhook,
  enableWebhook,
  listWebhooks,
  removeWebhook,
  rotateWebhook,
  type ShownEndpoint,
} from '../../client/webhooks.js';
import { readConfig } from '../../config.js';
import { allowedOf } from '../../outside/addresses.js';
import { WEBHOOK_EVENTS, type WebhookAttempt, type WebhookLogDoc } from '../../workflows/webhook-contract.js';
import { duration, since } from '../options.js';
import { createOutput } from '../output.js';
import { storeOf, withCull } from '../with-cull.js';

interface Common {
  tenant?: string;
  json?: true;
}

const DAY_MS = 24 * 3_600_000;

/** `comfy-cull webhooks add|list|remove|enable|rotate|log|replay`. */
export function addWebhooks(program: Command): void {
  const webhooks = program.command('webhooks').description('who is told when a request or batch ends');
  const command = (name: string, description: string): Command =>
    webhooks
      .command(name)
      .description(description)
      .option('-t, --tenant <tenant>', 'whose (default: CULL_TENANT)')
      .option('--json', 'JSON: one document a line');

  command('add <url>', 'tell this address; its secret is shown this once')
    .option('--events <events>', `some of ${WEBHOOK_EVENTS.join(', ')}; by commas (default: all)`)
    .action(async (url: string, { events, ...common }: Common & { events?: string }) => {
      const output = createOutput({ json: common.json === true });
      const { endpoint, secret } = await addWebhook(storeOf(common), {
        url,
        ...(events !== undefined && { events: events.split(',').map((event) => event.trim()) }),
        allowed: allowedOf(readConfig(process.env).outsideAllow),
      });
      output.document({ ...endpoint, secret });
      output.text(secret);
      output.note(`webhook ${endpoint.id} to ${endpoint.url}; the secret is not shown again`);
    });

  command('list', 'the endpoints, without their secrets').action(async (common: Common) => {
    const output = createOutput({ json: common.json === true });
    const all = await listWebhooks(storeOf(common));
    for (const endpoint of all) {
      output.document(endpoint);
      output.text(lineOf(endpoint));
    }
    if (all.length === 0) output.note('no webhook yet: comfy-cull webhooks add <url>');
  });

  command('remove <id>', 'tell it nothing more').action(async (id: string, common: Common) => {
    const output = createOutput({ json: common.json === true });
    const endpoint = await removeWebhook(storeOf(common), id);
    output.document(endpoint);
    output.text(`webhook ${id} to ${endpoint.url} is removed`);
  });

  command('enable <id>', 'tell it again, after it answered 410 (gone)').action(async (id: string, common: Common) => {
    const output = createOutput({ json: common.json === true });
    const endpoint = await enableWebhook(storeOf(common), id);
    output.document(endpoint);
    output.text(lineOf(endpoint));
  });

  command('rotate <id>', 'a new secret, shown this once; the old one signs too for a while')
    .option('--keep <time>', 'so long the old secret still signs: 24h, 2d', duration, DAY_MS)
    .action(async (id: string, { keep, ...common }: Common & { keep: number }) => {
      const output = createOutput({ json: common.json === true });
      const { endpoint, secret } = await rotateWebhook(storeOf(common), id, { keepMs: keep });
      output.document({ ...endpoint, secret });
      output.text(secret);
      output.note(`the old secret of ${id} signs until ${new Date(Date.now() + keep).toISOString().slice(0, 16)}Z`);
    });

  command('log', 'every message and what became of it')
    .option('--since <time>', 'messages of that time and later: 12h, 7d, 2026-11-30 (UTC)', since)
    .action(async ({ since: from, ...common }: Common & { since?: string }) => {
      const output = createOutput({ json: common.json === true });
      let count = 0;
      for await (const doc of webhookLog(storeOf(common), from === undefined ? {} : { since: from })) {
        count++;
        output.document(doc);
        output.text(messageLine(doc));
      }
      if (count === 0) output.note('no message');
    });

  command('replay <message>', 'send a message again, under its id')
    .option('--endpoint <id>', 'to this endpoint only')
    .action((message: string, { endpoint, ...common }: Common & { endpoint?: string }) =>
      withCull(common, async (cull, output) => {
        const mine = common.tenant === undefined ? cull : cull.forTenant(common.tenant);
        const started = await replayWebhook(mine, message, endpoint === undefined ? {} : { endpoint });
        for (const one of started) {
          output.document({ message, ...one });
          output.text(`${message} to ${one.endpoint}: ${one.isStarted ? 'is sent again' : 'is being tried already'}`);
        }
        return undefined;
      }),
    );
}

const lineOf = ({ id, url, events, disabled }: ShownEndpoint): string => {
  const which = events.length === WEBHOOK_EVENTS.length ? 'all events' : events.join(',');
  return `${id}  ${url}  ${which}${disabled ? `  disabled: ${disabled.reason}` : ''}`;
};

const messageLine = ({ message, endpoint, event, state, createdAt, attempts }: WebhookLogDoc): string => {
  const last = attempts.at(-1);
  const tries = attempts.length === 1 ? '1 try ' : `${attempts.length} tries`;
  return `${createdAt.slice(0, 19)}Z  ${message}  ${endpoint}  ${event.padEnd(17)}  ${state.padEnd(9)}  ${tries}  ${last ? saidBy(last) : ''}`.trimEnd();
};

const saidBy = (attempt: WebhookAttempt): string => ('status' in attempt ? String(attempt.status) : attempt.error);
