/** What is stored of a request: what was asked, the plan, its candidates, the result. Types only; others import them from contract.ts. */
import type { Cascade } from '../selection/cascade.js';
import type { Review } from '../selection/review.js';
import type { Mode, StopReason } from '../selection/stopping.js';
import type { AuditMark, Policy, Scores, Verdict } from '../selection/types.js';

export type RequestState = 'running' | 'delivered' | 'shortfall' | 'failed' | 'cancelled';

/** request.json: what somebody asked. */
export interface RequestDoc {
  request: string;
  tenant: string;
  /** `sha256:…` of the release. */
  release: string;
  template: string;
  /** Template inputs; an image is `{ "image": "<sha256>" }` with its bytes under the tenant's inputs. */
  inputs: Record<string, InputValue>;
  deliver: number;
  /** N, or the cap where the request draws until K pass. */
  candidates: number;
  /** When to stop. Absent: with the N-th candidate. */
  stopping?: StoppingAsk;
  /** Whether it waits for a person where too few pass. Absent: it does not. */
  review?: ReviewAsk;
  /** An input that differs between the candidates; each value is a group. Absent: all candidates have the same inputs. */
  vary?: VaryAsk;
  /** The form of the images. Absent: as drawn, without what ComfyUI writes into them. */
  images?: ImageAsk;
  /** Every candidate runs every scorer. Absent: a hard failure stops the rest. */
  explain?: 'all';
  /** The request's seed; each candidate's is derived from it. */
  seed: number;
  /** The request whose dead letter it was tried again from. Absent: none. */
  retryOf?: string;
  /** ISO 8601. */
  createdAt: string;
  /** sha256 of everything above but createdAt and retryOf: the same key with another body is refused. */
  bodySha256: string;
}

/** `extension`: of the file, with its dot. @default .png */
export type InputValue = string | number | boolean | { image: string; extension?: string };

/** The form of the images that are delivered. */
export interface ImageAsk {
  /** @default as drawn */
  format?: 'png' | 'jpeg' | 'webp' | 'avif';
  /** Of jpeg, webp and avif, 1 to 100. @default 90, 90, 65 */
  quality?: number;
  /** Pixels of the longer side at most; nothing is enlarged. @default as drawn */
  maxSize?: number;
  /** Leave in what ComfyUI writes into an image: the graph with its prompts. @default false */
  keepMetadata?: boolean;
}

/** A winner that was converted. */
export interface DeliveredImage {
  key: string;
  sha256: string;
  format: 'png' | 'jpeg' | 'webp' | 'avif';
  width: number;
  height: number;
  bytes: number;
  /** sha256 of the candidate's image that it was made of. */
  from: string;
}

/** When a request stops drawing, as it was asked. */
export interface StoppingAsk {
  mode: Mode;
  /** 0 cheap to 1 fast. */
  hurry?: number;
  /** Milliseconds from its start. */
  deadlineMs?: number;
  budgetMicroUsd?: number;
  /** Mode value: what one candidate costs, in points of quality summed over the K winners. */
  pointsEach?: number;
}

/** A request that is short while candidates are in the band review waits for a person. */
export interface ReviewAsk {
  /** So long at most; milliseconds from the start of the request. */
  untilMs: number;
}

/** A text, number or switch of the template, and its values: each candidate is drawn with one of them. */
export interface VaryAsk {
  input: string;
  values: (string | number | boolean)[];
}

/** `reviews.json`: what people said of a request's candidates in the band review. The first word on a candidate stands. */
export interface ReviewsDoc {
  decisions: Record<number, Review>;
}

/** `<tenant>/requests/<id>/swept.json`: candidates whose pictures have expired. Written before they go. */
export interface SweptDoc {
  /** Candidate -> when; ISO 8601. */
  pictures: Record<number, string>;
}

/** Why a request failed or a candidate was lost: a code of errors.ts, words, and facts (node errors) where there are some. */
export interface RequestError {
  code: string;
  message: string;
  details?: unknown;
  /** The ComfyUIs where it failed. Absent: it failed on none. */
  hosts?: string[];
}

/** result.json, `--json` of generate and demo. Field names are contract: add freely, rename never. */
export interface ResultDoc {
  request: string;
  release: string;
  state: RequestState;
  wanted: number;
  delivered: {
    candidate: number;
    seed: number;
    rank: number;
    quality: number;
    key: string;
    url: string;
    /** The value that the request varied, as a text. Absent: it varied nothing. */
    group?: string;
    /** What came with the image (video, sound, text, …). Absent: nothing. */
    files?: (CandidateFile & { url: string })[];
  }[];
  shortfall: null | {
    missing: number;
    gates: Record<string, number>;
    /** Gate -> candidates that it judged: what another gate had rejected before need not have been measured for it. Absent: recorded before this was. */
    judged?: Record<string, number>;
    reason: StopReason;
    /** Candidates in the band review that nobody has decided on, best first: accepted ones would be delivered. Absent: recorded before there was a review. */
    reviewable?: Reviewable[];
    /** Group -> winners that it lacks of its minimum. Absent: the policy has no `minPerGroup`. */
    missingPerGroup?: Record<string, number>;
  };
  counts: { drawn: number; scored: number; passed: number; rejected: number; lost: number; cancelled: number };
  cost: null | { microUsd: number; perDeliveredMicroUsd: number | null };
  timing: { firstPassMs: number | null; totalMs: number };
  /** Why the request failed; null otherwise. */
  error: null | RequestError;
}

