import { Option, type Command } from 'commander';
import { readConfig } from '../../config.js';
import { connect } from '../connect.js';
import { DEMO_JOBS, pullFor } from '../demo-jobs.js';
import { follow } from '../follow.js';
import { resolveInputs } from '../inputs.js';
import { checkOut } from '../out-folder.js';
import { createOutput } from '../output.js';
import { SANDBOX_CLIP_NOTE, sandboxClip } from '../../stack/sandbox-clip.js';
import { readRelease } from '../release.js';

const [DELIVER, CANDIDATES] = [4, 24];

interface Options {
  job: keyof typeof DEMO_JOBS;
  out: string;
  seed?: number;
  json?: true;
}

/** `comfy-cull demo`: the main jobs on this machine alone, with simulated ComfyUIs. */
export function addDemo(program: Command): void {
  program
    .command('demo')
    .description(`the best ${DELIVER} of ${CANDIDATES} pictures, drawn by two simulated ComfyUIs on this machine`)
    .addOption(
      new Option('-j, --job <job>', 'product: shots from a prompt; headshot, garment: a photo redrawn')
        .choices(Object.keys(DEMO_JOBS))
        .default('product'),
    )
    .option('-o, --out <folder>', 'where the files go', 'out')
    .option('-s, --seed <seed>', 'seed of the request (default: random)', Number)
    .option('--json', 'print result.json on stdout, all else on stderr')
    .action(async ({ job, out, seed, json }: Options) => {
      const output = createOutput({ json: json === true });
      const config = { ...readConfig(process.env), comfyUrls: [] };
      const { template, about, inputs: inputsOf } = DEMO_JOBS[job];
      const release = await readRelease(template, {
        policyPath: undefined,
        scorers: config.scorers,
        allowNodes: config.allowNodes,
      });
      await checkOut(out);
      const given = await inputsOf(config);
      await pullFor(release.policy, { config, output });
      const { cull, close } = await connect(config, { start: true, embedded: true, onStep: output.note });
      try {
        const inputs = await resolveInputs(cull, release, given);
        const request = await cull.generate({ release, inputs, deliver: DELIVER, candidates: CANDIDATES, seed });
        output.note(`request ${request}: the best ${DELIVER} of ${CANDIDATES} candidates of ${about}`);
        if (job === 'product' && sandboxClip(config) !== undefined) output.note(SANDBOX_CLIP_NOTE);
        process.exitCode = await follow(cull, request, { output, out });
      } finally {
        await close();
      }
    });
}
