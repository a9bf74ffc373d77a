/** A policy as people say it. */
import type { Dimensions } from './policy-file.js';
import type { Audit, Diversity, Gate, LogisticModel, Policy } from './types.js';
import { wanted } from './words.js';

/**
 * What a gate wants, completely: two gates with the same words are the same gate.
 *
 * @param dimensions for the units
 *
 * @example
 * gateWords(gate, dimensions); // 'generic: at most 8 grey levels, in review at most 9; unmeasured: reject'
 */
export function gateWords(gate: Gate, dimensions: Dimensions): string {
  const decides = `unmeasured: ${gate.onUnassessable}`;
  const says = gate.reason === undefined ? '' : `; says ${JSON.stringify(gate.reason)}`;
  if (gate.kind === 'rule') return `${gate.tier}: holds ${gate.rule}; ${decides}${says}`;
  const { accept, review } = gate;
  const unit = Object.hasOwn(dimensions, gate.dimension) ? ` ${dimensions[gate.dimension]?.unit ?? ''}` : '';
  const bounds = gate.on === 'quality' ? `quality ${wanted(accept)}` : `${wanted(accept)}${unit}`;
  const band = review ? `, in review ${wanted({ ...accept, ...review })}` : '';
  return `${gate.tier}: ${bounds}${band}; ${decides}${says}`;
}

/** How unlike the winners must be. */
export function diversityWords({ minDistance, lambda, by = 'embedding' }: Diversity): string {
  const apart =
    minDistance === 0 ? 'only equal pixels are one image' : `near-duplicates under a distance of ${minDistance}`;
  return lambda === undefined ? `${apart}; quality picks` : `${apart}; ${lambda} quality against likeness by ${by}`;
}

/** A name that somebody chose, in a list: in quotes where it could be read as more than one, or as other words. */
export const nameWords = (name: string): string => (/^[\w.-]+$/.test(name) ? name : JSON.stringify(name));

/** Winners that each group must have; a group may be called "each". */
export function groupWords(minPerGroup: Policy['minPerGroup']): string {
  if (minPerGroup === undefined) return 'none';
  if (typeof minPerGroup === 'number') return `${minPerGroup} of every group`;
  return Object.entries(minPerGroup)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, least]) => `${least} of ${nameWords(group)}`)
    .join(', ');
}

/** A fitted model, completely: two with the same words rank alike and know the same of themselves. */
export function rankModelWords({ intercept, weights, fittedOn = {} }: LogisticModel): string {
  const sorted = (of: Record<string, number | string>) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1));
  const terms = sorted(weights).map(([dimension, weight]) => `${weight} ${dimension}`);
  const facts = sorted(fittedOn).map(([name, value]) => `${nameWords(name)} ${JSON.stringify(value)}`);
  return `logistic ${[intercept, ...terms].join(' + ')}${facts.length === 0 ? '' : `; fitted on ${facts.join(', ')}`}`;
}

/** What is marked for a person to look at. */
export function auditWords(audit: Audit | undefined): string {
  if (!audit) return 'none';
  const { nearGate, rejects, margin } = audit;
  return `a share of ${nearGate} of the passes within ${margin} of a gate, and of ${rejects} of the rejects`;
}

/** Which candidates run every scorer whatever gates say. */
export const fullShareWords = (fullShare: number): string =>
  `the share ${fullShare} of the candidates runs every scorer, rejected or not`;
