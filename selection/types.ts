/** The words of selection: scores in, verdicts and winners out. Pure data; nothing here does I/O or reads a clock. */

export type Tier = 'generic' | 'useCase' | 'business';

/** A dimension's value on a candidate (DESIGN "score"). Never 0 for "could not be measured". */
export type Score = (
  | { status: 'ok'; /** in the dimension's unit */ raw: number; /** 0..100, 100 best */ quality: number }
  | { status: 'unassessable'; reason: string }
  | { status: 'notRun' }
  | { status: 'error'; error: string }
) & {
  /** `id@version` of what measured it */ scorer: string;
  /** Models that it came from: id -> sha256. Scores of different models are never compared. */
  models?: Record<string, string>;
  facts?: Record<string, unknown>;
};

/** Dimension id (`exposure.clippedShare`) -> score. */
export type Scores = Record<string, Score>;

export interface Bounds {
  /** Inclusive. */
  min?: number;
  /** Inclusive. */
  max?: number;
}

/** What happens to a candidate whose score is `unassessable`, `error` or `notRun` at this gate. */
export type OnUnassessable = 'reject' | 'review' | 'ignore';

/** A pass/fail threshold on one dimension. Exactly one of `raw` and `quality`. */
export interface ThresholdGate {
  kind: 'threshold';
  /** Gate id = dimension id. */
  id: string;
  tier: Tier;
  dimension: string;
  on: 'raw' | 'quality';
  /** Accept inside these. */
  accept: Bounds;
  /** Outside `accept` but inside these: band review. */
  review?: Bounds;
  onUnassessable: OnUnassessable;
  /** For people, replaces the generated one. */
  reason?: string;
}

/** A gate written as a CEL expression over scores and request: true passes. */
export interface RuleGate {
  kind: 'rule';
  id: string;
  tier: Tier;
  rule: string;
  reason: string;
  onUnassessable: OnUnassessable;
  /** Dimensions the expression reads, found when the policy is loaded. */
  dimensions: string[];
}

export type Gate = ThresholdGate | RuleGate;

/** A policy in its canonical form: what is hashed, stored in a plan and judged with. */
export interface Policy {
  policy: string;
  /** In the order in which they are judged: generic, useCase, business. */
  gates: Gate[];
  /** Weights on quality, among those that pass; dimension -> weight > 0. */
  rank: Record<string, number>;
  /** Ranks instead of weights; `rank` is empty then. */
  rankModel?: LogisticModel;
  diversity: Diversity;
  /** Winners that each group must have at least: one number for all groups, or one per group. Absent: groups do not matter. */
  minPerGroup?: number | Record<string, number>;
  /** Whether band review counts as passing. @default false */
  deliverReview: boolean;
  /** Shares that are marked for a person to look at. Absent: none. */
  audit?: Audit;
  /** Share of the candidates that run every scorer although a gate rejects them, 0..1. @default 0.05 */
  fullShare?: number;
  /** Yes/no questions to a vision model; each is a dimension `question.<name>`, the probability of yes. */
  questions?: Record<string, Question>;
  /** What must measure. Absent: not decided yet. */
  pins?: Pins;
  /** Extra parameters per scorer id, handed to `assess` as `params`. */
  params: Record<string, Record<string, unknown>>;
}

/** A fitted logistic model: the probability that a picture is good is 1 / (1 + exp(-(intercept + sum of weight * quality))). */
export interface LogisticModel {
  intercept: number;
  /** Dimension -> weight > 0, per point of quality. */
  weights: Record<string, number>;
  /** What it was fitted on and how well it does, for people. */
  fittedOn?: Record<string, number | string>;
}

/** Scores of other versions, or of other models, are refused. */
export interface Pins {
  /** Scorer id -> version. */
  scorers: Record<string, string>;
  /** Model, as scores name it -> sha256, or the name of one on another machine. Not named: any, but the same for all candidates of a request. */
  models?: Record<string, string>;
}

/** How unlike the winners must be. */
export interface Diversity {
  /** Share of differing fingerprint bits, 0..1, below which two are near-duplicates; 0: only equal pixels are. */
  minDistance: number;
  /** Weighs quality (1) against being unlike the winners so far (0). Absent: quality alone picks. */
  lambda?: number;
  /** What `lambda` compares: embeddings, and fingerprints where one is missing; or fingerprints only. @default 'embedding' */
  by?: 'embedding' | 'fingerprint';
}

/** What is marked for a person to look at, besides the band review. Shares, 0..1. */
export interface Audit {
  /** Of the passes near a gate. */
  nearGate: number;
  /** Of those in the band reject. */
  rejects: number;
  /** What is near: 0.05 is within 5 points of quality, or within 5 % of a raw value. */
  margin: number;
}

/** Why a candidate is in the audit sample. */
export type AuditMark = 'near-gate' | 'reject';

export interface Question {
  ask: string;
  /** The answer of a good image. */
  want: 'yes' | 'no';
}

/** What rules know of a request: `request.inputs.style`, `request.deliver`. What is not known is left out. */
export interface RequestFields {
  /** The template's inputs, defaults filled in; of an image its sha256. */
  inputs?: Record<string, string | number | boolean> | undefined;
  /** K. */
  deliver?: number | undefined;
}

export type Band = 'accept' | 'review' | 'reject';

export interface FailedGate {
  gate: string;
  tier: Tier;
  reason: string;
}

export interface Verdict {
  pass: boolean;
  band: Band;
  /** Gates that put the candidate into review or reject, in gate order. */
  failed: FailedGate[];
}

/** What `select` needs of one scored candidate. */
export interface SelectionCandidate {
  candidate: number;
  verdict: Verdict;
  scores: Scores;
  /** 64-bit perceptual hash as 16 hex digits, if there is one. */
  fingerprint?: string;
  /** sha256 of the decoded pixels: equal means the same image. */
  pixelSha256?: string;
  /** What `minPerGroup` counts by, such as the look that it was drawn for. The caller says; nothing here makes one up. */
  group?: string;
  /** Unit length. Compared where the policy has a `lambda`. */
  embedding?: ArrayLike<number>;
}

export interface Winner {
  candidate: number;
  /** 1 is best. */
  rank: number;
  /** Weighted mean of the ranked qualities, 0..100. */
  quality: number;
}

export interface Selection {
  winners: Winner[];
  /** Passing candidates that were not picked -> why: `near-duplicate of 3`, `ranked 5 of 9`. */
  notPicked: Record<number, string>;
  /** wanted - winners.length, at least 0. Places that a group's minimum keeps free count as missing. */
  missing: number;
  /** Group -> winners that it lacks of its minimum; groups that lack none are left out. Absent: the policy has no `minPerGroup`. */
  missingPerGroup?: Record<string, number>;
  /** Gate id -> how many candidates failed it. */
  gates: Record<string, number>;
}
