import type { Command } from 'commander';
import { checkRequest, DEFAULT_CANDIDATES } from '../../client/request.js';
import { readConfig } from '../../config.js';
import { connect } from '../connect.js';
import { follow } from '../follow.js';
import { checkInputs } from '../../templates/inputs.js';
import { parseInputs, resolveInputs } from '../inputs.js';
import { collect, wholeNumber } from '../options.js';
import { checkOut } from '../out-folder.js';
import { createOutput } from '../output.js';
import { readRelease } from '../release.js';
import { SANDBOX_CLIP_NOTE, sandboxClip } from '../../stack/sandbox-clip.js';

interface Options {
  input: string[];
  deliver: number;
  candidates: number;
  policy?: string;
  out: string;
  seed?: number;
  key?: string;
  cap?: number;
  deadline?: string;
  budget?: number;
  detach?: true;
  json?: true;
}

/** `comfy-cull generate <template>`: draw N, deliver the best K that pass. */
export function addGenerate(program: Command): void {
  program
    .command('generate')
    .description('draw candidates from a template and deliver the best that pass')
    .argument('<template>', 'API-format workflow JSON, with its bindings beside it (name.template.yaml)')
    .option('-i, --input <name=value>', 'template input; repeat for more', collect, [])
    .option('-k, --deliver <K>', 'images to deliver', wholeNumber, 1)
    .option('-n, --candidates <N>', 'candidates to draw, up to 2000', wholeNumber, DEFAULT_CANDIDATES)
    .option('-p, --policy <file>', "policy file (default: the template's)")
    .option('-o, --out <folder>', 'where the files go', 'out')
    .option('-s, --seed <seed>', 'seed of the request, 0 to 2^53-1 (default: random)', Number)
    .option('--key <key>', 'idempotency key: the same key and body is the same request')
    .option('--cap <N>', 'not supported yet', Number)
    .option('--deadline <duration>', 'not supported yet')
    .option('--budget <usd>', 'not supported yet', Number)
    .option('-d, --detach', 'print the id and return; the request goes on')
    .option('--json', 'print result.json on stdout, all else on stderr')
    .action(async (template: string, options: Options) => {
      const output = createOutput({ json: options.json === true });
      const config = readConfig(process.env);
      // All that can be refused without a server is refused before one is started.
      const release = await readRelease(template, {
        policyPath: options.policy,
        scorers: config.scorers,
        allowNodes: config.allowNodes,
      });
      const given = parseInputs(options.input);
      const { deliver, candidates, seed, key, cap, deadline, budget: budgetUsd } = options;
      const asked = { deliver, candidates, seed, key, cap, deadline, budgetUsd };
      checkRequest(asked);
      checkInputs(release, given);
      if (!options.detach) await checkOut(options.out);

      const { cull, stack, close } = await connect(config, { start: true, onStep: output.note });
      try {
        if (stack?.comfyui.every(({ sandbox }) => sandbox)) {
          output.note('CULL_COMFYUI_URLS is not set: two simulated ComfyUIs draw');
          if (sandboxClip(config) !== undefined) output.note(SANDBOX_CLIP_NOTE);
        }
        const request = await cull.generate({
          release,
          inputs: await resolveInputs(cull, release, given),
          ...asked,
        });
        output.note(
          `request ${request}: best ${options.deliver} of ${options.candidates}, ${release.bindings.name}, ${release.id.slice(0, 19)}`,
        );
        if (options.detach) {
          output.document({ request });
          output.text(request);
          return;
        }
        process.exitCode = await follow(cull, request, { output, out: options.out });
      } finally {
        await close();
      }
    });
}
