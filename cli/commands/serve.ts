import type { Command } from 'commander';
import { readConfig } from '../../config.js';
import { CullError } from '../../errors.js';
import { createService, type ServiceOptions } from '../../service/app.js';
import { DEFAULT_LIMITS } from '../../service/limits.js';
import { listen } from '../../service/server.js';
import { createLog } from '../../telemetry/log.js';
import { readCatalogue } from '../catalogue.js';
import { connect } from '../connect.js';
import { wholeNumber } from '../options.js';
import { createOutput } from '../output.js';
import { version } from '../version.js';

interface Options {
  host: string;
  port: number;
  templates: string;
  policies: string;
  open?: true;
  tlsCert?: string;
  tlsKey?: string;
  rate: number;
  maxOpen: number;
  maxQueued: number;
}

const GRACE_MS = 10_000;
const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** `comfy-cull serve`: the HTTP API. */
export function addServe(program: Command): void {
  program
    .command('serve')
    .description('the HTTP API: requests, candidates, inputs; documentation at /docs')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('-p, --port <port>', 'port to listen on; 0: any free one', wholeNumberOrZero, 8080)
    .option('--templates <folder>', 'templates that requests may name', 'examples/templates')
    .option('--policies <folder>', 'policies that requests may name', 'examples/policies')
    .option('--open', 'take everybody as the tenant of CULL_TENANT, without a key; on a loopback address only')
    .option('--tls-cert <file>', 'certificate, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--rate <n>', 'calls per second of one key', wholeNumber, DEFAULT_LIMITS.perSecond)
    .option('--max-open <n>', 'open requests of one tenant', wholeNumber, DEFAULT_LIMITS.openRequests)
    .option(
      '--max-queued <n>',
      'waiting candidates above which no request is taken',
      wholeNumber,
      DEFAULT_LIMITS.queued,
    )
    .action(async (options: Options) => {
      const config = readConfig(process.env);
      const { host, port, open } = options;
      checkOptions(options);
      const catalogue = await readCatalogue(config, options);
      const output = createOutput({ json: false });
      const { cull, close } = await connect(config, { start: true, onStep: output.note });
      const ending = new AbortController();
      const log = createLog({ level: config.logLevel, name: 'service' });
      const limits: ServiceOptions['limits'] = {
        perSecond: options.rate,
        openRequests: options.maxOpen,
        queued: options.maxQueued,
      };
      try {
        const app = createService({
          cull,
          catalogue,
          version,
          log,
          limits,
          ending: ending.signal,
          ...(open && { openTenant: config.tenant }),
        });
        const tls = tlsOf(options);
        const listening = await listen({ fetch: app.fetch, host, port, ...(tls && { tls }) });
        output.note(
          `serving ${catalogue.templates.size} templates at ${listening.url}; documentation at ${listening.url}/docs`,
        );
        if (open) output.note(`open to everybody on this machine, as tenant ${config.tenant}`);
        await new Promise<void>((resolve) => {
          for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
        });
        output.note('ending: open answers are finished first');
        ending.abort();
        await listening.close(GRACE_MS);
      } finally {
        await close();
      }
    });
}

function checkOptions({ host, open, tlsCert, tlsKey }: Options): void {
  if (open && !LOOPBACK.has(host))
    throw new CullError('USAGE', `--open would let everybody in who reaches ${host}`, {
      hint: 'listen on 127.0.0.1, or leave --open out and make keys: comfy-cull keys create',
    });
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new CullError('USAGE', 'TLS needs both --tls-cert and --tls-key');
}

const tlsOf = ({ tlsCert: cert, tlsKey: key }: Options): { cert: string; key: string } | undefined =>
  cert === undefined || key === undefined ? undefined : { cert, key };

const wholeNumberOrZero = (text: string): number => (text === '0' ? 0 : wholeNumber(text));
