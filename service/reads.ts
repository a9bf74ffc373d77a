/** What callers see of a request, at most one second old, whatever the number of callers: open ones ask Temporal once, ended ones storage. */
import type { Cull } from '../client/cull.js';
import { readJson } from '../client/documents.js';
import { CullError } from '../errors.js';
import { afterEvent, type WinnerEvent, type WinnersDoc, type WinnerSoFar } from '../selection/winners.js';
import { keys } from '../storage/keys.js';
import type { RequestDoc, RequestProgress, ResultDoc, Reviewable, SweptDoc } from '../workflows/contract.js';
import type { RequestView } from './schemas.js';
import { createShared } from './shared.js';

/** A seen request, and the same as the bytes of an answer. */
export interface Seen {
  view: RequestView;
  json: string;
  /** What happened to its winners so far, oldest first. */
  events: readonly WinnerEvent[];
}

export const FRESH_MS = 1_000;
const URL_SECONDS = 24 * 3600;
/** A request is stored before its workflow starts; so young, one without a workflow is no dead one. */
const YOUNG_MS = 10_000;
/** A worker that is busy tells the counters late; the rest of the answer does not wait for it. */
export const QUERY_MS = 2_000;

/**
 * A reader of requests for all tenants of one process. Who asks while another's answer is on its way shares it.
 *
 * @example
 * const { view } = await reads.request('acme', 'r1');
 */
export class Reads {
  private readonly seen = createShared<Seen>(FRESH_MS);
  private readonly waiting = createShared<Reviewable[]>(FRESH_MS);

  constructor(private readonly cullOf: (tenant: string) => Cull) {}

  /** @throws CullError REQUEST_NOT_FOUND */
  request(tenant: string, request: string): Promise<Seen> {
    return this.seen.get(`${tenant}/${request}`, () => look(this.cullOf(tenant), request));
  }

  /** What waits for a person. @throws CullError REQUEST_NOT_FOUND */
  reviewable(tenant: string, request: string): Promise<Reviewable[]> {
    return this.waiting.get(`${tenant}/${request}`, () => this.cullOf(tenant).reviewable(request));
  }

  /** What was just changed is looked at anew. */
  forget(tenant: string, request: string): void {
    this.seen.forget(`${tenant}/${request}`);
    this.waiting.forget(`${tenant}/${request}`);
  }
}

async function look(cull: Cull, request: string): Promise<Seen> {
  const asked = await cull.requestDoc(request);
  // The result first: where there is one, the last event is there too.
  const result = await cull.result(request);
  const { events = [] } = (await readJson<WinnersDoc>(cull.storage, keys.winners(cull.tenant, request))) ?? {};
  const view = result ? await ended(cull, asked, result) : await running(cull, asked, events);
  return { view, json: JSON.stringify(view), events };
}

const urlOf = (cull: Cull, key: string): Promise<string> =>
  cull.storage.signedUrl(key, { expiresInSeconds: URL_SECONDS });

/** The stored URLs were made when the request ended; those of an answer are made anew. */
async function ended(cull: Cull, asked: RequestDoc, result: ResultDoc): Promise<RequestView> {
  const swept = await readJson<SweptDoc>(cull.storage, keys.swept(cull.tenant, asked.request));
  const delivered = await Promise.all(
    result.delivered.map(async ({ files, ...picture }) => ({
      ...picture,
      url: await urlOf(cull, picture.key),
      ...expiredAt(swept, picture.candidate),
      ...(files && {
        files: await Promise.all(files.map(async (file) => ({ ...file, url: await urlOf(cull, file.key) }))),
      }),
    })),
  );
  const { shortfall } = result;
  const reviewable =
    shortfall?.reviewable &&
    (await Promise.all(shortfall.reviewable.map(async (one) => ({ ...one, url: await urlOf(cull, one.key) }))));
  return {
    ...askedView(asked),
    ...result,
    phase: null,
    delivered,
    shortfall: shortfall && { ...shortfall, ...(reviewable && { reviewable }) },
  };
}

async function running(cull: Cull, asked: RequestDoc, events: readonly WinnerEvent[]): Promise<RequestView> {
  const progress = await cull.progress(asked.request, { withinMs: QUERY_MS });
  if (!progress && Date.now() - Date.parse(asked.createdAt) > YOUNG_MS) {
    try {
      await cull.checkAlive(asked.request);
    } catch (error) {
      // It ended between the two looks, or it died: the next look, or this one, says which.
      const result = await cull.result(asked.request);
      if (result) return ended(cull, asked, result);
      if (!(error instanceof CullError)) throw error;
      return { ...open(asked), state: 'failed', phase: null, error: { code: error.code, message: error.message } };
    }
  }
  const winners = events.reduce<WinnerSoFar[]>((standing, event) => afterEvent(standing, event), []);
  const delivered = await Promise.all(winners.map(async (one) => ({ ...one, url: await urlOf(cull, one.key) })));
  return { ...open(asked), delivered, phase: progress?.phase ?? null, counts: progress ? countsOf(progress) : null };
}

/** Said of a candidate whose pictures are gone; its URLs answer 404. */
export const expiredAt = (swept: SweptDoc | undefined, candidate: number): { expired?: string } => {
  const at = swept?.pictures[candidate];
  return at === undefined ? {} : { expired: at };
};

const askedView = ({ request, release, template, createdAt, deliver, candidates }: RequestDoc) => ({
  request,
  release,
  template,
  createdAt,
  wanted: deliver,
  candidates,
});

const open = (asked: RequestDoc): RequestView => ({
  ...askedView(asked),
  state: 'running',
  phase: null,
  delivered: [],
  shortfall: null,
  counts: null,
  cost: null,
  timing: { firstPassMs: null, totalMs: Date.now() - Date.parse(asked.createdAt) },
  error: null,
});

const countsOf = ({ state }: RequestProgress): RequestView['counts'] => ({
  drawn: state.drawn,
  scored: state.scored,
  passed: state.passed,
  rejected: state.rejected,
  lost: state.lost,
  cancelled: state.cancelled,
});
