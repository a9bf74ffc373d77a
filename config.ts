/** The environment, parsed once into a frozen, typed value. Importing this file does nothing; `readConfig` reads. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { CullError } from './errors.js';
import { parseAllowed } from './outside/addresses.js';
import { AGES, parseRetention, retentionText, type RetentionSaid } from './selection/retention.js';
import type { StorageOptions } from './storage/index.js';

const list = z
  .string()
  .default('')
  .transform((text) => text.split(/[\s,]+/).filter((item) => item !== ''));

const urls = list.superRefine((items, context) => {
  for (const item of items)
    if (!/^https?:$/.test(URL.parse(item)?.protocol ?? ''))
      context.addIssue({ code: 'custom', message: `"${item}" is not an http:// or https:// address` });
});

const outside = list.superRefine((items, context) => {
  const parsed = parseAllowed(items);
  if ('wrong' in parsed)
    context.addIssue({
      code: 'custom',
      message: `"${parsed.wrong}" is no address, range (10.2.0.0/16) or host name`,
    });
});

/**
 * Proxies that are believed: addresses and ranges, by commas.
 *
 * @throws CullError CONFIG_INVALID for anything else
 */
export function trustedProxies(text: string): string[] {
  const items = text.split(/[\s,]+/).filter((item) => item !== '');
  const wrong = items.find((item) => wrongProxy(item));
  if (wrong === undefined) return items;
  throw new CullError('CONFIG_INVALID', `"${wrong}" is no address and no range of a proxy`, {
    hint: 'write them like 10.0.0.2 or 10.0.0.0/8, by commas',
  });
}

/** A name is none: what it stands for can change with the next look-up. */
function wrongProxy(item: string): boolean {
  const parsed = parseAllowed([item]);
  return 'wrong' in parsed || parsed.allowed.hosts.size > 0;
}

const proxies = list.superRefine((items, context) => {
  for (const item of items.filter(wrongProxy))
    context.addIssue({ code: 'custom', message: `"${item}" is no address and no range (10.0.0.0/8)` });
});

const flag = z
  .enum(['true', 'false', '1', '0', 'yes', 'no'], { error: 'write true or false' })
  .transform((word) => ['true', '1', 'yes'].includes(word));

const positive = z.coerce.number().positive();
const port = z.coerce.number().int().min(0).max(65_535);

/** The time-outs of a ComfyUI that `CULL_COMFYUI_TIMEOUTS` may set; each is `<name>Ms` of the provider's options. */
const TIMEOUTS = [
  ...['connect', 'request', 'submit', 'download', 'upload', 'giveUp', 'refused'],
  ...['noProgress', 'loader', 'execution', 'queueStall', 'workerDead'],
];

/** `noProgress=30,download=120`, in seconds, as `{ noProgressMs: 30000, downloadMs: 120000 }`. */
const timeouts = list.transform((items, context) => {
  const found: Record<string, number> = {};
  for (const item of items) {
    const [, name = '', seconds = ''] = /^(\w+)=([\d.]+)$/.exec(item) ?? [];
    const ms = Number(seconds) * 1000;
    if (TIMEOUTS.includes(name) && ms > 0) found[`${name}Ms`] = ms;
    else
      context.addIssue({
        code: 'custom',
        message: `"${item}" is not a time-out: write name=seconds, with a name of ${TIMEOUTS.join(', ')}`,
      });
  }
  return found;
});

