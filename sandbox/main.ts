import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { CACHE_MODES, PREVIEW_METHODS, PROFILES, startSandboxComfy, type Faults } from './comfyui/index.js';

const { values } = parseArgs({
  options: {
    host: { type: 'string' },
    port: { type: 'string', default: '0' },
    'admin-port': { type: 'string' },
    seconds: { type: 'string', default: '0' },
    output: { type: 'string' },
    input: { type: 'string' },
    photos: { type: 'string' },
    checkpoint: { type: 'string', multiple: true },
    prerendered: { type: 'boolean', default: false },
    'prerendered-folder': { type: 'string' },
    'prerendered-pictures': { type: 'string' },
    'no-metadata': { type: 'boolean', default: false },
    fault: { type: 'string' },
    'log-file': { type: 'string' },
    'tls-key': { type: 'string' },
    'tls-cert': { type: 'string' },
    'required-header': { type: 'string', multiple: true, default: [] },
    profile: { type: 'string', default: '0.33.0' },
    cache: { type: 'string', default: 'default' },
    'preview-method': { type: 'string', default: 'none' },
    'load-seconds': { type: 'string', default: '0' },
    'models-held': { type: 'string', default: '1' },
  },
});

function number(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new Error(`--${name} takes a number of 0 or more, not "${text}".`);
}

function oneOf<T extends string>(name: string, { text, of }: { text: string; of: readonly T[] }): T {
  const value = of.find((one) => one === text);
  if (value !== undefined) return value;
  throw new Error(`--${name} takes one of ${of.join(', ')}, not "${text}".`);
}

const { 'admin-port': adminPort, 'prerendered-folder': folder, 'prerendered-pictures': pictures } = values;
const pool = {
  ...(folder === undefined ? {} : { folder }),
  ...(pictures === undefined ? {} : { pictures: number('prerendered-pictures', pictures) }),
};

// As with ComfyUI, one without the other means plain HTTP.
const { 'tls-key': keyFile, 'tls-cert': certFile } = values;
const tls =
  keyFile === undefined || certFile === undefined
    ? undefined
    : { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8') };
const headers = values['required-header'].map((line) => {
  const colon = line.indexOf(':');
  if (colon < 1) throw new Error(`--required-header takes "Name: value", not "${line}".`);
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
});

const comfy = await startSandboxComfy({
  port: number('port', values.port),
  secondsPerImage: number('seconds', values.seconds),
  prerendered: values.prerendered || folder !== undefined ? pool : false,
  metadata: !values['no-metadata'],
  profile: oneOf('profile', { text: values.profile, of: PROFILES }),
  cache: oneOf('cache', { text: values.cache, of: CACHE_MODES }),
  previewMethod: oneOf('preview-method', { text: values['preview-method'], of: PREVIEW_METHODS }),
  requiredHeaders: Object.fromEntries(headers) as Record<string, string>,
  ...(tls ? { tls } : {}),
  loadSeconds: number('load-seconds', values['load-seconds']),
  modelsHeld: number('models-held', values['models-held']),
  ...(values.host === undefined ? {} : { host: values.host }),
  ...(adminPort === undefined ? {} : { adminPort: number('admin-port', adminPort) }),
  ...(values.output === undefined ? {} : { outputDir: values.output }),
  ...(values.input === undefined ? {} : { inputDir: values.input }),
  ...(values.photos === undefined ? {} : { photosDir: values.photos }),
  ...(values['log-file'] === undefined ? {} : { logFile: values['log-file'] }),
  ...(values.fault === undefined ? {} : { fault: JSON.parse(values.fault) as Partial<Faults> }),
  ...(values.checkpoint === undefined ? {} : { checkpoints: values.checkpoint }),
});

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void comfy.close().then(() => process.exit(0));
  });
}

process.stdout.write(`${JSON.stringify({ url: comfy.url, adminUrl: comfy.adminUrl ?? null, pid: process.pid })}\n`);
