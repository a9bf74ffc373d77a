import type { Command } from 'commander';
import { readConfig, readHub } from '../../config.js';
import { CullError } from '../../errors.js';
import { MANIFEST } from '../../scorers/models/manifest.js';
import { pullModels } from '../../scorers/models/pull.js';
import { listModels, verifyModel } from '../../scorers/models/store.js';
import { loadScorers } from '../../scorers/registry.js';
import { createOutput } from '../output.js';
import { createPullView, modelLine } from '../views/models.js';

interface Shared {
  json?: true;
}

/** `comfy-cull models list|pull|verify`: the models that scorers want. */
export function addModels(program: Command): void {
  const models = program.command('models').description('list, pull and verify the models that scorers want');

  models
    .command('list')
    .description('every model: whether it is there, its size, its licence, and which scorers want it')
    .option('--json', 'NDJSON: one { id, state, bytes, licence, source, roles, scorers, about, problem } a line')
    .action(async (options: Shared) => {
      const output = createOutput({ json: options.json === true });
      const config = readConfig(process.env);
      for (const row of await listModels(config.models, await loadScorers(config.scorers))) {
        output.document(row);
        output.text(modelLine(row));
      }
      output.note(`in ${config.models}`);
    });

  models
    .command('pull')
    .description('fetch models, check them, convert them; without ids: those that scorers want')
    .argument('[ids...]', 'ids of `models list`; owner/name[#dtype] for another CLIP of the hub; all for every one')
    .option('--from <folder>', 'take them from a folder instead of the network: a models folder, .tgz files, a package')
    .option('--again', 'also those that are there')
    .option('--json', 'one JSON document: { pulled: [id] }')
    .action(async (ids: string[], options: Shared & { from?: string; again?: true }) => {
      const output = createOutput({ json: options.json === true });
      const config = readConfig(process.env);
      const view = createPullView({ note: output.note, stream: process.stderr });
      const pulled = await pullModels({
        folder: config.models,
        ids: await wanted(ids, config.scorers, config.models),
        from: options.from,
        hub: readHub(process.env),
        again: options.again === true,
        onProgress: view,
      });
      output.document({ pulled });
      output.text(pulled.length === 0 ? 'nothing to pull: all are there' : `pulled ${pulled.join(', ')}`);
    });

  models
    .command('verify')
    .description('hash the models that are there again and run their golden input')
    .argument('[ids...]', 'ids of `models list`; all that are there by default')
    .option('--json', 'NDJSON: one { id, ok, by, problems } a line')
    .action(async (ids: string[], options: Shared) => {
      const output = createOutput({ json: options.json === true });
      const config = readConfig(process.env);
      const there = (await listModels(config.models)).filter(({ state }) => state !== 'missing').map(({ id }) => id);
      let bad = 0;
      for (const id of ids.length === 0 ? there : ids) {
        const found = await verifyModel(config.models, id);
        if (found === undefined)
          throw new CullError('USAGE', `there is no model ${id} in ${config.models}`, {
            hint: `comfy-cull models pull ${id}`,
          });
        if (!found.ok) bad++;
        output.document(found);
        output.text(
          found.ok
            ? `${id.padEnd(16)} ok (${found.by})`
            : `${id.padEnd(16)} BROKEN: ${found.problems.join('; ')}\n${' '.repeat(17)}-> comfy-cull models pull ${id} --again`,
        );
      }
      if (bad > 0) process.exitCode = 1;
    });
}

/** Without ids: what the scorers that run want and what is not there yet by other means. */
async function wanted(ids: string[], modules: string[], folder: string): Promise<string[]> {
  if (ids.includes('all')) return MANIFEST.map(({ id }) => id);
  if (ids.length > 0) return ids;
  const rows = await listModels(folder, await loadScorers(modules));
  return rows.filter(({ scorers, state }) => scorers.length > 0 && state !== 'own').map(({ id }) => id);
}
