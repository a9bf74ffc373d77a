/** Labels joined with the scores of their pictures: what thresholds are tuned on. */
import { CullError } from '../../errors.js';
import { didYouMean } from '../closest.js';
import type { Policy, RequestFields, Scores } from '../types.js';
import { grouped } from './groups.js';
import { listed, type Label, type LabelSource } from './labels.js';

/** A picture that was measured. */
export interface ScoredPicture {
  /** Every name that a label may call it by: `request/7`, storage key, file, sha256. The first is shown to people. */
  names: readonly string[];
  /** What it shares its fate with: its request. */
  job: string;
  scores: Scores;
  /** Hash of its pixels, where it is known: the same in two requests (a seed that was asked for twice) is one picture. */
  pixels?: string;
  /** For rules that read it. */
  request?: RequestFields | undefined;
}

/** A picture with scores and a human verdict. */
export interface Example {
  picture: string;
  job: string;
  subgroup: string | null;
  scores: Scores;
  request?: RequestFields | undefined;
  /** Whether the picture as a whole is good; null if only some of its gates were judged. */
  good: boolean | null;
  /** Only where Cull asked for every verdict on it: it was not picked at random. */
  from?: LabelSource;
  /** Gate id -> verdict. */
  gates: Readonly<Record<string, boolean>>;
}

export interface Joined {
  examples: Example[];
  /** Pictures that were labelled but not measured; only with `unknown: 'leave-out'`. */
  unknown: string[];
  /** Gates that were judged but are not in the policy; only with `unknown: 'leave-out'`. */
  otherGates: string[];
  /** Pictures on which people differ and that count as failed; only with `disagreement: 'fail'`. */
  disagreements: string[];
}

/**
 * One example per labelled picture. The verdict on the whole picture is the label without a gate; where there is none, one failed gate fails it, and
 * it is good if every gate that the labels judge anywhere was passed. Two verdicts of one person: the later one counts.
 * The same pixels in two requests are one picture, and the two requests one job: on both sides of the split they would judge what they chose.
 *
 * @param options `unknown`: labels of pictures that were not measured, or of gates that the policy does not have, are an error, or left out (labels in
 *   storage reach further back than the scores that were asked for, and are of other policies too). `disagreement`: an error, or the
 *   picture counts as failed. Pictures that people differ on are never left out: they are the hard ones, without them every bound would flatter.
 * @throws CullError LABELS_UNKNOWN_CANDIDATE, LABELS_CONTRADICT, LABELS_INVALID (a gate that the policy does not have), each naming all
 *
 * @example
 * joinLabels(labels, pictures, { policy, unknown: 'error', disagreement: 'error' }).examples[0]?.good;
 */
