/** The part `rank` of a policy file: weights, or a fitted logistic model, written out or in a file of its own. */
import { CullError, messageOf } from '../errors.js';
import { LocatedYaml, type Entry, type Problem } from './located-yaml.js';
import type { LogisticModel, Policy } from './types.js';

/** What reading needs of its surroundings. */
export interface RankReading {
  yaml: LocatedYaml;
  /** Notes a dimension that nothing measures, where it stands. */
  checkDimension: (yaml: LocatedYaml, at: Entry) => void;
  /** The text of a file that the policy names, relative to the policy; throws if it cannot be read. Absent: no file can be read here. */
  open?: ((path: string) => string) | undefined;
}

/**
 * `{ sharpness.tileP90: 1 }`, `{ logistic: { intercept: -3.1, weights: { sharpness.tileP90: 0.04 } } }`, or `{ model: ranker.yaml }` with such a `logistic`
 * in that file. Dimensions have a dot in their names, so none is called like these two.
 */
export function readRank(reading: RankReading, at: Entry): Pick<Policy, 'rank' | 'rankModel'> {
  const { yaml } = reading;
  const entries = yaml.entries(at, 'rank');
  const special = entries.find(({ key }) => key === 'logistic' || key === 'model');
  if (!special) return { rank: readWeights(reading, entries, (dimension) => `the weight of ${dimension}`) };
  const other = entries.find((entry) => entry !== special);
  if (other) yaml.problem(other.keyOffset, `rank has ${special.key} and ${other.key}: choose one`);
  const rankModel = special.key === 'logistic' ? readLogistic(reading, special) : readModelFile(reading, special);
  return { rank: {}, ...(rankModel && { rankModel }) };
}

/** Sums of far larger ones are Infinity, and every quality then none. */
const MOST_WEIGHT = 1e9;

function readWeights(
  { yaml, checkDimension }: RankReading,
  entries: readonly Entry[],
  nameOf: (dimension: string) => string,
): Record<string, number> {
  const weights: Record<string, number> = {};
  for (const entry of entries) {
    checkDimension(yaml, entry);
    const weight = yaml.number(entry, nameOf(entry.key));
    if (weight !== undefined && weight <= 0) yaml.problem(entry.offset, `${nameOf(entry.key)} must be above 0`);
    else if (weight !== undefined && weight > MOST_WEIGHT)
      yaml.problem(entry.offset, `${nameOf(entry.key)} must be at most ${MOST_WEIGHT}: smaller ones say the same`);
    weights[entry.key] = weight ?? 1;
  }
  return weights;
}

function readLogistic(reading: RankReading, at: Entry): LogisticModel | undefined {
  const { yaml } = reading;
  const before = yaml.problemCount;
  const fields = new Map(
    yaml.entries(at, 'logistic', ['intercept', 'weights', 'fittedOn']).map((entry) => [entry.key, entry]),
  );
  const [intercept, weights, fittedOn] = ['intercept', 'weights', 'fittedOn'].map((name) => fields.get(name));
  if (!intercept) yaml.problem(at.keyOffset, 'logistic needs "intercept", a number');
  if (!weights) yaml.problem(at.keyOffset, 'logistic needs "weights": dimension -> weight per point of quality');
  const constant = intercept && yaml.number(intercept, 'intercept');
  const named = weights && yaml.entries(weights, 'weights');
  if (weights && named?.length === 0 && yaml.problemCount === before)
    yaml.problem(weights.offset, 'weights names no dimension: nothing would rank');
  const read = readWeights(reading, named ?? [], (dimension) => `the weight of ${dimension}`);
  const facts = fittedOn && readFacts(yaml, fittedOn);
  if (yaml.problemCount > before || constant === undefined) return undefined;
  return { intercept: constant, weights: read, ...(facts && { fittedOn: facts }) };
}

function readFacts(yaml: LocatedYaml, at: Entry): Record<string, number | string> {
  const facts: Record<string, number | string> = {};
  for (const entry of yaml.entries(at, 'fittedOn')) {
    const value = yaml.json(entry, `fittedOn.${entry.key}`);
    if (typeof value === 'number' || typeof value === 'string') facts[entry.key] = value;
    else if (value !== undefined) yaml.problem(entry.offset, `fittedOn.${entry.key} must be a number or a text`);
  }
  return facts;
}

/** Mistakes of the model's file are named with its lines, at the place where the policy names it. */
function readModelFile(reading: RankReading, at: Entry): LogisticModel | undefined {
  const { yaml, open } = reading;
  const path = yaml.text(at, 'model (a file)');
  if (path === undefined) return undefined;
  let text: string;
  try {
    if (!open) throw new Error('no file is read here; write the model out under rank: { logistic: … }');
    text = open(path);
  } catch (error) {
    yaml.problem(at.offset, `the model ${path} cannot be read: ${messageOf(error)}`);
    return undefined;
  }
  try {
    const file = new LocatedYaml(text, { file: path, code: 'POLICY_INVALID' });
    const [logistic] = file.entries(file.root, 'the model', ['logistic']);
    const model = logistic && readLogistic({ ...reading, yaml: file }, logistic);
    if (!logistic && file.problemCount === 0) file.problem(0, 'the model needs "logistic": { intercept, weights }');
    file.finish();
    return model;
  } catch (error) {
    if (!(error instanceof CullError)) throw error;
    for (const { line, column, message } of (error.details as { problems: Problem[] }).problems)
      yaml.problem(at.offset, `${path}:${line}:${column}: ${message}`, error.code);
    return undefined;
  }
}
