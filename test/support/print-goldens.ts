/** Prints `GOLDENS` of scorers/models/goldens.ts from pulled models: `npx tsx test/support/print-goldens.ts <models folder> [ids…]`. */
import { join } from 'node:path';
import { MANIFEST } from '../../scorers/models/manifest.js';
import { runSynthetic } from '../../scorers/models/synthetic.js';

/** What free dimensions become: batch, then height and width of a picture or the length of a line. */
const CHOSEN = [1, 3, 64, 96];

const [folder = '', ...ids] = process.argv.slice(2);
for (const { id, inputs, parts } of MANIFEST) {
  if (parts !== undefined || (ids.length > 0 && !ids.includes(id))) continue;
  const dims = Object.fromEntries(
    inputs.map((input) => [input.name, input.dims.map((dim, i) => dim ?? CHOSEN[i] ?? 1)]),
  );
  const outputs = await runSynthetic(join(folder, id, 'model.onnx'), { inputs, dims });
  // what is sorted by score comes in another order where two scores round otherwise
  const steady = Object.entries(outputs).filter(([name]) => !name.endsWith('/detections'));
  const samples = steady.map(([name, data]) => [name, informative(data)]);
  console.log(`  ${id}: ${JSON.stringify({ inputs: dims, outputs: Object.fromEntries(samples) as unknown })},`);
}

/** The smallest, the largest, and quarters between, by value. */
function informative(data: Float32Array): [number, number][] {
  const order = [...data.keys()].sort((a, b) => data[a]! - data[b]! || a - b);
  const chosen = [0, 0.25, 0.5, 0.75, 1].map((share) => order[Math.round(share * (order.length - 1))]!);
  return [...new Set(chosen)].sort((a, b) => a - b).map((i) => [i, Number(data[i]!.toPrecision(6))]);
}
