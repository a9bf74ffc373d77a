/** A policy file (YAML, short forms) to a `Policy` (canonical form): every mistake with file, line and column. */
import { readAudit } from './audit-file.js';
import { canonicalPolicy, TIERS } from './canonical-policy.js';
import { didYouMean } from './closest.js';
import { readDiversity, readFullShare, readMinPerGroup } from './diversity-file.js';
import { LocatedYaml, type Entry, type Located } from './located-yaml.js';
import { questionDimensions, readQuestions } from './questions.js';
import { scorerOf, type Versions } from './pins.js';
import { readPins, type ModelNames } from './pins-file.js';
import { readRank } from './rank-file.js';
import { checkRule } from './rule-check.js';
import type { Bounds, Gate, OnUnassessable, Policy, Tier } from './types.js';

/** What a policy must know of a dimension; a scorer's own declaration fits. */
export interface DimensionInfo {
  direction: 'higher' | 'lower' | 'target';
  unit: string;
  /** Smallest and largest possible raw value; may be infinite. */
  range: readonly [number, number];
}

/** Dimension id -> its declaration. */
export type Dimensions = Record<string, DimensionInfo>;

const TOP = [
  'policy',
  'gates',
  'rank',
  'diversity',
  'minPerGroup',
  'deliverReview',
  'audit',
  'fullShare',
  'questions',
  'params',
  'pins',
] as const;
const ON_UNASSESSABLE: readonly OnUnassessable[] = ['reject', 'review', 'ignore'];
export const QUALITY_RANGE: readonly [number, number] = [0, 100];

/** What a policy file is read with. */
export interface PolicyFile {
  /** The name that mistakes are reported under. */
  file: string;
  /** Everything that is measured. */
  dimensions: Dimensions;
  /** The text of a file that the policy names (`rank: { model: ranker.yaml }`), relative to it. @default such a file is a mistake */
  open?: (path: string) => string;
  /** Of the scorers that are to measure by it here: pins of others are mistakes. @default not looked at */
  versions?: Versions;
  /** Of the scorers that are here: pins of others are mistakes, and of a part of a hash. @default not looked at */
  models?: ModelNames;
}

interface Reading {
  yaml: LocatedYaml;
  dimensions: Dimensions;
}

/**
 * Reads a policy file. Gates come in the order generic, useCase, business, and within a tier as in the file; a tier is the author's choice and
 * need not be the scorer's. `quality` or `raw` says what a threshold is on; bounds are inclusive.
 *
 * @param text YAML
 * @returns the canonical form, with all defaults filled in
 * @throws CullError POLICY_UNKNOWN_DIMENSION if a dimension or scorer is not known, else POLICY_INVALID; the message has one line per mistake,
 *   `file:line:column: what`
 *
 * @example
 * const text = 'policy: sharp\ngates: { generic: { sharpness.tileP90: { quality: { min: 40 } } } }';
 * parsePolicy(text, { file: 'sharp.yaml', dimensions: dimensionsOf(builtInScorers) }).gates[0]?.id; // 'sharpness.tileP90'
 */
export function parsePolicy(text: string, options: PolicyFile): Policy {
  const yaml = new LocatedYaml(text, { file: options.file, code: 'POLICY_INVALID' });
  const reading: Reading = { yaml, dimensions: options.dimensions };
  const policy: Policy = {
    policy: '',
    gates: [],
    rank: {},
    diversity: { minDistance: 0 },
    deliverReview: false,
    params: {},
  };
  const top = yaml.entries(yaml.root, 'the policy', TOP);
  const asked = top.find(({ key }) => key === 'questions');
  if (asked) {
    policy.questions = readQuestions(yaml, asked);
    reading.dimensions = { ...reading.dimensions, ...questionDimensions(policy.questions) };
  }
  const rankReading = {
    yaml,
    open: options.open,
    checkDimension: (at: LocatedYaml, entry: Entry) => void findDimension({ ...reading, yaml: at }, entry),
  };
  for (const entry of top) {
    if (entry.key === 'policy') policy.policy = yaml.text(entry, 'policy (its name)') ?? '';
    else if (entry.key === 'gates') policy.gates = readGates(reading, entry);
    else if (entry.key === 'rank') Object.assign(policy, readRank(rankReading, entry));
    else if (entry.key === 'diversity') policy.diversity = readDiversity(yaml, entry);
    else if (entry.key === 'minPerGroup') Object.assign(policy, readMinPerGroup(yaml, entry));
    else if (entry.key === 'deliverReview') policy.deliverReview = yaml.boolean(entry, 'deliverReview') ?? false;
    else if (entry.key === 'audit') Object.assign(policy, readAudit(yaml, entry));
    else if (entry.key === 'fullShare') Object.assign(policy, readFullShare(yaml, entry));
    else if (entry.key === 'params') policy.params = readParams(reading, entry);
    else if (entry.key === 'pins') {
      const scorers = [...new Set(Object.keys(reading.dimensions).map(scorerOf))];
      policy.pins = readPins(yaml, entry, { scorers, versions: options.versions, models: options.models });
    }
  }
  if (yaml.problemCount === 0 && policy.policy === '') yaml.problem(0, 'the policy has no name: add "policy: <name>"');
  yaml.finish();
  return canonicalPolicy(policy);
}

