import type { Frame } from './frame.js';

export type Tier = 'generic' | 'useCase' | 'business';

/** A model file a scorer wants (none of the scorers of today's registry does). */
export interface ModelRef {
  id: string;
  sha256: string;
}

export type UnassessableReason =
  | 'no-face'
  | 'no-subject'
  | 'clipped'
  | 'too-small'
  | 'too-large'
  | 'undecodable'
  | 'model-missing'
  | 'no-reference'
  | 'not-applicable'
  | 'timeout';

/** One dimension of one image. Measuring (raw) and mapping (quality) happen in the scorer; deciding is the policy's. */
export type Assessment =
  | {
      status: 'ok';
      /** in the dimension's unit */ raw: number;
      /** 0..100, 100 best */ quality: number;
      facts?: Record<string, unknown>;
    }
  | { status: 'unassessable'; reason: UnassessableReason; facts?: Record<string, unknown> }
  | { status: 'notRun' }
  | { status: 'error'; error: string };

export interface DimensionSpec {
  direction: 'higher' | 'lower' | 'target';
  /** e.g. `share`, `grey levels`, `px`, `dE2000`. */
  unit: string;
  /** Smallest and largest possible raw value; Infinity where there is no bound. */
  range: [number, number];
  /** One sentence for people: what a bad value means. */
  about: string;
}

/** Static data, hashed into every score by `id@version`. */
export interface ScorerSpec {
  /** camelCase; the prefix of its dimensions (`sharpness` -> `sharpness.tileP90`). */
  id: string;
  /** Semver; any change of a measured value is a new version. */
  version: string;
  tier: Tier;
  cost: 'cheap' | 'model';
  models: ModelRef[];
  /** Where the formula comes from: paper, standard, page. */
  source: string;
  /** Full dimension id -> its declaration. */
  dimensions: Record<string, DimensionSpec>;
}

export interface Ask {
  prompt?: string;
  negativePrompt?: string;
  references?: Frame[];
  expect?: Record<string, unknown>;
  /** The policy's parameters for this scorer. */
  params: Record<string, unknown>;
}

/**
 * Measures one or more dimensions of one image in one pass. The answer has exactly the dimensions of its spec.
 * Pure: same bytes, same ask, same answer. Throws only for defects; "cannot tell" is `unassessable`.
 */
export interface Scorer {
  readonly spec: ScorerSpec;
  assess(frame: Frame, ask: Ask, signal: AbortSignal): Promise<Record<string, Assessment>>;
}
