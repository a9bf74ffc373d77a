/** Human decisions on candidates: first labels, then the request's own record of them, then the request itself (review-settle.ts). */
import { CullError } from '../errors.js';
import { auditOf, questionedGates, type Questioned } from '../selection/audit.js';
import { reviewable, reviewed, waitsForReview, type Decision, type Review } from '../selection/review.js';
import { toSelectable } from '../selection/select.js';
import { pictureName, type Label } from '../selection/tuning/labels.js';
import type { Policy } from '../selection/types.js';
import { checkName, keys } from '../storage/keys.js';
import { updateJson } from '../storage/update.js';
import type {
  CandidateRecord,
  PlanDoc,
  RequestState,
  Reviewable,
  ReviewsDoc,
  SweptDoc,
} from '../workflows/contract.js';
import { readJson, readRecords, readRequest } from './documents.js';
import { addLabels } from './labels.js';
import { settle, type ReviewDoors } from './review-settle.js';

export interface ReviewOptions {
  /** Candidates that are good. */
  accept?: readonly number[];
  /** Candidates that are not. */
  reject?: readonly number[];
  /** Who says so. */
  by: string;
}

/** What became of decisions. */
export interface Reviewed {
  request: string;
  /** Of the request, after them. */
  state: RequestState;
  wanted: number;
  /** Candidates that count to K so far; of an ended request, those that were delivered. */
  counted: number;
  /** Candidates that still wait for a decision. */
  waiting: number;
  decisions: ({
    candidate: number;
    /** `audit`: of the audit sample, a label and nothing else. */
    asked: 'review' | 'audit';
    /** Whether it was decided so before; `by` and `at` are then of that time. */
    known: boolean;
    gates: string[];
  } & Review)[];
  /** New labels: one for each gate in question, one for the picture as a whole. */
  labels: number;
}

/** What storage alone tells. */
type StoredDoors = Pick<ReviewDoors, 'storage' | 'tenant'>;

const URL_SECONDS = 7 * 24 * 3600;

/** Candidates that only a person can let pass and that nobody has decided on, best first; while a request is open and after it. */
export async function listReviewable(doors: StoredDoors, request: string): Promise<Reviewable[]> {
  const { storage, tenant } = doors;
  await readRequest(storage, { tenant, request });
  const policy = await policyOf(doors, request);
  if (!policy) return [];
  const [records, doc] = await Promise.all([readRecords(storage, { tenant, request }), readReviews(doors, request)]);
  const byCandidate = new Map(records.map((record) => [record.candidate, record]));
  const candidates = records.flatMap((record) => {
    const review = doc.decisions[record.candidate];
    const verdict = record.verdict && reviewed(record.verdict, review);
    return review?.decision === 'reject' ? [] : toSelectable({ ...record, verdict });
  });
  return Promise.all(
    reviewable(candidates, { policy }).map(async ({ candidate, quality }) => {
      const record = byCandidate.get(candidate);
      const key = record?.image?.key ?? keys.image(tenant, request, candidate);
      const url = await storage.signedUrl(key, { expiresInSeconds: URL_SECONDS });
      const failed = record?.verdict?.failed.map(({ gate, reason }) => ({ gate, reason })) ?? [];
      return { candidate, seed: record?.seed ?? 0, quality, key, url, failed };
    }),
  );
}

/** Takes decisions; all of them are checked before anything is written. @throws as `Cull.review` */
export async function takeDecisions(doors: ReviewDoors, request: string, options: ReviewOptions): Promise<Reviewed> {
  const { storage, tenant } = doors;
  const asked = decisionsOf(options);
  const doc = await doors.requestDoc(request);
  const policy = await policyOf(doors, request);
  const subjects = await Promise.all(
    [...asked].map(async ([candidate, decision]) => ({
      candidate,
      decision,
      ...(await subjectOf(doors, { request, candidate, policy })),
    })),
  );
  const { decisions } = await readReviews(doors, request);
  for (const [candidate, decision] of asked) checkDecided({ request, candidate, decision }, decisions[candidate]);

  const at = new Date().toISOString();
  const { by } = options;
  const labels = subjects.flatMap(({ candidate, decision, gates, asked: from }): Label[] =>
    [...gates.map(({ gate }) => gate), null].map((gate) => ({
      picture: pictureName(request, candidate),
      gate,
      pass: decision === 'accept',
      who: by,
      from,
    })),
  );
  const added = await addLabels(storage, { tenant, labels, at });

  const inReview = subjects.filter((subject) => subject.asked === 'review');
  const stood = await storeDecisions(doors, request, {
    decisions: new Map(inReview.map(({ candidate, decision }) => [candidate, decision])),
    by,
    at,
  });
  const update = Object.fromEntries(inReview.map(({ candidate, decision }) => [candidate, decision]));
  const standing = inReview.length === 0 ? undefined : await settle(doors, doc, update);
  const result = standing ? undefined : await doors.result(request);
  return {
    request,
    state: result?.state ?? 'running',
    wanted: doc.deliver,
    counted: standing?.counted ?? result?.delivered.length ?? 0,
    waiting: standing?.waiting ?? (await listReviewable(doors, request)).length,
    decisions: subjects.map(({ candidate, decision, asked: what, gates }) => {
      const before = stood.get(candidate);
      return {
        candidate,
        asked: what,
        ...(before ?? { decision, by, at }),
        known: before !== undefined && before.at !== at,
        gates: gates.map(({ gate }) => gate),
      };
    }),
    labels: added,
  };
}

