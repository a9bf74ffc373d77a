/** Every example of the service's pages, run as its reader would: against a service on a port, with real workers behind it. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allowedOf } from '../../outside/addresses.js';
import { listen, type Listening } from '../../service/server.js';
import { differences, fits } from '../support/documented.js';
import { blocksOf, type Block } from '../support/markdown.js';
import { photo } from '../support/photos.js';
import { openPipeline, type Pipeline } from '../support/pipeline.js';
import { openReceiver, type Receiver } from '../support/receiver.js';
import { startSandbox, type TestSandbox } from '../support/sandbox.js';
import { openService, type TestService } from '../support/service.js';
import { runInShell, type Ran } from '../support/shell-session.js';
import { temporalAddress } from '../support/temporal-address.js';

/** In this order: a page may name what another one made. */
const PAGES = ['docs/review.md', 'docs/service.md', 'docs/batches.md', 'docs/webhooks.md', 'docs/storage.md'];

/** What is not run here, by a line of it, and why. */
const NOT_RUN: Record<string, string> = {
  'comfy-cull up --port 8080 &': 'it takes a port that may be taken; test/cli/service.test.ts runs it on a free one',
  "import { createServer } from 'node:http';": 'test/cli/webhooks.test.ts runs this receiver',
  "const request = await cull.generate({ release, inputs: { prompt: 'a red mug' }, deliver: 4, review: 'wait' });":
    'the compiler reads it in test/docs/typescript.test.ts',
  'audit: { nearGate: 0.05, rejects: 0.01, margin: 0.05 }': 'a part of a policy; test/selection has it whole',
  '$ comfy-cull review --audit --since 7d': 'it needs a policy with an audit sample; test/cli/review.test.ts has one',
  'CULL_STORAGE=s3://my-bucket/cull': 'it names a bucket of the reader',
  '{ "accept": [4], "reject": [5, 6], "by": "ann" }': 'a body; docs/service.md sends one like it',
};

/** Commands that end otherwise than by 0, as their page says. */
const EXITS: Record<string, number> = { 'comfy-cull generate examples/templates/product.json -p shop.yaml': 3 };

const COMMANDS = new Set(['sh', 'bash', 'console']);
const whyNot = ({ code }: Block): string | undefined =>
  code
    .split('\n')
    .map((line) => NOT_RUN[line])
    .find((why) => why !== undefined);

interface Example {
  block: Block;
  /** What the page shows below it. */
  shown: Block | undefined;
}

/** The commands of a page, each with the block that follows at once: its answer. */
const examplesOf = (blocks: Block[]): Example[] =>
  blocks.flatMap((block, n, all) => {
    if (!COMMANDS.has(block.language) || whyNot(block) !== undefined) return [];
    const next = all[n + 1];
    return [{ block, shown: next?.follows && !COMMANDS.has(next.language) ? next : undefined }];
  });
const pages = PAGES.map((page) => ({ page, blocks: blocksOf(page) }));
const examples = pages
  .map(({ page, blocks }) => ({ page, list: examplesOf(blocks) }))
  .filter(({ list }) => list.length > 0);

let sandbox: TestSandbox;
let pipeline: Pipeline;
let service: TestService;
let listening: Listening;
let receiver: Receiver;
let dir: string;
const ran = new Map<Block, Ran>();
beforeAll(async () => {
  sandbox = await startSandbox();
  pipeline = await openPipeline({
    address: temporalAddress,
    comfyUrls: [sandbox.url],
    env: { CULL_OUTSIDE_ALLOW: '127.0.0.1' },
  });
  service = await openService(pipeline.cull, { allowed: allowedOf(['127.0.0.1']) });
  listening = await listen({ fetch: service.fetch, host: '127.0.0.1', port: 0 });
  dir = await mkdtemp(join(tmpdir(), 'cull-reader-'));
  await symlink(resolve('examples'), join(dir, 'examples'));
  await writeFile(join(dir, 'photo.jpg'), await photo(1));
  receiver = await openReceiver(() => 204);
  const env = {
    ...pipeline.env,
    CULL_URL: listening.url,
    CULL_KEY: await service.key('default'),
    HOOK_URL: receiver.url,
  };
  for (const { list } of examples) {
    const found = await runInShell(
      list.map(({ block }) => commandsOf(block)),
      { dir, env },
    );
    for (const [n, { block }] of list.entries()) if (found[n]) ran.set(block, found[n]);
  }
}, 900_000);
afterAll(async () => {
  service.end();
  await receiver.close();
  await listening.close(1_000);
  await pipeline.close();
  await sandbox.close();
  await rm(dir, { recursive: true, force: true });
});

/** Of a console, the lines behind its prompt; a reader sees both streams there. */
const commandsOf = ({ language, code }: Block): string =>
  language === 'console' ? `{ ${promptsOf(code).join('\n')}\n} 2>&1` : code;
const promptsOf = (code: string): string[] => [...code.matchAll(/^\$ (.*)$/gm)].map(([, command = '']) => command);
const outputOf = (code: string): string => code.replace(/^\$ .*\n/gm, '');

/** As its reader on another machine would see it. */
const elsewhere = (text: string): string => text.replaceAll(join(pipeline.dir, 'storage'), '/home/ann/.cull/storage');

const unexpected = (failed: string[], shown: Block | undefined): string[] =>
  failed.filter((line) => {
    const [, code = '', command = ''] = /^(\d+) (.*)/s.exec(line) ?? [];
    const [, exit = 0] = Object.entries(EXITS).find(([start]) => command.startsWith(start)) ?? [];
    // curl's word for a status from 400 on: right where the page shows a problem
    const isProblem = shown?.language === 'json' && shown.code.includes('"urn:cull:error:');
    return Number(code) !== exit && !(isProblem && code === '22');
  });

describe.each(examples)('$page', ({ list }) => {
  test.each(list.map((example) => [example.block.line, example] as const))('line %i', (_, { block, shown }) => {
    const { stdout, stderr, failed } = ran.get(block) ?? { stdout: '', stderr: '', failed: ['it was not run'] };
    expect(unexpected(failed, shown), `${block.code}\n${stderr}\n${stdout}`).toEqual([]);
    if (block.language === 'console' && !fits(outputOf(block.code), elsewhere(stdout)))
      expect(elsewhere(stdout)).toBe(outputOf(block.code));
    if (!shown) return;
    const answer = elsewhere(stdout);
    if (shown.language === 'json')
      expect(differences(JSON.parse(shown.code), JSON.parse(answer)), `${answer}\n${stderr}`).toEqual([]);
    else if (!fits(shown.code, answer)) expect(answer).toBe(shown.code);
    const documented = shown.language === 'json' ? (JSON.parse(shown.code) as { status?: number }) : {};
    if (documented.status !== undefined) expect(stderr).toContain(`HTTP ${documented.status}`);
  });
});

test('every other block of these pages is an answer, or has its reason here', () => {
  const blocks = pages.flatMap((page) => page.blocks);
  const known = new Set(examples.flatMap(({ list }) => list.flatMap(({ block, shown }) => [block, shown])));
  const unknown = blocks.filter((block) => !known.has(block) && whyNot(block) === undefined);
  expect(unknown.map(({ page, line }) => `${page}:${line}`)).toEqual([]);
  const lines = new Set(blocks.flatMap(({ code }) => code.split('\n')));
  expect(Object.keys(NOT_RUN).filter((line) => !lines.has(line))).toEqual([]);
});