function readGates(reading: Reading, at: Located): Gate[] {
  const { yaml } = reading;
  const gates: Gate[] = [];
  for (const tier of yaml.entries(at, 'gates', TIERS))
    for (const entry of yaml.entries(tier, `gates.${tier.key}`)) {
      const twin = gates.find((gate) => gate.id === entry.key);
      if (twin) yaml.problem(entry.keyOffset, `there is already a gate "${entry.key}" in ${twin.tier}`);
      const gate = readGate(reading, entry, tier.key as Tier);
      if (gate) gates.push(gate);
    }
  return gates;
}

function readGate(reading: Reading, at: Entry, tier: Tier): Gate | undefined {
  const { yaml } = reading;
  const isRule = yaml.has(at, 'rule');
  const known = isRule
    ? ['rule', 'reason', 'onUnassessable']
    : ['raw', 'quality', 'review', 'reason', 'onUnassessable'];
  const fields = new Map(yaml.entries(at, `the gate ${at.key}`, known).map((entry) => [entry.key, entry]));
  const field = <T>(name: string, read: (entry: Entry) => T): T | undefined => {
    const entry = fields.get(name);
    return entry && read(entry);
  };
  const common = {
    id: at.key,
    tier,
    onUnassessable:
      field('onUnassessable', (entry) => yaml.choice(entry, 'onUnassessable', ON_UNASSESSABLE)) ?? 'reject',
  };
  const reason = field('reason', (entry) => yaml.text(entry, 'reason'));

  if (isRule) {
    if (at.key.trim() === '')
      yaml.problem(at.keyOffset, 'this rule needs a name: rejections are told and counted by it');
    const rule = field('rule', (entry) => readRule(reading, entry));
    if (!fields.has('reason'))
      yaml.problem(at.keyOffset, `the rule ${at.key} needs a "reason": the words for an image that it rejects`);
    return rule && { kind: 'rule', ...common, ...rule, reason: reason ?? '' };
  }

  const dimension = findDimension(reading, at);
  const [on, other] = fields.has('quality') ? (['quality', 'raw'] as const) : (['raw', 'quality'] as const);
  if (fields.has(other)) {
    yaml.problem(at.keyOffset, `the gate ${at.key} has both raw and quality: choose one`);
    return undefined;
  }
  if (!fields.has(on)) {
    yaml.problem(at.keyOffset, `the gate ${at.key} needs "quality", "raw" or "rule"`);
    return undefined;
  }
  if (!dimension) return undefined;
  const unit = on === 'quality' ? 'quality' : dimension.unit;
  const limits = { range: on === 'quality' ? QUALITY_RANGE : dimension.range, unit };
  const accept = field(on, (entry) => readBounds(reading, entry, limits));
  const review = field('review', (entry) => readReview(reading, entry, { ...limits, accept }));
  if (!accept) return undefined;
  if (common.onUnassessable === 'ignore' && allowsAll(accept, limits.range))
    yaml.problem(
      fields.get(on)?.offset ?? at.offset,
      `the gate ${at.key} rejects nothing: every value from ${limits.range.join(' to ')} passes, and what has none is ignored`,
    );
  return {
    kind: 'threshold',
    ...common,
    dimension: at.key,
    on,
    accept,
    ...(review && { review }),
    ...(reason !== undefined && { reason }),
  };
}