/** A candidate that only a person can let pass. */
export interface Reviewable {
  candidate: number;
  seed: number;
  /** What it would be ranked by, 0..100. */
  quality: number;
  key: string;
  url: string;
  /** The gates in question. */
  failed: { gate: string; reason: string }[];
}

export type CandidateState = 'drawn' | 'delivered' | 'passed' | 'rejected' | 'lost' | 'cancelled';

/** candidates/0007.json and one line of manifest.ndjson. */
export interface CandidateRecord {
  candidate: number;
  seed: number;
  state: CandidateState;
  provider: string;
  host: string | null;
  promptId: string | null;
  image: null | { key: string; sha256: string; pixelSha256: string | null; width: number; height: number };
  scores: Scores;
  verdict: Verdict | null;
  notPicked: string | null;
  timing: {
    queuedMs: number | null;
    drawMs: number | null;
    scoreMs: number | null;
    /** Scorer id -> milliseconds. Only where every scorer ran, whatever gates said. */
    scorersMs?: Record<string, number>;
  };
  /** It ran every scorer, whatever gates said. Absent: it ran until a gate rejected it. */
  full?: true;
  cost: null | { microUsd: number };
  /** Of a cancelled one: the share of a generation that had been drawn, 0..1. Absent: not known, as nothing was drawn to its end to compare with. */
  share?: number;
  /** What a person said of it; the verdict is the one after that. Absent: nobody was asked. */
  review?: Review;
  /** Why it is in the audit sample of its policy. Absent: it is not. */
  audit?: AuditMark;
  /** Of a winner in another form than it was drawn. Absent: `image` is what was delivered. */
  delivered?: DeliveredImage;
  error: null | RequestError;
  /** The value that the request varied, as a text. Absent: it varied nothing, or the candidate was cancelled before it was drawn. */
  group?: string;
  /** What the output nodes made besides the image: passed through, never scored. Absent: nothing. */
  files?: CandidateFile[];
}

/** A file of a candidate beside its image. */
export interface CandidateFile {
  key: string;
  kind: 'image' | 'video' | 'audio' | 'text' | 'model3d' | 'other';
  /** MIME type. */
  contentType: string;
  bytes: number;
  sha256: string;
  /** The region of the picture that it is the mask of. Absent: of none. */
  mask?: string;
}

/** plan.json: the resolved release with everything bound but the seed. Activities read it; Temporal never carries it. */
export interface PlanDoc {
  request: string;
  tenant: string;
  release: string;
  /** Absent: planned before plans named it. */
  template?: string;
  policy: Policy;
  graph: Record<string, { class_type: string; inputs: Record<string, unknown>; _meta?: { title?: string } }>;
  seedAt: { node: string; field: string }[];
  output: string[];
  /** Input images: name in the graph -> sha256 under the tenant's inputs. */
  files: { name: string; sha256: string }[];
  prompt?: string;
  negativePrompt?: string;
  /** The template's inputs as rules read them, defaults filled in; of an image its sha256. Absent: planned before rules could. */
  inputs?: Record<string, string | number | boolean>;
  /** What scorers compare with: sha256 under the tenant's inputs. Absent: nothing. */
  references?: string[];
  /** The same by name: `logo`. */
  named?: Record<string, string>;
  /** Leave in what ComfyUI writes into an image. Absent: take it out. */
  keepMetadata?: true;
  /** Region name -> node that saves its mask. */
  masks?: Record<string, string>;
  /** What the picture should show: `{ people: 1, text: 'ACME' }`. */
  expect?: Record<string, unknown>;
  /** Where the values go that differ between candidates, and what scorers read then; all above is with the first of them. Absent: none differ. */
  vary?: {
    input: string;
    at: { node: string; field: string }[];
    values: ({ value: string | number | boolean } & Pick<PlanDoc, 'prompt' | 'negativePrompt' | 'expect'>)[];
  };
  seed: number;
  deliver: number;
  candidates: number;
  queue: string;
  /** In which order scorers run, and which candidates run all. Absent: planned before there was one; cheap scorers first. */
  cascade?: Cascade;
}
