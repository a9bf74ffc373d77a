import { Option, type Command } from 'commander';
import { checkNotGiven } from '../../client/groups.js';
import { askedText, checkRequest, DEFAULT_CANDIDATES } from '../../client/request.js';
import type { Mode } from '../../selection/stopping.js';
import type { ImageAsk } from '../../workflows/contract.js';
import { readConfig } from '../../config.js';
import { connect } from '../connect.js';
import { follow } from '../follow.js';
import { checkInputs } from '../../templates/inputs.js';
import { checkVary } from '../../templates/vary.js';
import { parseInputs, parseVary, resolveInputs } from '../inputs.js';
import { collect, duration, number, wholeNumber } from '../options.js';
import { checkOut } from '../out-folder.js';
import { createOutput } from '../output.js';
import { readRelease } from '../release.js';
import { SANDBOX_CLIP_NOTE, sandboxClip } from '../../stack/sandbox-clip.js';

interface Options {
  input: string[];
  vary: string[];
  deliver: number;
  candidates?: number;
  mode?: Mode;
  hurry?: number;
  policy?: string;
  out: string;
  seed?: number;
  key?: string;
  cap?: number;
  deadline?: number;
  budget?: number;
  stream?: true;
  pointsEach?: number;
  review?: 'wait' | 'end';
  format?: ImageAsk['format'];
  quality?: number;
  maxSize?: number;
  keepMetadata?: true;
  explain: 'all' | 'gates';
  detach?: true;
  json?: true;
}

/** `comfy-cull generate <template>`: draw until K pass, or N and keep the best K that pass. */
export function addGenerate(program: Command): void {
  program
    .command('generate')
    .description('draw candidates from a template and deliver the best that pass')
    .argument('<template>', 'API-format workflow JSON, with its bindings beside it (name.template.yaml)')
    .option('-i, --input <name=value>', 'template input; repeat for more', collect, [])
    .option(
      '--vary <input=values>',
      'draw candidates with each of these values of an input: style=studio,office; each is a group',
      collect,
      [],
    )
    .option('-k, --deliver <K>', 'images to deliver', wholeNumber, 1)
    .option('--cap <N>', 'candidates to draw at most (default: 16 per image, at least 64; up to 2000)', wholeNumber)
    .option('--hurry <0..1>', '0: no candidate more than needed; 1: as fast as can be (default: 0.6)', number)
    .option('--deadline <time>', 'what is not there by then is a shortfall: 90s, 5m; at most 365d', duration)
    .option('--budget <usd>', 'stop before it is spent; needs CULL_COMFYUI_USD_PER_HOUR', number)
    .addOption(
      new Option(
        '--review <what>',
        'too few pass, but some are in the band review: end as a shortfall, or wait for a person until the deadline (without one: 7 days)',
      ).choices(['end', 'wait']),
    )
    .addOption(
      new Option(
        '--mode <mode>',
        'quota: until K pass. best-of: N, the best K of them. value: on, while one more is worth it',
      ).choices(['quota', 'best-of', 'value']),
    )
    .option(
      '--points-each <points>',
      'mode value: what one candidate costs, in points of quality over all K images (default: 1)',
      number,
    )
    .option(
      '-n, --candidates <N>',
      `mode best-of: candidates to draw (default: ${DEFAULT_CANDIDATES}; up to 2000)`,
      wholeNumber,
    )
    .addOption(
      new Option('--explain <what>', 'all: every candidate runs every scorer; gates: the first hard failure stops')
        .choices(['all', 'gates'])
        .default('gates'),
    )
    .option('-p, --policy <file>', "policy file (default: the template's)")
    .option('-o, --out <folder>', 'where the files go', 'out')
    .addOption(
      new Option('--format <format>', 'format of the images (default: as drawn)').choices([
        'png',
        'jpeg',
        'webp',
        'avif',
      ]),
    )
    .option('--quality <1..100>', 'quality of jpeg, webp and avif (default: 90, 90, 65)', number)
    .option('--max-size <pixels>', 'longer side of the images at most', wholeNumber)
    .option('--keep-metadata', 'leave in what ComfyUI writes into an image: the graph with its prompts')
    .option('-s, --seed <seed>', 'seed of the request, 0 to 2^53-1 (default: random)', number)
    .option('--key <key>', 'idempotency key: the same key and body is the same request')
    .addOption(
      new Option('--stream', 'show each winner so far as it passes; with --json an event a line').conflicts('detach'),
    )
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
      const varied = parseVary(options.vary);
      const vary = varied && { input: varied.input, values: checkVary(release, varied) };
      const { deliver, mode, candidates, cap, hurry, pointsEach, explain, seed, key, review } = options;
      const { deadline: deadlineMs, budget: budgetUsd } = options;
      const bounds = { deliver, mode, candidates, cap, hurry, pointsEach, deadlineMs, budgetUsd };
      const asked = { ...bounds, explain, seed, key, review, vary, ...imagesOf(options) };
      checkRequest({ ...asked, release });
      checkNotGiven(varied, given);
      // with a value of the varied input in its place, nothing else may be missing
      const whole = varied ? { ...given, [varied.input]: varied.values[0] ?? '' } : given;
      checkInputs(release, whole);
      if (!options.detach) await checkOut(options.out);

      const { cull, stack, close } = await connect(config, { start: true, onStep: output.note });
      try {
        if (stack?.comfyui.every(({ sandbox }) => sandbox)) {
          output.note('CULL_COMFYUI_URLS is not set: two simulated ComfyUIs draw');
          if (sandboxClip(config) !== undefined) output.note(SANDBOX_CLIP_NOTE);
        }
        const resolved = Object.entries(await resolveInputs(cull, release, whole));
        const inputs = Object.fromEntries(resolved.filter(([name]) => name !== varied?.input));
        const request = await cull.generate({ release, inputs, ...asked });
        output.note(
          `request ${request}: ${askedText(await cull.requestDoc(request))}, ${release.bindings.name}, ${release.id.slice(0, 19)}`,
        );
        if (options.detach) {
          output.document({ request });
          output.text(request);
          return;
        }
        process.exitCode = await follow(cull, request, {
          output,
          out: options.out,
          stream: options.stream === true,
        });
      } finally {
        await close();
      }
    });
}

/** Nothing where nothing was asked: such a request is the same as ever. */
function imagesOf({ format, quality, maxSize, keepMetadata }: Options): { images?: ImageAsk } {
  const images: ImageAsk = {
    ...(format && { format }),
    ...(quality !== undefined && { quality }),
    ...(maxSize !== undefined && { maxSize }),
    ...(keepMetadata && { keepMetadata }),
  };
  return Object.keys(images).length === 0 ? {} : { images };
}