function readRule({ yaml, dimensions }: Reading, at: Entry): { rule: string; dimensions: string[] } | undefined {
  const rule = yaml.text(at, 'rule');
  if (rule === undefined) return undefined;
  const checked = checkRule(rule, dimensions);
  for (const { message, unknownDimension } of checked.problems)
    yaml.problem(at.offset, message, unknownDimension ? 'POLICY_UNKNOWN_DIMENSION' : undefined);
  return { rule, dimensions: checked.dimensions };
}

/** Whether bounds let every value of a range pass. */
export const allowsAll = (
  { min = -Infinity, max = Infinity }: Bounds,
  [low, high]: readonly [number, number],
): boolean => min <= low && max >= high;

interface Limits {
  range: readonly [number, number];
  unit: string;
}

function readBounds({ yaml }: Reading, at: Entry, { range: [low, high], unit }: Limits): Bounds | undefined {
  const bounds: Bounds = {};
  const before = yaml.problemCount;
  const entries = yaml.entries(at, at.key, ['min', 'max']);
  for (const entry of entries) {
    const name = entry.key as 'min' | 'max';
    const value = yaml.number(entry, name);
    if (value === undefined) continue;
    if (value < low || value > high)
      yaml.problem(entry.offset, `${name} ${value} is outside the possible ${low} to ${high} (${unit})`);
    bounds[name] = value;
  }
  if (entries.length === 0) {
    if (yaml.problemCount === before) yaml.problem(at.offset, `${at.key} needs min or max`);
    return undefined;
  }
  if (bounds.min !== undefined && bounds.max !== undefined && bounds.min > bounds.max) {
    yaml.problem(at.offset, `min ${bounds.min} is above max ${bounds.max}: nothing can pass`);
    return undefined;
  }
  return bounds;
}

/** The review band must be wider than what is accepted, or no candidate would ever be in it. */
function readReview(reading: Reading, at: Entry, { accept, ...limits }: Limits & { accept: Bounds | undefined }) {
  const { yaml } = reading;
  const review = readBounds(reading, at, limits);
  if (!review || !accept) return undefined;
  const widensMin = review.min !== undefined && accept.min !== undefined && review.min < accept.min;
  const widensMax = review.max !== undefined && accept.max !== undefined && review.max > accept.max;
  const narrows =
    (review.min !== undefined && review.min > (accept.min ?? -Infinity)) ||
    (review.max !== undefined && review.max < (accept.max ?? Infinity));
  if (narrows || !(widensMin || widensMax)) {
    yaml.problem(at.offset, 'review must be wider than the bounds that accept: a lower min or a higher max');
    return undefined;
  }
  return review;
}

function readParams({ yaml, dimensions }: Reading, at: Entry): Policy['params'] {
  const scorers = [...new Set(Object.keys(dimensions).map(scorerOf))];
  const params: Policy['params'] = {};
  for (const entry of yaml.entries(at, 'params')) {
    if (!scorers.includes(entry.key))
      yaml.problem(
        entry.keyOffset,
        `there is no scorer ${entry.key}${didYouMean(entry.key, scorers)}`,
        'POLICY_UNKNOWN_DIMENSION',
      );
    params[entry.key] = Object.fromEntries(
      yaml
        .entries(entry, `params.${entry.key}`)
        .map((field) => [field.key, yaml.json(field, `params.${entry.key}.${field.key}`)]),
    );
  }
  return params;
}

/** Notes a dimension that nothing measures, with the closest one, or with those of its scorer. */
function findDimension({ yaml, dimensions }: Reading, at: Entry): DimensionInfo | undefined {
  if (Object.hasOwn(dimensions, at.key)) return dimensions[at.key];
  const names = Object.keys(dimensions);
  const siblings = names.filter((name) => scorerOf(name) === at.key.split('.')[0]);
  const meant =
    didYouMean(at.key, names) ||
    (siblings.length > 0
      ? `; this scorer measures ${siblings.join(', ')}`
      : '; scorers from outside are named in CULL_SCORERS');
  yaml.problem(at.keyOffset, `nothing measures ${at.key}${meant}`, 'POLICY_UNKNOWN_DIMENSION');
  return undefined;
}
