/** What `import … from 'comfy-cull'` gives. */
export { Cull, DEFAULT_CANDIDATES, type GenerateOptions, type ReleaseLike, type Watched } from './cull.js';
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
