import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { Cull } from '../../client/cull.js';
import { embeddedTarget, temporalTarget } from '../../client/temporal.js';
import { modelOptionsOf, readConfig, type Config } from '../../config.js';
import { CullError, messageOf } from '../../errors.js';
import { readMembers } from '../../fleet/known.js';
import { withoutSecrets } from '../../fleet/members.js';
import { readHosts } from '../../fleet/registry.js';
import { createComfyProvider } from '../../providers/comfyui/index.js';
import { checkedProviders, resolveModel } from '../../scorers/models/sessions.js';
import { listModels } from '../../scorers/models/store.js';
import { loadScorers } from '../../scorers/registry.js';
import { runningStack } from '../../stack/index.js';
import { resolveTemporalBinary } from '../../stack/temporal-binary.js';
import { proveConditional } from '../../storage/conditional.js';
import { openStorage } from '../../storage/index.js';
import { openAt } from '../open-comfyui.js';
import { createOutput } from '../output.js';
import { hostWords } from '../views/fleet.js';

export interface Check {
  part: string;
  /** `warning`: it works, and something about it is dangerous. */
  state: 'ok' | 'warning' | 'missing' | 'broken';
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
      const asked = await Promise.all([temporal(config), comfyuisOrWhy(config), storage(config), scorers(config)]);
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

/** A fleet file that cannot be read is one more finding. */
const comfyuisOrWhy = (config: Config): Promise<Check[]> =>
  comfyuis(config).catch((error: unknown) => [
    {
      part: 'comfyui',
      state: 'broken',
      found: messageOf(error),
      todo: error instanceof CullError ? (error.hint ?? null) : null,
    },
  ]);

async function comfyuis(config: Config): Promise<Check[]> {
  const members = await readMembers(config);
  if (members.length === 0)
    return [
      {
        part: 'comfyui',
        state: 'missing',
        found: 'no ComfyUI is named: two simulated ones draw',
        todo: 'CULL_COMFYUI_URLS=http://127.0.0.1:8188 comfy-cull generate …, or comfy-cull fleet add http://127.0.0.1:8188',
      },
    ];
  const hosts = await readHosts(openStorage(config.storage));
  return Promise.all(
    members.map(async (member): Promise<Check> => {
      const { id, source } = member;
      const url = withoutSecrets(member.url);
      const provider = createComfyProvider({ host: { ...member, ca: config.comfyCa } });
      const health = await provider.health();
      await provider.close();
      const host = hosts.find((one) => one.host === id);
      const state = host ? `, ${hostWords(host)}` : ', no worker has looked at it';
      if (health.ok) {
        const found = `${id} at ${url} (${source}) answers, ${health.queueDepth ?? 0} in its queue${state}`;
        if (host?.state === 'paused' || host?.needsRestart)
          return { part: 'comfyui', state: 'broken', found, todo: host.needsRestart ? 'restart that ComfyUI' : null };
        const open = await openAt(url, { ca: config.comfyCa });
        if (open === undefined) return { part: 'comfyui', state: 'ok', found, todo: null };
        return {
          part: 'comfyui',
          state: 'warning',
          found: `${found}; and it answers everybody who reaches ${open}, without a key: whoever does can run any graph, and read its files`,
          todo: 'let it listen on 127.0.0.1 only, behind a proxy that asks for a key: deploy/README.md',
        };
      }
      return {
        part: 'comfyui',
        state: member.drained ? 'missing' : 'broken',
        found: `${id} at ${url} (${source}): ${health.reason ?? 'no answer'}${state}`,
        todo: `start ComfyUI there, or take it out: comfy-cull fleet remove ${id}`,
      };
    }),
  );
}

async function storage(config: Config): Promise<Check[]> {
  try {
    const store = openStorage(config.storage);
    const [bytes, conditions] = [0, 1].map(() => `_registry/doctor/${randomUUID()}`) as [string, string];
    await store.put(bytes, 'doctor');
    const back = await store.get(bytes);
    await store.delete(bytes);
    if (back?.body.toString() !== 'doctor')
      return [
        {
          part: 'storage',
          state: 'broken',
          found: `${store.description} does not give back what was written`,
          todo: null,
        },
      ];
    await proveConditional((body, wish) => store.put(conditions, body, wish), store.description).finally(() =>
      store.delete(conditions),
    );
    const found = `${store.description} writes and reads, and keeps conditions on writes`;
    return [{ part: 'storage', state: 'ok', found, todo: null }];
  } catch (error) {
    const hint = error instanceof CullError ? (error.hint ?? null) : null;
    return [{ part: 'storage', state: 'broken', found: messageOf(error), todo: hint }];
  }
}

async function scorers(config: Config): Promise<Check[]> {
  try {
    const all = await loadScorers(config.scorers);
    const found = `${all.length}: ${all.map(({ spec }) => spec.id).join(', ')}`;
    return [{ part: 'scorers', state: 'ok', found, todo: null }, ...(await models(config, all))];
  } catch (error) {
    const hint = error instanceof CullError ? (error.hint ?? null) : null;
    return [{ part: 'scorers', state: 'broken', found: messageOf(error), todo: hint }];
  }
}

/** One finding for all models that are there, and one for each that is wanted and is not, or is broken. */
async function models(config: Config, all: Parameters<typeof listModels>[1]): Promise<Check[]> {
  checkedProviders(config.executionProviders);
  const rows = await listModels(config.models, all);
  const wanted = rows.filter(({ scorers }) => scorers.length > 0);
  const good = rows.filter(({ state }) => state === 'present' || state === 'own');
  const checks: Check[] = [];
  if (wanted.length === 0) checks.push({ part: 'models', state: 'ok', found: 'no scorer wants any', todo: null });
  if (good.length > 0)
    checks.push({
      part: 'models',
      state: 'ok',
      found: `${good.map(({ id }) => id).join(', ')} in ${config.models}`,
      todo: null,
    });
  for (const { id, state, scorers, problem } of rows) {
    if (state === 'damaged' || state === 'outdated')
      checks.push({
        part: 'models',
        state: state === 'damaged' ? 'broken' : 'missing',
        found: `${id} is ${state}${problem === null ? '' : `: ${problem}`}`,
        todo: `comfy-cull models pull ${id} --again`,
      });
    if (state === 'missing' && scorers.length > 0)
      checks.push({
        part: 'models',
        state: 'missing',
        found: `no ${id}: what it measures (${scorers.join(', ')}) is unassessable`,
        todo: `comfy-cull models pull ${id}`,
      });
  }
  for (const [role, model] of Object.entries(config.useModels)) {
    const { folder } = resolveModel(role, modelOptionsOf(config));
    const isThere = existsSync(folder);
    checks.push({
      part: 'models',
      state: isThere ? 'ok' : 'missing',
      found: `${role} is ${model}${isThere ? '' : `, and there is no ${folder}`}`,
      todo: isThere ? null : 'pull it, or correct CULL_USE_MODELS',
    });
  }
  return checks;
}