/** Candidate -> decision. */
function decisionsOf({ accept = [], reject = [], by }: ReviewOptions): Map<number, Decision> {
  const all = [...accept, ...reject];
  if (all.length === 0)
    throw new CullError('REQUEST_INVALID', 'no candidate is named', { hint: 'name those to accept or to reject' });
  for (const candidate of all)
    if (!Number.isSafeInteger(candidate) || candidate < 0)
      throw new CullError('REQUEST_INVALID', `candidate ${candidate} is not a whole number of at least 0`);
  const both = accept.find((candidate) => reject.includes(candidate));
  if (both !== undefined)
    throw new CullError('REQUEST_INVALID', `candidate ${both} is both accepted and rejected: choose one`);
  if (by.trim() === '') throw new CullError('REQUEST_INVALID', 'by is empty', { hint: 'say who decides' });
  return new Map([
    ...accept.map((candidate) => [candidate, 'accept'] as const),
    ...reject.map((candidate) => [candidate, 'reject'] as const),
  ]);
}

/** What a candidate is up for, and the gates in question. @throws CullError REVIEW_REFUSED where it is up for nothing */
async function subjectOf(
  { storage, tenant }: StoredDoors,
  { request, candidate, policy }: { request: string; candidate: number; policy: Policy | undefined },
): Promise<{ asked: 'review' | 'audit'; gates: Questioned[] }> {
  const record = await readJson<CandidateRecord>(storage, keys.record(tenant, request, candidate));
  const refuse = (why: string): never => {
    throw new CullError('REVIEW_REFUSED', `candidate ${candidate} of ${request} is not up for review: ${why}`, {
      hint: `\`comfy-cull review ${request}\`, or GET /v1/requests/${request}/reviews, lists those that are`,
    });
  };
  if (!policy || !record) return refuse('there is no such candidate');
  const { verdict, scores } = record;
  const swept = await readJson<SweptDoc>(storage, keys.swept(tenant, request));
  if (swept?.pictures[candidate] !== undefined) return refuse(`its picture expired at ${swept.pictures[candidate]}`);
  if (!verdict) return refuse(record.state === 'lost' ? 'it was lost' : 'it is not scored yet');
  const gates = questionedGates({ scores, verdict }, policy);
  if (waitsForReview(verdict)) return { asked: 'review', gates };
  if (auditOf(request, { candidate, scores, verdict }, policy) !== undefined) return { asked: 'audit', gates };
  return refuse(verdict.pass ? 'it passed' : `it was rejected by ${gates.map(({ gate }) => gate).join(', ')}`);
}

function checkDecided(
  { request, candidate, decision }: { request: string; candidate: number; decision: Decision },
  before: Review | undefined,
): void {
  if (before === undefined || before.decision === decision) return;
  const was = before.decision === 'accept' ? 'accepted' : 'rejected';
  throw new CullError(
    'REVIEW_DECIDED',
    `candidate ${candidate} of ${request} was ${was} by ${before.by} at ${before.at}`,
    { hint: 'that stands; `comfy-cull label` stores another verdict on the picture', details: before },
  );
}

/** Writes what is not decided yet, by compare-and-swap; what then stands of each. */
async function storeDecisions(
  { storage, tenant }: StoredDoors,
  request: string,
  { decisions, by, at }: { decisions: ReadonlyMap<number, Decision>; by: string; at: string },
): Promise<Map<number, Review>> {
  const stood = new Map<number, Review>();
  if (decisions.size === 0) return stood;
  await updateJson<ReviewsDoc>(storage, keys.reviews(tenant, request), (doc) => {
    const all = { ...doc?.decisions };
    for (const [candidate, decision] of decisions) {
      checkDecided({ request, candidate, decision }, all[candidate]);
      all[candidate] ??= { decision, by, at };
      stood.set(candidate, all[candidate]);
    }
    return { decisions: all };
  });
  return stood;
}

async function policyOf({ storage, tenant }: StoredDoors, request: string): Promise<Policy | undefined> {
  checkName('request', request);
  return (await readJson<PlanDoc>(storage, keys.plan(tenant, request)))?.policy;
}

const readReviews = async ({ storage, tenant }: StoredDoors, request: string): Promise<ReviewsDoc> =>
  (await readJson<ReviewsDoc>(storage, keys.reviews(tenant, request))) ?? { decisions: {} };