export function joinLabels(
  labels: readonly Label[],
  pictures: readonly ScoredPicture[],
  options: { policy: Policy; unknown: 'error' | 'leave-out'; disagreement: 'error' | 'fail' },
): Joined {
  const ids = options.policy.gates.map(({ id }) => id);
  const otherGates = [...new Set(labels.flatMap(({ gate }) => (gate === null || ids.includes(gate) ? [] : gate)))];
  if (otherGates.length > 0 && options.unknown === 'error')
    throw new CullError(
      'LABELS_INVALID',
      listed(
        otherGates.map((gate) => `the policy ${options.policy.policy} has no gate "${gate}"${didYouMean(gate, ids)}`),
      ),
      { hint: 'leave the gate out to judge the picture as a whole', details: otherGates },
    );
  const byName = new Map(pictures.flatMap((picture) => picture.names.map((name) => [name, picture] as const)));
  const unknown = new Set<string>();
  const known: { label: Label; picture: ScoredPicture }[] = [];
  for (const label of labels) {
    if (label.gate !== null && otherGates.includes(label.gate)) continue;
    const picture = byName.get(label.picture);
    if (picture) known.push({ label, picture });
    else unknown.add(label.picture);
  }
  if (unknown.size > 0 && options.unknown === 'error')
    throw new CullError(
      'LABELS_UNKNOWN_CANDIDATE',
      listed([...unknown].map((name) => `${name} has a label, but no scores`)),
      { hint: 'name the manifest or the score lines that it is in with --scores', details: [...unknown] },
    );

  const wanted = [...new Set(known.flatMap(({ label }) => label.gate ?? []))];
  const differ: string[] = [];
  const mixed: string[] = [];
  const disagreements = new Set<string>();
  const jobOf = clustersOf(pictures);
  const examples = [...grouped(known, ({ picture }) => idOf(picture)).values()].map((all): Example => {
    const name = nameOf(all[0]?.picture);
    const own = all.map(({ label }) => label);
    const verdicts = new Map<string | null, boolean>();
    const last = lastWords(own);
    for (const said of last) {
      const gate = said[0]?.gate ?? null;
      const failed = said.filter(({ pass }) => !pass);
      verdicts.set(gate, failed.length === 0);
      if (failed.length === 0 || failed.length === said.length) continue;
      const people = (some: Label[]): string => some.map(({ who }) => who).join(', ');
      const passed = said.filter(({ pass }) => pass);
      differ.push(`${name}, ${gate ?? 'as a whole'}: pass says ${people(passed)}, fail says ${people(failed)}`);
      disagreements.add(name);
    }
    const asked = new Set(last.flat().map(({ from }) => from));
    const from = asked.has(undefined) ? undefined : asked.has('review') ? 'review' : 'audit';
    const only = (what: 'job' | 'subgroup'): string | undefined => {
      const values = [...new Set(last.flat().flatMap((label) => label[what] ?? []))];
      if (values.length > 1) mixed.push(`${name} has more than one ${what}: ${values.join(', ')}`);
      return values[0];
    };
    const gates = Object.fromEntries([...verdicts].flatMap(([gate, pass]) => (gate === null ? [] : [[gate, pass]])));
    const picture = all[0]?.picture as ScoredPicture;
    return {
      picture: name,
      job: only('job') ?? jobOf(picture.job),
      subgroup: only('subgroup') ?? null,
      scores: picture.scores,
      request: picture.request,
      good: verdicts.get(null) ?? wholeOf(gates, wanted),
      gates,
      ...(from && { from }),
    };
  });
  refuse(mixed, 'a picture belongs to one job and one subgroup: correct the labels');
  if (options.disagreement === 'error')
    refuse(differ, 'settle them, or let every picture count as failed that one person failed: --disagreement fail');
  return { examples, unknown: [...unknown], otherGates, disagreements: [...disagreements] };
}

function refuse(lines: readonly string[], hint: string): void {
  if (lines.length > 0) throw new CullError('LABELS_CONTRADICT', listed(lines), { hint, details: lines });
}

const nameOf = (picture: ScoredPicture | undefined): string => picture?.names[0] ?? '';

const idOf = (picture: ScoredPicture): string => picture.pixels ?? nameOf(picture);

/** Job -> the first by name of all jobs that it shares a picture with, or that these do. */
function clustersOf(pictures: readonly ScoredPicture[]): (job: string) => string {
  const heads = new Map<string, string>();
  const headOf = (job: string): string => {
    let head = job;
    for (let next = heads.get(head); next !== undefined; next = heads.get(head)) head = next;
    return head;
  };
  const drawnBy = new Map<string, string>();
  for (const { pixels, job } of pictures) {
    if (pixels === undefined) continue;
    const [one, other] = [headOf(job), headOf(drawnBy.get(pixels) ?? job)];
    drawnBy.set(pixels, job);
    if (one < other) heads.set(other, one);
    else if (other < one) heads.set(one, other);
  }
  return headOf;
}

/** The last word of each person, by gate. Without a time nothing is last, nor is one of two of the same time: both words stand. */
function lastWords(labels: readonly Label[]): Label[][] {
  const by = ({ gate, who }: Label): string => JSON.stringify([gate, who]);
  const latest = new Map<string, string>();
  for (const label of labels) {
    const known = latest.get(by(label)) ?? '';
    if (label.at !== undefined && label.at > known) latest.set(by(label), label.at);
  }
  const last = labels.filter((label) => label.at === undefined || label.at === latest.get(by(label)));
  // The same word twice is one.
  const words = new Map(
    last.map((label) => [JSON.stringify([by(label), label.pass, label.job, label.subgroup]), label]),
  );
  return [...grouped(words.values(), ({ gate }) => JSON.stringify(gate)).values()];
}

function wholeOf(gates: Readonly<Record<string, boolean>>, wanted: readonly string[]): boolean | null {
  if (Object.values(gates).includes(false)) return false;
  return wanted.every((gate) => gates[gate] === true) ? true : null;
}
