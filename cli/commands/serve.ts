import type { Command } from 'commander';
import { readConfig } from '../../config.js';
import { CullError } from '../../errors.js';
import { wholeNumberOrZero } from '../options.js';
import { createOutput } from '../output.js';
import { runService, serviceOptions, type ServiceChoice } from '../run-service.js';

interface Options extends Omit<ServiceChoice, 'tls'> {
  tlsCert?: string;
  tlsKey?: string;
}

/** `comfy-cull serve`: the HTTP API. */
export function addServe(program: Command): void {
  const serve = program
    .command('serve')
    .description('the HTTP API: requests, batches, candidates, inputs; documentation at /docs')
    .option('--host <host>', 'address to listen on', '127.0.0.1')
    .option('--open', 'take everybody as the tenant of CULL_TENANT, without a key; on a loopback address only')
    .option('--tls-cert <file>', 'certificate, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option(
      '--trust-proxy <addresses>',
      'addresses and ranges of proxies, by commas, whose X-Forwarded-For is believed (default: CULL_TRUST_PROXY, else none)',
    )
    .option('--metrics', 'GET /metrics on the port of the API, for everybody who reaches it')
    .option('--metrics-port <port>', 'GET /metrics on a port of its own, on CULL_METRICS_HOST', wholeNumberOrZero)
    .action(async (options: Options) => {
      const { tlsCert: cert, tlsKey: key } = options;
      if ((cert === undefined) !== (key === undefined))
        throw new CullError('USAGE', 'TLS needs both --tls-cert and --tls-key');
      const tls = cert === undefined || key === undefined ? undefined : { cert, key };
      const output = createOutput({ json: false });
      await runService(readConfig(process.env), { ...options, ...(tls && { tls }) }, { output });
    });
  for (const option of serviceOptions()) serve.addOption(option);
}
