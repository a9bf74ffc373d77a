/** The parts `diversity`, `minPerGroup` and `fullShare` of a policy file. */
import type { Entry, LocatedYaml } from './located-yaml.js';
import type { Diversity, Policy } from './types.js';

/** `{ minDistance: 0.05, lambda: 0.7, by: embedding }`. */
export function readDiversity(yaml: LocatedYaml, at: Entry): Diversity {
  const diversity: Diversity = { minDistance: 0 };
  let by: Entry | undefined;
  for (const entry of yaml.entries(at, 'diversity', ['minDistance', 'lambda', 'by'])) {
    if (entry.key === 'minDistance') diversity.minDistance = readShare(yaml, entry, ' (share of differing bits)') ?? 0;
    else if (entry.key === 'lambda') {
      const lambda = readShare(yaml, entry, ' (1: quality alone, 0: variety alone)');
      if (lambda !== undefined) diversity.lambda = lambda;
    } else {
      by = entry;
      const chosen = yaml.choice(entry, 'by', ['embedding', 'fingerprint']);
      if (chosen) diversity.by = chosen;
    }
  }
  if (by && diversity.lambda === undefined)
    yaml.problem(by.keyOffset, 'by says what lambda compares, and there is no lambda');
  return diversity;
}

/** A share from 0 to 1. `meaning` follows the range in the words of a problem. */
export function readShare(yaml: LocatedYaml, entry: Entry, meaning: string): number | undefined {
  const value = yaml.number(entry, entry.key);
  if (value !== undefined && (value < 0 || value > 1))
    yaml.problem(entry.offset, `${entry.key} ${value} is outside the possible 0 to 1${meaning}`);
  return value;
}

/** `0.05`. */
export function readFullShare(yaml: LocatedYaml, at: Entry): Pick<Policy, 'fullShare'> {
  const fullShare = readShare(yaml, at, ' (share of the candidates that run every scorer)');
  return fullShare === undefined ? {} : { fullShare };
}

/** `15`, or `{ studio: 15, outdoor: 20 }`. */
export function readMinPerGroup(yaml: LocatedYaml, at: Entry): Pick<Policy, 'minPerGroup'> {
  const least = (entry: Entry, what: string): number | undefined => {
    const value = yaml.number(entry, what);
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 1))
      yaml.problem(entry.offset, `${what} must be a whole number of at least 1, not ${value}`);
    return value;
  };
  if (!yaml.isMapping(at)) {
    const forAll = least(at, 'minPerGroup');
    return forAll === undefined ? {} : { minPerGroup: forAll };
  }
  const groups = yaml.entries(at, 'minPerGroup');
  if (groups.length === 0) yaml.problem(at.keyOffset, 'minPerGroup names no group');
  return {
    minPerGroup: Object.fromEntries(
      groups.map((entry) => [entry.key, least(entry, `the minimum of the group ${entry.key}`) ?? 0]),
    ),
  };
}
