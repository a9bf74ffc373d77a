/**
 * Prints the golden row of a scorer on a picture: `npx tsx test/scorers/golden/row.ts <scorer> <picture> [--reference <picture>] [--prompt <text>]`.
 */
import { parseArgs } from 'node:util';
import { goldenRow } from './rows.js';
import { goldenModels } from './models.js';
import { builtInScorers } from '../../../scorers/registry.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { reference: { type: 'string', multiple: true }, prompt: { type: 'string' } },
});
const [scorer = '', picture = ''] = positionals;
const { reference: references, prompt } = values;
const wants = builtInScorers.find(({ spec }) => spec.id === scorer)?.spec.models ?? [];
const row = await goldenRow(
  { scorer, picture, ...(references && { references }), ...(prompt !== undefined && { prompt }) },
  wants.length === 0 ? {} : { models: await goldenModels() },
);
console.log(JSON.stringify(row));
