/** The library: connect, generate, watch, cancel. The command line and the service are built on it. */
import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import { causeOf, CullError, messageOf } from '../errors.js';
import { readHosts } from '../fleet/registry.js';
import { checkName, keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import {
  ORCHESTRATE_QUEUE,
  PROGRESS_QUERY,
  bestOfNWorkflowId,
  type CandidateRecord,
  type GenerateHeartbeat,
  type HostDoc,
  type InputValue,
  type RequestDoc,
  type RequestProgress,
  type ResultDoc,
  type Reviewable,
} from '../workflows/contract.js';
import { waitsInBatch } from './batch-reads.js';
import { readJson, readRequest } from './documents.js';
import { listRequests, type Listing, type RequestRow } from './list.js';
import { refuseNewQuarantined, refuseQuarantined } from './quarantine.js';
import { requestOf, type GenerateOptions } from './request.js';
import { listReviewable, takeDecisions, type Reviewed, type ReviewOptions } from './review.js';
import { startRequest, storeRequest } from './start.js';
import { putIfAbsent, storeRelease } from './store.js';
import type { TemporalTarget } from './temporal.js';
import { startsInSpan } from './traces.js';
import { POLL_MS, resumeWinners, watchWinners, type WinnersStep } from './winners.js';

/** What `watch` yields: the workflow's counters, and why nothing moves if that is so. */
export interface Watched {
  progress: RequestProgress | undefined;
  /** Hosts that a worker found unhealthy, with the reason; empty while all is well. */
  unhealthy: HostDoc[];
  /** True if no worker polls: nothing will happen until one is started. */
  noWorker: boolean;
}

/** A connection to one Temporal server and one storage, for one tenant. */
export class Cull {
  private constructor(
    readonly temporal: Client,
    readonly storage: Storage,
    readonly tenant: string,
  ) {}

  /**
   * @throws CullError TEMPORAL_UNREACHABLE if the server does not answer within 10 s
   * @example
   * const cull = await Cull.connect({ target: embeddedTarget('127.0.0.1:7233'), storage: openStorage('.cull/storage'), tenant: 'default' });
   */
  static async connect(options: { target: TemporalTarget; storage: Storage; tenant: string }): Promise<Cull> {
    const { target, storage, tenant } = options;
    checkName('tenant', tenant);
    try {
      const connection = await Connection.connect({ ...target.connectionOptions, connectTimeout: '10s' });
      return new Cull(
        new Client({ connection, namespace: target.namespace, interceptors: { workflow: [startsInSpan] } }),
        storage,
        tenant,
      );
    } catch (error) {
      throw new CullError(
        'TEMPORAL_UNREACHABLE',
        `the Temporal server at ${target.address} does not answer: ${messageOf(error)}`,
        {
          hint: 'check TEMPORAL_ADDRESS, or unset it to use the embedded server',
          cause: error,
        },
      );
    }
  }

  /** The same connection for another tenant; closing one closes both. @throws CullError REQUEST_INVALID for a name that is none */
  forTenant(tenant: string): Cull {
    return new Cull(this.temporal, this.storage, checkName('tenant', tenant));
  }

  close(): Promise<void> {
    return this.temporal.connection.close();
  }

  /**
   * Stores the request and starts it. Returns its name at once; the same key and body again returns the same name and starts nothing twice.
   *
   * @throws CullError REQUEST_INVALID, SEED_OUT_OF_RANGE, IDEMPOTENCY_CONFLICT, RELEASE_QUARANTINED
   * @example
   * const request = await cull.generate({ release, inputs: { prompt: 'a red mug' }, deliver: 4 });
   */
  async generate(options: GenerateOptions): Promise<string> {
    const doc = requestOf(options, this.tenant);
    await refuseNewQuarantined(this.storage, doc);
    const [stored] = await Promise.all([storeRequest(this.storage, doc), storeRelease(this.storage, options.release)]);
    if (stored.bodySha256 !== doc.bodySha256)
      throw new CullError('IDEMPOTENCY_CONFLICT', `request ${doc.request} was made before with another body`, {
        hint: 'use another --key, or repeat the request exactly',
      });
    await startRequest(this, stored);
    return doc.request;
  }

  /**
   * Starts a request again that ended as failed (a full disk, a ComfyUI set up wrongly): what was drawn and scored is kept, the rest is done.
   *
   * @throws CullError REQUEST_NOT_FOUND, RELEASE_QUARANTINED; REQUEST_INVALID if it did not fail
   */
  async resume(request: string): Promise<void> {
    const doc = await this.requestDoc(request);
    const result = await this.result(request);
    if (result && result.state !== 'failed' && result.state !== 'cancelled')
      throw new CullError('REQUEST_INVALID', `request ${request} is ${result.state}: there is nothing to resume`);
    if (await this.storage.head(keys.swept(this.tenant, request)))
      throw new CullError('REQUEST_INVALID', `pictures of request ${request} have expired: it cannot go on with them`, {
        hint: 'make the request again under another key',
      });
    await refuseQuarantined(this.storage, doc);
    await resumeWinners(this.storage, { tenant: this.tenant, request });
    await this.storage.delete(keys.result(this.tenant, request));
    await startRequest(this, doc);
  }

  /** The request as it was asked. @throws CullError REQUEST_NOT_FOUND */
  requestDoc(request: string): Promise<RequestDoc> {
    return readRequest(this.storage, { tenant: this.tenant, request });
  }

  /** result.json, or undefined while the request is open. */
  result(request: string): Promise<ResultDoc | undefined> {
    return readJson<ResultDoc>(this.storage, keys.result(this.tenant, request));
  }

  /** Every line of manifest.ndjson; empty while the request is open. */
  async records(request: string): Promise<CandidateRecord[]> {
    const object = await this.storage.get(keys.manifest(this.tenant, request));
    const lines = object?.body.toString('utf8').split('\n') ?? [];
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as CandidateRecord);
  }

  /** The counters of an open request, or undefined if no worker can tell now. */
  async progress(request: string, { withinMs = 10_000 } = {}): Promise<RequestProgress | undefined> {
    try {
      return await this.temporal.withDeadline(Date.now() + withinMs, () =>
        this.handle(request).query<RequestProgress>(PROGRESS_QUERY),
      );
    } catch {
      // No worker to replay it, or the server restarts: nothing is known at this moment, and nothing is lost.
      return undefined;
    }
  }

  /** The candidates being drawn at this moment, as their last heartbeats tell: host, prompt, node and step. */
  async drawing(request: string): Promise<GenerateHeartbeat[]> {
    const { raw } = await this.handle(request).describe();
    return (raw.pendingActivities ?? []).flatMap(({ heartbeatDetails }) => {
      const [payload] = heartbeatDetails?.payloads ?? [];
      const beat = payload && defaultPayloadConverter.fromPayload<Partial<GenerateHeartbeat> | null>(payload);
      return beat?.candidate === undefined ? [] : [{ ...beat, candidate: beat.candidate }];
    });
  }

  /**
   * Follows a request to its end: yields whenever something changed, returns the result. Survives restarts of server and workers.
   *
   * @throws CullError REQUEST_NOT_FOUND; INTERNAL if the workflow failed without a result
   * @example
   * for await (const { progress } of cull.watch(request)) console.log(progress?.state.scored);
   */
  async *watch(request: string, options: { signal?: AbortSignal } = {}): AsyncGenerator<Watched, ResultDoc> {
    await this.requestDoc(request);
    let last = '';
    for (let round = 0; ; round++) {
      const result = await this.result(request);
      if (result) return result;
      const progress = await this.progress(request);
      // Health and pollers change slowly; they are looked at every two seconds.
      if (round % 8 === 7) await this.checkAlive(request);
      const unhealthy = round % 8 === 0 ? await this.unhealthyHosts() : undefined;
      const noWorker = progress === undefined && !(await this.hasWorker());
      const seen = JSON.stringify([progress, unhealthy, noWorker]);
      if (seen !== last) yield { progress, unhealthy: unhealthy ?? [], noWorker };
      last = seen;
      await wait(POLL_MS, undefined, options.signal ? { signal: options.signal } : {});
    }
  }

  /**
   * The winners so far, as they pass: one step an event, from the first or from the one after `after`. The last event makes them what was delivered; then
   * comes the result. Survives restarts of server and workers.
   *
   * @throws CullError REQUEST_NOT_FOUND; INTERNAL if the workflow failed without a result
   * @example
   * for await (const { event, winners } of cull.winners(request)) console.log(event.event, winners.map(({ url }) => url));
   */
  async *winners(
    request: string,
    options: { after?: number; signal?: AbortSignal } = {},
  ): AsyncGenerator<WinnersStep, ResultDoc> {
    await this.requestDoc(request);
    const { storage, tenant } = this;
    const checks = { result: () => this.result(request), throwIfDead: () => this.checkAlive(request) };
    return yield* watchWinners(storage, { tenant, request, ...checks, ...options });
  }

  /** Asks the request to stop. What was drawn stays readable. @throws CullError REQUEST_NOT_FOUND */
  async cancel(request: string): Promise<void> {
    await this.requestDoc(request);
    try {
      await this.handle(request).cancel();
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  /**
   * Candidates that only a person can let pass (band review) and that nobody has decided on, best first.
   *
   * @throws CullError REQUEST_NOT_FOUND
   */
  reviewable(request: string): Promise<Reviewable[]> {
    return listReviewable(this, request);
  }

  /**
   * A person's word on candidates in the band review. Each becomes labels, and stands; an accepted candidate counts to K, and is delivered if it is
   * among the best K. A request that has ended as a shortfall is delivered again with it. The same decision again changes nothing. Candidates of the
   * audit sample can be named too: those are labels only.
   *
   * @throws CullError REQUEST_NOT_FOUND; REVIEW_REFUSED (not up for review), REVIEW_DECIDED (decided otherwise), REQUEST_INVALID: nothing was
   *   written; TEMPORAL_UNREACHABLE: it is stored, and counts once repeated
   * @example
   * const { counted, wanted } = await cull.review(request, { accept: [3, 7], reject: [5], by: 'ann' });
   */
  review(request: string, options: ReviewOptions): Promise<Reviewed> {
    return takeDecisions(this, request, options);
  }

  /**
   * The newest requests first, a page of them; `next` is the `cursor` of the following page, null at the end.
   *
   * @throws CullError BODY_INVALID for a cursor that is none
   * @example
   * const { items, next } = await cull.list({ limit: 20, state: 'shortfall' });
   */
  list(listing: Listing): Promise<{ items: RequestRow[]; next: string | null }> {
    return listRequests(this, listing);
  }

  /** Stores an input file under its content hash; the value to give as the template's input. `name` is what it was called: its extension is kept. */
  async putInput(bytes: Uint8Array, options: { name?: string } = {}): Promise<InputValue> {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const key = keys.input(this.tenant, sha256);
    // One that is there is renewed in time: a sweep goes by its age (docs/retention.md).
    if (!(await putIfAbsent(this.storage, key, bytes)) && (await isOld(this.storage, key)))
      await this.storage.put(key, bytes);
    const extension = /\.[a-z0-9]{1,5}$/.exec(options.name?.toLowerCase() ?? '')?.[0];
    return extension === undefined ? { image: sha256 } : { image: sha256, extension };
  }

  /** Every ComfyUI that a worker has looked at, as it was last seen. */
  hosts(): Promise<HostDoc[]> {
    return readHosts(this.storage);
  }

  /** ComfyUIs that some worker found unhealthy, or that fail fast, and that were not served since. */
  async unhealthyHosts(): Promise<HostDoc[]> {
    return (await this.hosts()).filter(({ state }) => state === 'unhealthy' || state === 'paused');
  }

  /** Whether any worker takes workflow tasks. */
  async hasWorker(): Promise<boolean> {
    const { pollers } = await this.temporal.workflowService.describeTaskQueue({
      namespace: this.temporal.options.namespace,
      taskQueue: { name: ORCHESTRATE_QUEUE },
      taskQueueType: proto.temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    });
    return pollers.length > 0;
  }

  private handle(request: string) {
    return this.temporal.workflow.getHandle(bestOfNWorkflowId(this.tenant, request));
  }

  /**
   * A workflow that ended without a result will never write one.
   *
   * @throws CullError INTERNAL if that is so
   */
  async checkAlive(request: string): Promise<void> {
    const description = await this.handle(request)
      .describe()
      .catch((error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      });
    const status = description?.status.name ?? 'MISSING';
    if (status === 'RUNNING' || status === 'CONTINUED_AS_NEW' || (await this.result(request))) return;
    if (status === 'MISSING' && (await waitsInBatch(this, request))) return;
    const why = await this.handle(request)
      .result()
      .then(
        () => 'it left no result',
        (error: unknown) => causeOf(error),
      );
    throw new CullError('INTERNAL', `request ${request} ended without a result (${status.toLowerCase()}): ${why}`, {
      hint: `\`comfy-cull resume ${request}\` goes on where it stopped`,
    });
  }
}

const RENEWED_AFTER_MS = 3_600_000;

async function isOld(storage: Storage, key: string): Promise<boolean> {
  const there = await storage.head(key);
  return there === undefined || Date.now() - there.modifiedAt > RENEWED_AFTER_MS;
}
