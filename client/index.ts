/** What `import … from 'comfy-cull'` gives. */
export { Cull, type Watched } from './cull.js';
export { checkRequest, DEFAULT_CANDIDATES, type GenerateOptions, type ReleaseLike } from './request.js';
export { embeddedTarget, temporalTarget, type TemporalTarget } from './temporal.js';
export type {
  CandidateRecord,
  InputValue,
  RequestDoc,
  RequestProgress,
  RequestState,
  ResultDoc,
} from '../workflows/contract.js';
export { openStorage } from '../storage/index.js';
export { CullError, ERRORS, type ErrorCode } from '../errors.js';
