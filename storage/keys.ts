/** Every key in storage is made here (docs/storage.md). `tenant` and `request` are validated by `checkName`. */
import { CullError } from '../errors.js';

/** The four digits of a candidate's files; five and more where N needs them. */
export const candidateName = (candidate: number): string => String(candidate).padStart(4, '0');

/** Sorts as the parts do. */
const partName = (part: number): string => String(part).padStart(6, '0');

export const keys = {
  /** Everything of a tenant but what the registry has of it. */
  tenantDir: (tenant: string) => `${tenant}/`,
  requestDir: (tenant: string, request: string) => `${tenant}/requests/${request}/`,
  request: (tenant: string, request: string) => `${tenant}/requests/${request}/request.json`,
  plan: (tenant: string, request: string) => `${tenant}/requests/${request}/plan.json`,
  image: (tenant: string, request: string, candidate: number, extension = 'png') =>
    `${tenant}/requests/${request}/candidates/${candidateName(candidate)}.${extension}`,
  /** The n-th file that came with the candidate's image, from 1; a mask's with the name of its region. `extension` without its dot. */
  file: (
    tenant: string,
    request: string,
    candidate: number,
    { n, mask, extension }: { n: number; mask?: string | undefined; extension: string },
  ) =>
    `${tenant}/requests/${request}/candidates/${candidateName(candidate)}.${n}${mask === undefined ? '' : `.${mask}`}.${extension}`,
  candidates: (tenant: string, request: string) => `${tenant}/requests/${request}/candidates/`,
  record: (tenant: string, request: string, candidate: number) =>
    `${tenant}/requests/${request}/candidates/${candidateName(candidate)}.json`,
  /** Which of the request's varied values the candidate is drawn with. */
  varied: (tenant: string, request: string, candidate: number) =>
    `${tenant}/requests/${request}/candidates/${candidateName(candidate)}.vary.json`,
  /** The candidate's CLIP embedding, where there is one: float32, little-endian, unit length. */
  embedding: (tenant: string, request: string, candidate: number) =>
    `${tenant}/requests/${request}/candidates/${candidateName(candidate)}.f32`,
  /** The networks that measure this request: id -> sha256. */
  models: (tenant: string, request: string) => `${tenant}/requests/${request}/models.json`,
  /** What people said of candidates in the band review. */
  reviews: (tenant: string, request: string) => `${tenant}/requests/${request}/reviews.json`,
  /** A winner in the form that was asked for, where that is not the candidate's own. */
  delivered: (tenant: string, request: string, candidate: number, extension: string) =>
    `${tenant}/requests/${request}/delivered/${candidateName(candidate)}.${extension}`,
  manifest: (tenant: string, request: string) => `${tenant}/requests/${request}/manifest.ndjson`,
  /** The winners so far, and the events that led to them. */
  winners: (tenant: string, request: string) => `${tenant}/requests/${request}/winners.json`,
  result: (tenant: string, request: string) => `${tenant}/requests/${request}/result.json`,
  /** Candidates whose pictures have expired. */
  swept: (tenant: string, request: string) => `${tenant}/requests/${request}/swept.json`,
  deliveredDir: (tenant: string, request: string) => `${tenant}/requests/${request}/delivered/`,
  batches: (tenant: string) => `${tenant}/batches/`,
  batchDir: (tenant: string, batch: string) => `${tenant}/batches/${batch}/`,
  batch: (tenant: string, batch: string) => `${tenant}/batches/${batch}/batch.json`,
  /** Lines of a batch as they were taken, by part from 0; `upload` tells two of the same name apart. */
  batchLines: (tenant: string, batch: string, { upload, part }: { upload: string; part: number }) =>
    `${tenant}/batches/${batch}/lines/${upload}/${partName(part)}.ndjson`,
  batchRows: (tenant: string, batch: string, part: number) =>
    `${tenant}/batches/${batch}/results/${partName(part)}.ndjson`,
  batchParts: (tenant: string, batch: string) => `${tenant}/batches/${batch}/lines/`,
  batchResult: (tenant: string, batch: string) => `${tenant}/batches/${batch}/result.json`,
  batchIndexes: (tenant: string) => `${tenant}/batch-index/`,
  batchIndex: (tenant: string, day: string, batch: string) => `${tenant}/batch-index/${day}/${batch}.json`,
  indexes: (tenant: string) => `${tenant}/index/`,
  indexDay: (tenant: string, day: string) => `${tenant}/index/${day}/`,
  index: (tenant: string, day: string, request: string) => `${tenant}/index/${day}/${request}.json`,
  /** The dead letter of a request: what of it failed for good. */
  dead: (tenant: string, request: string) => `${tenant}/requests/${request}/dead.json`,
  deadIndexes: (tenant: string) => `${tenant}/dead/`,
  /** `day`: of the letter's `at`. */
  deadIndex: (tenant: string, day: string, request: string) => `${tenant}/dead/${day}/${request}.json`,
  inputs: (tenant: string) => `${tenant}/inputs/`,
  input: (tenant: string, sha256: string) => `${tenant}/inputs/${sha256}`,
  labels: (tenant: string) => `${tenant}/labels/`,
  /** Human verdicts, NDJSON, under the hash of the content. */
  labelBatch: (tenant: string, sha256: string) => `${tenant}/labels/${sha256}.ndjson`,
  /** What the registry has of a tenant. */
  tenantRegistry: (tenant: string) => `_registry/tenants/${tenant}/`,
  tenant: (tenant: string) => `_registry/tenants/${tenant}/settings.json`,
  /** Where the tenant's webhooks go, with their secrets. */
  webhooks: (tenant: string) => `_registry/tenants/${tenant}/webhooks.json`,
  webhookLogs: (tenant: string) => `${tenant}/webhooks/`,
  /** A message and every try to hand it to one endpoint. */
  webhookLog: (tenant: string, { day, message, endpoint }: { day: string; message: string; endpoint: string }) =>
    `${tenant}/webhooks/${day}/${message}.${endpoint}.json`,
  release: (sha256: string) => `_registry/releases/${sha256}.json`,
  quarantines: () => '_registry/quarantine/',
  /** Whether a release is held back, and what speaks for it. */
  quarantine: (release: string) => `_registry/quarantine/${release}.json`,
  host: (host: string) => `_registry/hosts/${host}.json`,
  queues: () => '_registry/queues/',
  queue: (queue: string) => `_registry/queues/${queue}.json`,
  hosts: () => '_registry/hosts/',
  fleet: () => '_registry/fleet.json',
  /** The last sweep. */
  sweep: () => '_registry/sweep.json',
  apiKeys: () => '_registry/keys/',
  apiKey: (id: string) => `_registry/keys/${id}.json`,
  scorerStats: (release: string) => `_registry/stats/${release}/scorers.json`,
  stats: (release: string, provider: string) => `_registry/stats/${release}/${provider}.json`,
} as const;

/**
 * Refuses names that could leave their folder or collide with the registry.
 *
 * @throws CullError REQUEST_INVALID unless the name is 1 to 128 of letters, digits, `.`, `_`, `-`, not starting with `.`, `_` or `-`
 */
export function checkName(what: 'tenant' | 'request' | 'batch', name: string): string {
  if (isName(name)) return name;
  throw new CullError('REQUEST_INVALID', `${what} "${name}" is not a valid name`, {
    hint: 'use 1 to 128 letters, digits, ".", "_" or "-", starting with a letter or a digit',
  });
}

/** Whether `checkName` would let it pass. */
export const isName = (name: string): boolean =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name) && !name.includes('..');
