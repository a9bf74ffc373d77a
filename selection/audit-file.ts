/** The part `audit` of a policy file: `{ nearGate: 0.05, rejects: 0.01, margin: 0.05 }`. */
import { DEFAULT_MARGIN } from './audit.js';
import { readShare } from './diversity-file.js';
import type { Entry, LocatedYaml } from './located-yaml.js';
import type { Audit, Policy } from './types.js';

const MEANING: Record<keyof Audit, string> = {
  nearGate: ' (share of the passes near a gate)',
  rejects: ' (share of the rejects)',
  margin: ' (0.05: 5 points of quality, or 5 % of a raw value)',
};
const FIELDS = Object.keys(MEANING) as (keyof Audit)[];

/** Shares for a person to look at. */
export function readAudit(yaml: LocatedYaml, at: Entry): Pick<Policy, 'audit'> {
  const audit: Partial<Audit> = {};
  const before = yaml.problemCount;
  const entries = yaml.entries(at, 'audit', FIELDS);
  for (const entry of entries) {
    const field = entry.key as keyof Audit;
    const share = readShare(yaml, entry, MEANING[field]);
    if (share !== undefined) audit[field] = share;
  }
  const margin = entries.find(({ key }) => key === 'margin');
  if (yaml.problemCount > before) return {};
  if (margin && audit.nearGate === undefined)
    yaml.problem(margin.keyOffset, 'margin says what is near a gate, and there is no nearGate');
  else if (audit.nearGate === undefined && audit.rejects === undefined)
    yaml.problem(at.keyOffset, 'audit names no share: give nearGate or rejects');
  return { audit: { nearGate: 0, rejects: 0, margin: DEFAULT_MARGIN, ...audit } };
}
