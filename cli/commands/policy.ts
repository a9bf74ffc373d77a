import type { Command } from 'commander';
import { readFile, writeFile } from 'node:fs/promises';
import { modelOptionsOf, readConfig } from '../../config.js';
import { CullError } from '../../errors.js';
import { dimensionsOf, loadScorers, versionsOf } from '../../scorers/registry.js';
import { FULL_SHARE } from '../../selection/cascade.js';
import { measureText, type Measures } from '../../selection/comparable.js';
import { pinned } from '../../selection/pins.js';
import { changeWords, diffPolicies } from '../../selection/policy-diff.js';
import { replacePart } from '../../selection/policy-edit.js';
import { policyNotes } from '../../selection/policy-notes.js';
import {
  auditWords,
  diversityWords,
  fullShareWords,
  gateWords,
  groupWords,
  rankModelWords,
} from '../../selection/policy-words.js';
import { questionDimensions } from '../../selection/questions.js';
import type { Pins, Policy } from '../../selection/types.js';
import { hashPolicy } from '../../templates/release.js';
import { measuresFor } from '../measures.js';
import { createOutput, errorText, exitCodeOf } from '../output.js';
import { findFile, readPolicy } from '../release.js';

interface Shared {
  json?: true;
}

/** `comfy-cull policy check|show|pin|diff`: policy files, without a server. */
export function addPolicy(program: Command): void {
  const policies = program.command('policy').description('check, show, pin and compare policy files');

  policies
    .command('check')
    .description('names every mistake with its line')
    .argument('<files...>', 'policy files')
    .option('--json', 'NDJSON: one { file, ok, sha256, code, problems: [{ line, column, message }], notes } a file')
    .action(async (files: string[], options: Shared) => {
      const output = createOutput({ json: options.json === true });
      const { scorers } = readConfig(process.env);
      for (const file of files) {
        try {
          const policy = await readPolicy(file, scorers, { toMeasure: true });
          const sha256 = hashPolicy(policy);
          const measured = dimensionsOf(await loadScorers(scorers));
          const notes = policyNotes(policy, { ...measured, ...questionDimensions(policy.questions ?? {}) });
          output.document({ file, ok: true, sha256, code: null, problems: [], notes });
          output.text(`${file}: ok, ${policy.gates.length} gates, ${sha256}`);
          for (const note of notes) output.text(`  note: ${note}`);
        } catch (error) {
          if (!(error instanceof CullError)) throw error;
          process.exitCode = exitCodeOf(error);
          output.document({ file, ok: false, sha256: null, code: error.code, problems: problemsOf(error), notes: [] });
          if (!output.json) output.note(errorText(error));
        }
      }
    });

  policies
    .command('show')
    .description('its canonical form, what pins it, and its gates in words')
    .argument('<file>', 'policy file')
    .option('--json', 'one JSON document: { file, sha256, measures, gates: [{ id, words }], policy }')
    .action(async (file: string, options: Shared) => {
      const output = createOutput({ json: options.json === true });
      const config = readConfig(process.env);
      const policy = await readPolicy(file, config.scorers);
      const scorers = await loadScorers(config.scorers);
      const measures = await measuresFor(policy, { scorers, models: modelOptionsOf(config) });
      const sha256 = hashPolicy(policy);
      const dimensions = { ...dimensionsOf(scorers), ...questionDimensions(policy.questions ?? {}) };
      const gates = policy.gates.map((gate) => ({ id: gate.id, words: gateWords(gate, dimensions) }));
      output.document({ file, sha256, measures, gates, policy });
      output.text(shown(policy, { sha256, measures, gates }));
    });

  policies
    .command('pin')
    .description('writes into a policy what measures its dimensions here: versions of scorers, hashes of models')
    .argument('<file>', 'policy file')
    .option('-o, --out <file>', 'where to; without: standard output')
    .action(async (file: string, { out }: { out?: string }) => {
      const output = createOutput({ json: false });
      const config = readConfig(process.env);
      const { pins: _, ...policy } = await readPolicy(file, config.scorers);
      const scorers = await loadScorers(config.scorers);
      const measures = await measuresFor(policy, { scorers, models: modelOptionsOf(config) });
      const models = Object.assign({}, ...Object.values(measures).map((measure) => measure.models)) as Pins['models'];
      const pins: Pins = {
        scorers: { ...pinned(policy, versionsOf(scorers)).pins?.scorers },
        ...(Object.keys(models ?? {}).length > 0 && { models }),
      };
      const text = replacePart(await readFile(findFile(file), 'utf8'), { key: 'pins', value: pins, file });
      if (out === undefined) output.text(text.trimEnd());
      else await writeFile(out, text);
      const unknown = Object.keys(measures).filter((dimension) => measures[dimension]?.models === undefined);
      if (unknown.length > 0)
        output.note(`models that are not on this machine are not pinned: those of ${unknown.join(', ')}`);
    });

  policies
    .command('diff')
    .description('what differs between two policies, in words')
    .argument('<before>', 'policy file')
    .argument('<after>', 'policy file')
    .option('--json', 'one JSON document: { same, before, after, changes: [{ what, name, before, after }] }')
    .action(async (before: string, after: string, options: Shared) => {
      const output = createOutput({ json: options.json === true });
      const { scorers } = readConfig(process.env);
      const [a, b] = [await readPolicy(before, scorers), await readPolicy(after, scorers)];
      const dimensions = {
        ...dimensionsOf(await loadScorers(scorers)),
        ...questionDimensions({ ...a.questions, ...b.questions }),
      };
      const changes = diffPolicies(a, b, dimensions);
      output.document({
        same: changes.length === 0,
        before: { file: before, sha256: hashPolicy(a) },
        after: { file: after, sha256: hashPolicy(b) },
        changes,
      });
      output.text(changes.length === 0 ? `the same policy: ${hashPolicy(a)}` : changes.map(changeWords).join('\n'));
    });
}

/** Where each mistake stands; a file that cannot be read has none. */
function problemsOf({ details, message }: CullError): unknown {
  const known = typeof details === 'object' && details !== null && 'problems' in details ? details.problems : undefined;
  return known ?? [{ line: null, column: null, message }];
}

function shown(
  policy: Policy,
  { sha256, measures, gates }: { sha256: string; measures: Measures; gates: readonly { id: string; words: string }[] },
): string {
  return [
    `policy ${policy.policy}, ${sha256}`,
    'gates',
    ...gates.map(({ id, words }) => `  ${id}: ${words}`),
    'rank',
    ...(policy.rankModel
      ? [`  ${rankModelWords(policy.rankModel)}`]
      : Object.entries(policy.rank).map(([dimension, weight]) => `  ${dimension} ${weight}`)),
    `diversity: ${diversityWords(policy.diversity)}`,
    `minimum per group: ${groupWords(policy.minPerGroup)}`,
    `the band review ${policy.deliverReview ? 'passes' : 'does not pass'}`,
    `for a person to look at: ${auditWords(policy.audit)}`,
    fullShareWords(policy.fullShare ?? FULL_SHARE),
    policy.pins ? 'pinned to' : 'measured by',
    ...Object.entries(measures).map(
      ([dimension, { scorer, models }]) =>
        `  ${dimension}: ${models ? measureText(scorer, models) : `${scorer}, with models that are not here`}`,
    ),
    'canonical form',
    JSON.stringify(policy, null, 2),
  ].join('\n');
}
