/** The service of this process: from its options to a port, until a signal. */
import { Option } from 'commander';
import { trustedProxies, type Config } from '../config.js';
import { CullError } from '../errors.js';
import { allowedOf } from '../outside/addresses.js';
import { createService } from '../service/app.js';
import { DEFAULT_LIMITS, type Limits } from '../service/limits.js';
import { listen } from '../service/server.js';
import { createLog } from '../telemetry/log.js';
import { createMetrics } from '../telemetry/metrics.js';
import { serveMetrics, type MetricsServer } from '../telemetry/serve-metrics.js';
import { readCatalogue } from './catalogue.js';
import { connect } from './connect.js';
import { wholeNumber, wholeNumberOrZero } from './options.js';
import type { Output } from './output.js';
import { version } from './version.js';

export interface ServiceChoice {
  host: string;
  port: number;
  templates: string;
  policies: string;
  rate: number;
  maxOpen: number;
  maxCandidates: number;
  maxQueued: number;
  /** Everybody is the tenant of CULL_TENANT. */
  open?: true;
  tls?: { cert: string; key: string };
  /** Addresses and ranges of proxies, by commas; otherwise CULL_TRUST_PROXY. */
  trustProxy?: string;
  /** `GET /metrics` on the port of the API, for everybody who reaches it. */
  metrics?: true;
  /** `GET /metrics` on a port of its own. */
  metricsPort?: number;
}

const GRACE_MS = 10_000;
const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** Options that every command with a service has. */
export const serviceOptions = (): Option[] => [
  new Option('-p, --port <port>', 'port to listen on; 0: any free one').default(8080).argParser(wholeNumberOrZero),
  new Option('--templates <folder>', 'templates that requests may name').default('examples/templates'),
  new Option('--policies <folder>', 'policies that requests may name').default('examples/policies'),
  new Option('--rate <n>', 'calls per second of one key').default(DEFAULT_LIMITS.perSecond).argParser(wholeNumber),
  new Option('--max-open <n>', 'open requests of one tenant')
    .default(DEFAULT_LIMITS.openRequests)
    .argParser(wholeNumber),
  new Option('--max-candidates <n>', 'candidates that the open requests of one tenant may draw, together')
    .default(DEFAULT_LIMITS.openCandidates)
    .argParser(wholeNumber),
  new Option('--max-queued <n>', 'waiting candidates above which no request is taken')
    .default(DEFAULT_LIMITS.queued)
    .argParser(wholeNumber),
];

/**
 * Serves until SIGTERM or SIGINT, then finishes what is being answered.
 *
 * @param options.embedded true to ignore TEMPORAL_*
 * @param options.onListening called with the address once it listens
 * @throws CullError USAGE for an open service that others can reach; CONFIG_INVALID for a taken port
 */
export async function runService(
  config: Config,
  choice: ServiceChoice,
  options: { output: Output; embedded?: boolean; onListening?: (url: string) => void },
): Promise<void> {
  const { host, port, open, tls } = choice;
  const { output, embedded = false, onListening } = options;
  if (open && !LOOPBACK.has(host))
    throw new CullError('USAGE', `--open would let everybody in who reaches ${host}`, {
      hint: 'listen on 127.0.0.1, or leave --open out and make keys: comfy-cull keys create',
    });
  const catalogue = await readCatalogue(config, choice);
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const { cull, close } = await connect(config, {
    start: true,
    embedded,
    service: 'cull-service',
    publicUrl: ownAddress(choice),
    onStep: output.note,
  });
  const ending = new AbortController();
  const metrics = createMetrics();
  let metricsServer: MetricsServer | undefined;
  const limits: Partial<Limits> = {
    perSecond: choice.rate,
    openRequests: choice.maxOpen,
    openCandidates: choice.maxCandidates,
    queued: choice.maxQueued,
  };
  try {
    const app = createService({
      cull,
      catalogue,
      version,
      log: createLog({ level: config.logLevel, name: 'service' }),
      limits,
      metrics,
      showMetrics: choice.metrics === true,
      allowed: allowedOf(config.outsideAllow),
      trusted: allowedOf(trustedProxies(choice.trustProxy ?? config.trustProxy.join(','))),
      ending: ending.signal,
      ...(open && { openTenant: config.tenant }),
    });
    if (choice.metricsPort !== undefined) {
      metricsServer = await serveMetrics(metrics, { host: config.metrics.host, port: choice.metricsPort });
      output.note(`metrics at ${metricsServer.url}`);
    }
    const listening = await listen({ fetch: app.fetch, host, port, ...(tls && { tls }) });
    output.note(
      `serving ${catalogue.templates.size} templates at ${listening.url}; documentation at ${listening.url}/docs`,
    );
    if (open) output.note(`open to everybody on this machine, as tenant ${config.tenant}`);
    onListening?.(listening.url);
    await signalled;
    output.note('ending: open answers are finished first');
    ending.abort();
    await listening.close(GRACE_MS);
  } finally {
    await metricsServer?.close();
    await close();
  }
}

/** The files of a folder are served here, too; who listens on every address, or on any port, has no one address to name. */
const ownAddress = ({ host, port, tls }: ServiceChoice): string | undefined =>
  port === 0 || host === '0.0.0.0' || host === '::'
    ? undefined
    : `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