/** `usual,delivered=90d` as days. */
const ages = z
  .string()
  .default('')
  .transform((text, context) => {
    const parsed = parseRetention(text);
    if ('said' in parsed) return parsed.said;
    const message = `"${parsed.wrong}" is no age: write usual, or name=7d, name=12h, name=never, with a name of ${AGES.join(', ')}`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** `clip=./my-clip,faceBox=yunet` as a record. Paths that are relative are made absolute below. */
const uses = list.transform((items, context) => {
  const found: Record<string, string> = {};
  for (const item of items) {
    const [, role, model] = /^(\w+)=(.+)$/.exec(item) ?? [];
    if (role !== undefined && model !== undefined) found[role] = model;
    else context.addIssue({ code: 'custom', message: `"${item}" is not role=model, such as clip=./my-clip` });
  }
  return found;
});

const schema = z.object({
  CULL_DIR: z.string().min(1).default('.cull'),
  CULL_STORAGE: z.string().min(1).optional(),
  CULL_S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  CULL_S3_REGION: z.string().min(1).optional(),
  CULL_S3_PATH_STYLE: flag.optional(),
  CULL_S3_SSE: z.enum(['AES256', 'aws:kms']).optional(),
  CULL_S3_SSE_KMS_KEY: z.string().min(1).optional(),
  CULL_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  CULL_TENANT: z.string().min(1).default('default'),
  CULL_COMFYUI_URLS: urls,
  CULL_COMFYUI_FILE: z.string().min(1).optional(),
  CULL_COMFYUI_CA: z.string().min(1).optional(),
  CULL_COMFYUI_RESTART: z.string().min(1).optional(),
  CULL_COMFYUI_OUTPUT: z.string().min(1).optional(),
  CULL_COMFYUI_INPUT: z.string().min(1).optional(),
  CULL_RETENTION: ages,
  CULL_ALLOW_NODES: list,
  CULL_OUTSIDE_ALLOW: outside,
  CULL_TRUST_PROXY: proxies,
  CULL_SCORERS: list,
  CULL_VLM_URL: z.url({ protocol: /^https?$/ }).optional(),
  CULL_VLM_MODEL: z.string().min(1).optional(),
  CULL_VLM_KEY: z.string().min(1).optional(),
  CULL_MODELS: z.string().min(1).optional(),
  CULL_USE_MODELS: uses,
  CULL_EXECUTION_PROVIDERS: list.transform((names) => (names.length === 0 ? ['cpu'] : names)),
  CULL_SCORE_MEMORY_MB: positive.int().optional(),
  CULL_COMFYUI_USD_PER_HOUR: positive.optional(),
  CULL_SCORE_THREADS: positive.int().default(Math.max(1, Math.min(8, availableParallelism() - 1))),
  CULL_COMFYUI_TIMEOUTS: timeouts,
  CULL_GRACE_SECONDS: positive.default(10),
  CULL_COLD_QUEUE_SECONDS: positive.default(30),
  CULL_IDLE_SECONDS: positive.default(60),
  CULL_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  CULL_METRICS_PORT: port.optional(),
  CULL_METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  CULL_TEMPORAL_METRICS_PORT: port.optional(),
  TEMPORAL_CLI_PATH: z.string().min(1).optional(),
});

export interface Config {
  /** Folder of the embedded stack: database, logs, storage. Absolute. `CULL_DIR` @default .cull */
  dir: string;
  /**
   * Where bytes live: a folder, `fs:/folder` or `s3://bucket/prefix`. `CULL_STORAGE` @default <dir>/storage; `CULL_S3_ENDPOINT`, `CULL_S3_REGION`,
   * `CULL_S3_PATH_STYLE`, `CULL_S3_SSE`, `CULL_S3_SSE_KMS_KEY` of a bucket; `CULL_PUBLIC_URL`: where the service serves a folder's files
   */
  storage: Readonly<StorageOptions>;
  /** `CULL_TENANT` @default default */
  tenant: string;
  /** Base addresses of the ComfyUIs. `CULL_COMFYUI_URLS`, separated by commas. Empty: the embedded stack starts sandboxes. */
  comfyUrls: string[];
  /** YAML or JSON file that names ComfyUIs; absolute. Read again when it changes. `CULL_COMFYUI_FILE` */
  comfyFile: string | undefined;
  /** A private certificate authority of the ComfyUIs: PEM text or the absolute path of a PEM file. `CULL_COMFYUI_CA` */
  comfyCa: string | undefined;
  /** Shell command that restarts a ComfyUI whose worker thread is dead; `$CULL_COMFYUI_ID` and `$CULL_COMFYUI_URL` say which. `CULL_COMFYUI_RESTART` */
  comfyRestart: string | undefined;
  /** Folders of the ComfyUIs whose own are not in the file, as this machine sees them; absolute. `CULL_COMFYUI_OUTPUT`, `CULL_COMFYUI_INPUT` */
  comfyFolders: Readonly<{ output: string | undefined; input: string | undefined }>;
  /** How long things are kept, by what became of them. `CULL_RETENTION` @default for good */
  retention: RetentionSaid;
  /** Node classes allowed besides ComfyUI's own safe ones. `CULL_ALLOW_NODES` */
  allowNodes: string[];
  /** What webhooks and input URLs may call although it is not public: addresses, ranges, host names. `CULL_OUTSIDE_ALLOW` */
  outsideAllow: string[];
  /** Proxies in front of the service whose `X-Forwarded-For` is believed: addresses and ranges. `CULL_TRUST_PROXY` @default none */
  trustProxy: string[];
  /** Scorers from outside: files, packages or http addresses. `CULL_SCORERS` */
  scorers: string[];
  /** The vision model that a policy's questions go to: an OpenAI-compatible API. `CULL_VLM_URL`, `CULL_VLM_MODEL`, `CULL_VLM_KEY` */
  vlm: { url: string; model: string; key?: string } | undefined;
  /** Folder of the pulled models; absolute. `CULL_MODELS` @default <dir>/models */
  models: string;
  /** Which model plays a role where it is not the default: an id, or an absolute folder. `CULL_USE_MODELS`, `role=model` by commas */
  useModels: Readonly<Record<string, string>>;
  /** What models run on, best first. `CULL_EXECUTION_PROVIDERS` @default cpu */
  executionProviders: string[];
  /** Resident size of the process above which scoring threads are replaced, in MiB. `CULL_SCORE_MEMORY_MB` @default 1024 + 768 per thread */
  scoreMemoryMb: number;
  /** Price of one ComfyUI hour; without it no cost is stated. `CULL_COMFYUI_USD_PER_HOUR` */
  comfyUsdPerHour: number | undefined;
  /** Threads that score. `CULL_SCORE_THREADS` @default cores - 1, at least 1, at most 8 */
  scoreThreads: number;
  /** Time-outs of the ComfyUIs that differ from the provider's defaults, in milliseconds. `CULL_COMFYUI_TIMEOUTS`, `name=seconds` by commas */
  comfyTimeouts: Readonly<Record<string, number>>;
  /** A worker that is told to end waits so long for what it draws; the rest is left in ComfyUI for others. `CULL_GRACE_SECONDS` @default 10 */
  graceMs: number;
  /** Requests whose models no ComfyUI has loaded wait at most so long for a busy one. `CULL_COLD_QUEUE_SECONDS` @default 30 */
  coldQueueMs: number;
  /** How long the embedded stack outlives its last client. `CULL_IDLE_SECONDS` @default 60 */
  idleMs: number;
  /** `CULL_LOG_LEVEL` @default info */
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /**
   * Where a worker serves its metrics. `CULL_METRICS_PORT`, 0: any free one @default none; `CULL_METRICS_HOST` @default 127.0.0.1;
   * `CULL_TEMPORAL_METRICS_PORT`: where Temporal's SDK serves its own, beside them @default none
   */
  metrics: Readonly<{ host: string; port: number | undefined; temporalPort: number | undefined }>;
  /** `TEMPORAL_CLI_PATH`: the Temporal binary of the embedded stack. */
  temporalCliPath: string | undefined;
}

/**
 * Parses the environment.
 *
 * @throws CullError CONFIG_INVALID naming every variable that is wrong
 * @example
 * const config = readConfig(process.env);
 */
export function readConfig(env: Record<string, string | undefined>, cwd = process.cwd()): Readonly<Config> {
  // An empty variable is the shell's way of not setting one.
  const parsed = schema.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')));
  if (!parsed.success) {
    const what = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new CullError('CONFIG_INVALID', what.join('; '), { hint: 'docs/configuration.md lists every variable' });
  }
  const value = parsed.data;
  const dir = resolve(cwd, value.CULL_DIR);
  return Object.freeze({
    dir,
    storage: storageOf(value, { dir, cwd }),
    tenant: value.CULL_TENANT,
    comfyUrls: value.CULL_COMFYUI_URLS,
    comfyFile: pathOf(value.CULL_COMFYUI_FILE, cwd),
    comfyCa: authority(value.CULL_COMFYUI_CA, cwd),
    comfyRestart: value.CULL_COMFYUI_RESTART,
    comfyFolders: Object.freeze({
      output: pathOf(value.CULL_COMFYUI_OUTPUT, cwd),
      input: pathOf(value.CULL_COMFYUI_INPUT, cwd),
    }),
    retention: value.CULL_RETENTION,
    allowNodes: value.CULL_ALLOW_NODES,
    outsideAllow: value.CULL_OUTSIDE_ALLOW,
    trustProxy: value.CULL_TRUST_PROXY,
    scorers: value.CULL_SCORERS,
    vlm: visionModel(value),
    models: value.CULL_MODELS === undefined ? resolve(dir, 'models') : resolve(cwd, value.CULL_MODELS),
    useModels: Object.fromEntries(
      Object.entries(value.CULL_USE_MODELS).map(([role, model]) => [
        role,
        /^\.{1,2}([\\/]|$)/.test(model) ? resolve(cwd, model) : model,
      ]),
    ),
    executionProviders: value.CULL_EXECUTION_PROVIDERS,
    scoreMemoryMb: value.CULL_SCORE_MEMORY_MB ?? 1024 + 768 * value.CULL_SCORE_THREADS,
    comfyUsdPerHour: value.CULL_COMFYUI_USD_PER_HOUR,
    scoreThreads: value.CULL_SCORE_THREADS,
    comfyTimeouts: value.CULL_COMFYUI_TIMEOUTS,
    graceMs: value.CULL_GRACE_SECONDS * 1000,
    coldQueueMs: value.CULL_COLD_QUEUE_SECONDS * 1000,
    idleMs: value.CULL_IDLE_SECONDS * 1000,
    logLevel: value.CULL_LOG_LEVEL,
    metrics: Object.freeze({
      host: value.CULL_METRICS_HOST,
      port: value.CULL_METRICS_PORT,
      temporalPort: value.CULL_TEMPORAL_METRICS_PORT,
    }),
    temporalCliPath: value.TEMPORAL_CLI_PATH,
  });
}

const pathOf = (path: string | undefined, cwd: string): string | undefined =>
  path === undefined ? undefined : resolve(cwd, path);

function storageOf(value: z.infer<typeof schema>, { dir, cwd }: { dir: string; cwd: string }): StorageOptions {
  const where = value.CULL_STORAGE ?? resolve(dir, 'storage');
  const publicUrl = value.CULL_PUBLIC_URL;
  const s3 = {
    ...(value.CULL_S3_ENDPOINT !== undefined && { endpoint: value.CULL_S3_ENDPOINT }),
    ...(value.CULL_S3_REGION !== undefined && { region: value.CULL_S3_REGION }),
    ...(value.CULL_S3_PATH_STYLE !== undefined && { pathStyle: value.CULL_S3_PATH_STYLE }),
    ...(value.CULL_S3_SSE && { sse: value.CULL_S3_SSE }),
    ...(value.CULL_S3_SSE_KMS_KEY !== undefined && { sseKmsKey: value.CULL_S3_SSE_KMS_KEY }),
  };
  if (s3.sseKmsKey !== undefined && s3.sse !== 'aws:kms')
    throw new CullError('CONFIG_INVALID', 'CULL_S3_SSE_KMS_KEY is set, and CULL_S3_SSE is not aws:kms', {
      hint: 'set CULL_S3_SSE=aws:kms too',
    });
  return {
    where: /^[a-z0-9]+:/.test(where) ? where : resolve(cwd, where),
    ...(publicUrl !== undefined && { publicUrl }),
    ...(Object.keys(s3).length > 0 && { s3 }),
  };
}

function visionModel(value: z.infer<typeof schema>): Config['vlm'] {
  const { CULL_VLM_URL: url, CULL_VLM_MODEL: model, CULL_VLM_KEY: key } = value;
  if (url === undefined) return undefined;
  if (model === undefined)
    throw new CullError('CONFIG_INVALID', 'CULL_VLM_URL is set, and CULL_VLM_MODEL is not', {
      hint: 'name the model that this API is to run',
    });
  return { url, model, ...(key === undefined ? {} : { key }) };
}

const authority = (value: string | undefined, cwd: string): string | undefined =>
  value === undefined || value.includes('-----BEGIN') ? value : resolve(cwd, value);

/** The variables that make another process read the same configuration; paths are absolute. */
export function environmentOf(config: Config): Record<string, string> {
  return {
    CULL_DIR: config.dir,
    CULL_STORAGE: config.storage.where,
    CULL_S3_ENDPOINT: config.storage.s3?.endpoint ?? '',
    CULL_S3_REGION: config.storage.s3?.region ?? '',
    CULL_S3_PATH_STYLE: config.storage.s3?.pathStyle === undefined ? '' : String(config.storage.s3.pathStyle),
    CULL_S3_SSE: config.storage.s3?.sse ?? '',
    CULL_S3_SSE_KMS_KEY: config.storage.s3?.sseKmsKey ?? '',
    CULL_PUBLIC_URL: config.storage.publicUrl ?? '',
    CULL_TENANT: config.tenant,
    CULL_COMFYUI_URLS: config.comfyUrls.join(','),
    CULL_COMFYUI_FILE: config.comfyFile ?? '',
    CULL_COMFYUI_CA: config.comfyCa ?? '',
    CULL_COMFYUI_RESTART: config.comfyRestart ?? '',
    CULL_RETENTION: retentionText(config.retention),
    CULL_COMFYUI_OUTPUT: config.comfyFolders.output ?? '',
    CULL_COMFYUI_INPUT: config.comfyFolders.input ?? '',
    CULL_ALLOW_NODES: config.allowNodes.join(','),
    CULL_OUTSIDE_ALLOW: config.outsideAllow.join(','),
    CULL_TRUST_PROXY: config.trustProxy.join(','),
    CULL_SCORERS: config.scorers.join(','),
    CULL_VLM_URL: config.vlm?.url ?? '',
    CULL_VLM_MODEL: config.vlm?.model ?? '',
    CULL_VLM_KEY: config.vlm?.key ?? '',
    CULL_MODELS: config.models,
    CULL_USE_MODELS: Object.entries(config.useModels)
      .map(([role, model]) => `${role}=${model}`)
      .join(','),
    CULL_EXECUTION_PROVIDERS: config.executionProviders.join(','),
    CULL_SCORE_MEMORY_MB: String(config.scoreMemoryMb),
    CULL_COMFYUI_USD_PER_HOUR: config.comfyUsdPerHour === undefined ? '' : String(config.comfyUsdPerHour),
    CULL_SCORE_THREADS: String(config.scoreThreads),
    CULL_COMFYUI_TIMEOUTS: Object.entries(config.comfyTimeouts)
      .map(([name, ms]) => `${name.replace(/Ms$/, '')}=${ms / 1000}`)
      .join(','),
    CULL_GRACE_SECONDS: String(config.graceMs / 1000),
    CULL_COLD_QUEUE_SECONDS: String(config.coldQueueMs / 1000),
    CULL_IDLE_SECONDS: String(config.idleMs / 1000),
    CULL_LOG_LEVEL: config.logLevel,
    CULL_METRICS_HOST: config.metrics.host,
    CULL_METRICS_PORT: String(config.metrics.port ?? ''),
    CULL_TEMPORAL_METRICS_PORT: String(config.metrics.temporalPort ?? ''),
    TEMPORAL_CLI_PATH: config.temporalCliPath ?? '',
  };
}

/** What `models pull` asks the hub with: `HF_ENDPOINT` and `HF_TOKEN`, as its own tools do. Apart from the rest, as a token is nobody else's. */
export const readHub = (
  env: Record<string, string | undefined>,
): { endpoint: string | undefined; token: string | undefined } => ({
  endpoint: env['HF_ENDPOINT'] === '' ? undefined : env['HF_ENDPOINT'],
  token: env['HF_TOKEN'] === '' ? undefined : env['HF_TOKEN'],
});

/** Where models are and what they run on, as the scoring threads want it. */
export const modelOptionsOf = (
  config: Config,
): { folder: string; use: Readonly<Record<string, string>>; executionProviders: readonly string[] } => ({
  folder: config.models,
  use: config.useModels,
  executionProviders: config.executionProviders,
});
