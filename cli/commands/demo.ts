import type { Command } from 'commander';
import { readConfig } from '../../config.js';
import { connect } from '../connect.js';
import { follow } from '../follow.js';
import { resolveInputs } from '../inputs.js';
import { checkOut } from '../out-folder.js';
import { createOutput } from '../output.js';
import { readRelease } from '../release.js';

const TEMPLATE = 'examples/templates/product.json';
const PROMPT = 'product photo of a red mug on a white background';

/** `comfy-cull demo`: the main job on this machine alone, with simulated ComfyUIs. */
export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('the best 4 of 24 product shots, drawn by two simulated ComfyUIs on this machine')
    .option('-o, --out <folder>', 'where the files go', 'out')
    .option('-s, --seed <seed>', 'seed of the request (default: random)', Number)
    .option('--json', 'print result.json on stdout, all else on stderr')
    .action(async (options: { out: string; seed?: number; json?: true }) => {
      const output = createOutput({ json: options.json === true });
      const config = { ...readConfig(process.env), comfyUrls: [] };
      const release = await readRelease(TEMPLATE, {
        policyPath: undefined,
        scorers: config.scorers,
        allowNodes: config.allowNodes,
      });
      await checkOut(options.out);
      const { cull, close } = await connect(config, { start: true, embedded: true, onStep: output.note });
      try {
        const inputs = await resolveInputs(cull, release, { prompt: PROMPT });
        const request = await cull.generate({ release, inputs, deliver: 4, candidates: 24, seed: options.seed });
        output.note(`request ${request}: the best 4 of 24 candidates of "${PROMPT}"`);
        process.exitCode = await follow(cull, request, { output, out: options.out });
      } finally {
        await close();
      }
    });
}
