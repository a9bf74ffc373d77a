/** What differs between two policies, in words. */
import type { Dimensions } from './policy-file.js';
import {
  auditWords,
  diversityWords,
  fullShareWords,
  gateWords,
  groupWords,
  nameWords,
  rankModelWords,
} from './policy-words.js';
import type { Policy } from './types.js';

export interface PolicyChange {
  what:
    | 'name'
    | 'gate'
    | 'order'
    | 'rank'
    | 'rankModel'
    | 'diversity'
    | 'minPerGroup'
    | 'deliverReview'
    | 'audit'
    | 'fullShare'
    | 'question'
    | 'params'
    | 'pin';
  /** Gate, dimension, question, scorer or model; empty where there is but one of its kind. */
  name: string;
  /** In words; null where it is not there. */
  before: string | null;
  after: string | null;
}

/**
 * Every difference between two policies in canonical form; none exactly where their canonical JSON is the same.
 *
 * @example
 * diffPolicies(before, after, dimensions);
 * // [{ what: 'gate', name: 'noise.sigma', before: 'generic: at most 8 …', after: 'generic: at most 6.5 …' }]
 */
export function diffPolicies(before: Policy, after: Policy, dimensions: Dimensions): PolicyChange[] {
  const [a, b] = [wordsOf(before, { dimensions, other: after }), wordsOf(after, { dimensions, other: before })];
  return (Object.keys(a) as PolicyChange['what'][]).flatMap((what) => {
    const names = [...new Set([...a[what].keys(), ...b[what].keys()])];
    return names.flatMap((name): PolicyChange[] => {
      const [was, is] = [a[what].get(name) ?? null, b[what].get(name) ?? null];
      return was === is ? [] : [{ what, name, before: was, after: is }];
    });
  });
}

/** `+ gate`, `- gate`, `~ gate … -> …`. */
export function changeWords({ what, name, before, after }: PolicyChange): string {
  const thing = name === '' ? what : `${what} ${name}`;
  if (before === null) return `+ ${thing}: ${after ?? ''}`;
  if (after === null) return `- ${thing}: ${before}`;
  return `~ ${thing}: ${before}\n    now ${after}`;
}

/** Every part of a policy by what it is and its name, in words that say all of it. */
type Words = Record<PolicyChange['what'], Map<string, string>>;

function wordsOf(policy: Policy, { dimensions, other }: { dimensions: Dimensions; other: Policy }): Words {
  const {
    gates,
    rank,
    rankModel,
    diversity,
    minPerGroup,
    deliverReview,
    fullShare,
    audit,
    questions = {},
    params,
    pins,
  } = policy;
  const shared = gates.map(({ id }) => id).filter((id) => other.gates.some((gate) => gate.id === id));
  const one = (text: string | undefined) => new Map(text === undefined ? [] : [['', text]]);
  const each = <T>(of: Record<string, T>, words: (value: T) => string) =>
    new Map(Object.entries(of).map(([name, value]) => [name, words(value)]));
  return {
    name: one(policy.policy),
    gate: new Map(gates.map((gate) => [gate.id, gateWords(gate, dimensions)])),
    // a gate that came or went is said once
    order: one(shared.map(nameWords).join(', ')),
    rank: each(rank, (weight) => `weight ${weight}`),
    rankModel: one(rankModel && rankModelWords(rankModel)),
    diversity: one(diversityWords(diversity)),
    minPerGroup: one(minPerGroup === undefined ? undefined : groupWords(minPerGroup)),
    deliverReview: one(deliverReview ? 'the band review passes' : 'the band review does not pass'),
    audit: one(audit && auditWords(audit)),
    fullShare: one(fullShare === undefined ? undefined : fullShareWords(fullShare)),
    question: each(questions, ({ ask, want }) => `${ask} (want: ${want})`),
    params: each(params, sortedJson),
    pin: new Map([
      ...Object.entries(pins?.scorers ?? {}).map(([id, version]) => [`scorer ${id}`, version] as const),
      ...Object.entries(pins?.models ?? {}).map(([id, sha256]) => [`model ${id}`, sha256] as const),
    ]),
  };
}

/** The same text for the same values, whatever the order of their keys. */
const sortedJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
