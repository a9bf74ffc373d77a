import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { Cull } from '../../client/cull.js';
import { embeddedTarget, temporalTarget } from '../../client/temporal.js';
import { readConfig, type Config } from '../../config.js';
import { CullError, messageOf } from '../../errors.js';
import { createComfyProvider, hostId } from '../../providers/comfyui/index.js';
import { loadScorers } from '../../scorers/registry.js';
import { runningStack } from '../../stack/index.js';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { openStorage } from '../../storage/index.js';
import { createOutput } from '../output.js';

export interface Check {
  part: string;
  state: 'ok' | 'missing' | 'broken';
  /** What was found. */
  found: string;
  /** What to type, where something is not ok. */
  todo: string | null;
}

/** `comfy-cull doctor`: what works, what is missing, what to type. Starts and installs nothing. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check Node, Temporal, the ComfyUIs, the storage, the scorers and their models')
    .option('--json', 'one JSON document: { checks: [{ part, state, found, todo }] }')
    .action(async (options: { json?: true }) => {
      const output = createOutput({ json: options.json === true });
      const config = readConfig(process.env);
      const asked = await Promise.all([temporal(config), comfyuis(config), storage(config), scorers(config)]);
      const checks = [...node(), ...asked.flat()];
      output.document({ checks });
      for (const { part, state, found, todo } of checks)
        output.text(
          `${state.padEnd(8)} ${part.padEnd(12)} ${found}${todo === null ? '' : `\n${' '.repeat(22)}-> ${todo}`}`,
        );
      process.exitCode = checks.some(({ state }) => state === 'broken') ? 1 : 0;
    });
}

function node(): Check[] {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return [
    {
      part: 'node',
      state: ok ? 'ok' : 'broken',
      found: process.version,
      todo: ok ? null : 'install Node 20.19 or newer',
    },
  ];
}

async function temporal(config: Config): Promise<Check[]> {
  const target = temporalTarget(process.env);
  const stack = target ? undefined : await runningStack(config.dir);
  const address = target?.address ?? stack?.temporal?.address;
  const checks: Check[] = [];
  if (!target) {
    try {
      const { path, version, from } = await resolveTemporalBinary({
        dir: config.dir,
        cliPath: config.temporalCliPath,
        install: false,
      });
      checks.push({ part: 'temporal', state: 'ok', found: `${path} ${version} (${from})`, todo: null });
    } catch (error) {
      const todo =
        'nothing: the first `comfy-cull demo` or `generate` gets one; offline, install https://docs.temporal.io/cli/setup-cli';
      checks.push({ part: 'temporal', state: 'missing', found: messageOf(error), todo });
    }
  }
  if (address === undefined) {
    checks.push({
      part: 'stack',
      state: 'missing',
      found: `no embedded stack runs in ${config.dir}`,
      todo: 'nothing: `generate` starts it',
    });
    return checks;
  }
  try {
    const cull = await Cull.connect({
      target: target ?? embeddedTarget(address),
      storage: openStorage(config.storage),
      tenant: config.tenant,
    });
    const worker = await cull.hasWorker();
    await cull.close();
    checks.push({ part: 'temporal', state: 'ok', found: `${address} answers`, todo: null });
    checks.push({
      part: 'worker',
      state: worker ? 'ok' : 'missing',
      found: worker ? 'a worker polls' : 'no worker polls',
      todo: worker ? null : `TEMPORAL_ADDRESS=${address} comfy-cull worker`,
    });
  } catch (error) {
    const hint = error instanceof CullError ? (error.hint ?? null) : null;
    checks.push({ part: 'temporal', state: 'broken', found: messageOf(error), todo: hint });
  }
  return checks;
}

async function comfyuis(config: Config): Promise<Check[]> {
  if (config.comfyUrls.length === 0)
    return [
      {
        part: 'comfyui',
        state: 'missing',
        found: 'CULL_COMFYUI_URLS is not set: two simulated ComfyUIs draw',
        todo: 'CULL_COMFYUI_URLS=http://127.0.0.1:8188 comfy-cull generate …',
      },
    ];
  return Promise.all(
    config.comfyUrls.map(async (url): Promise<Check> => {
      const provider = createComfyProvider({ host: { id: hostId(url), url }, peers: [] });
      const health = await provider.health();
      await provider.close();
      return health.ok
        ? { part: 'comfyui', state: 'ok', found: `${url} answers, ${health.queueDepth ?? 0} in its queue`, todo: null }
        : {
            part: 'comfyui',
            state: 'broken',
            found: `${url}: ${health.reason ?? 'no answer'}`,
            todo: `start ComfyUI there, or correct CULL_COMFYUI_URLS`,
          };
    }),
  );
}

async function storage(config: Config): Promise<Check[]> {
  try {
    const store = openStorage(config.storage);
    const key = `_registry/doctor/${randomUUID()}`;
    await store.put(key, 'doctor');
    const back = await store.get(key);
    await store.delete(key);
    const ok = back?.body.toString() === 'doctor';
    return [
      {
        part: 'storage',
        state: ok ? 'ok' : 'broken',
        found: `${store.description} ${ok ? 'writes and reads' : 'does not give back what was written'}`,
        todo: null,
      },
    ];
  } catch (error) {
    const hint = error instanceof CullError ? (error.hint ?? null) : null;
    return [{ part: 'storage', state: 'broken', found: messageOf(error), todo: hint }];
  }
}

async function scorers(config: Config): Promise<Check[]> {
  try {
    const all = await loadScorers(config.scorers);
    const models = all.flatMap(({ spec }) => spec.models.map(({ id }) => id));
    return [
      {
        part: 'scorers',
        state: 'ok',
        found: `${all.length}: ${all.map(({ spec }) => spec.id).join(', ')}`,
        todo: null,
      },
      {
        part: 'models',
        state: 'ok',
        found: models.length === 0 ? 'none of these scorers needs a model' : models.join(', '),
        todo: null,
      },
    ];
  } catch (error) {
    const hint = error instanceof CullError ? (error.hint ?? null) : null;
    return [{ part: 'scorers', state: 'broken', found: messageOf(error), todo: hint }];
  }
}
