/** What `import … from 'comfy-cull'` gives. */
export { Cull, type Watched } from './cull.js';
export type { WinnersStep } from './winners.js';
export type { WinnerEvent, WinnerSoFar } from '../selection/winners.js';
export type { Reviewed, ReviewOptions } from './review.js';
export {
  checkRequest,
  askedText,
  DEFAULT_CANDIDATES,
  modeOf,
  type GenerateOptions,
  type ReleaseLike,
} from './request.js';
export {
  addWebhook,
  enableWebhook,
  listWebhooks,
  removeWebhook,
  rotateWebhook,
  webhookNamed,
  type ShownEndpoint,
  type TenantStore,
} from './webhooks.js';
export { dropDead, listDead, readDead, retryDead, type DeadListing } from './dead.js';
export { listQuarantined, releaseQuarantined } from './quarantine.js';
export { replayWebhook, webhookLog, webhookMessage, webhookMessages, type MessageListing } from './webhook-log.js';
export type { Page, Paging } from './newest.js';
export type { WebhookEvent, WebhookLogDoc, WebhookPayload } from '../workflows/webhook-contract.js';
export { embeddedTarget, temporalTarget, type TemporalTarget } from './temporal.js';
export { addComfy, drainComfy, readFleet, removeComfy } from '../fleet/registry.js';
export type { FleetDoc, Member, MemberSpec } from '../fleet/members.js';
export type {
  CandidateRecord,
  DeadLetterDoc,
  HostDoc,
  InputValue,
  QuarantineDoc,
  RequestDoc,
  RequestProgress,
  RequestState,
  ResultDoc,
  Reviewable,
} from '../workflows/contract.js';
export { openStorage } from '../storage/index.js';
export { CullError, ERRORS, type ErrorCode } from '../errors.js';
