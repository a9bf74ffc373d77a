import type { Frame } from './frame.js';

export type Tier = 'generic' | 'useCase' | 'business';

/** A model that a scorer wants, by its id in the manifest (`models/manifest.ts`) or by its role (`clip`). */
export interface ModelRef {
  id: string;
  /** The scorer measures something without it too. @default false */
  optional?: boolean;
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

/**
 * Thrown by a scorer, or by a pass that it derives from a frame, when nothing can be measured: every dimension of that scorer
 * becomes `unassessable` with this reason. A scorer that can still measure some of its dimensions catches it (`unlessUnassessable`).
 *
 * @example
 * if (faces.length === 0) throw new Unassessable('no-face');
 */
export class Unassessable extends Error {
  constructor(
    readonly reason: UnassessableReason,
    readonly facts?: Record<string, unknown>,
  ) {
    super(`unassessable: ${reason}`);
    this.name = 'Unassessable';
  }

  get assessment(): Assessment {
    return {
      status: 'unassessable',
      reason: this.reason,
      ...(this.facts === undefined ? {} : { facts: this.facts }),
    };
  }
}

/**
 * The value of `make`, or the Unassessable that it threw; any other error is thrown on.
 *
 * @example
 * const faces = await unlessUnassessable(() => frame.derive(facesOf));
 * if (faces instanceof Unassessable) return { 'eyes.open': faces.assessment };
 */
export async function unlessUnassessable<T>(make: () => T | Promise<T>): Promise<T | Unassessable> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof Unassessable) return error;
    throw error;
  }
}

/** One dimension of one image. Measuring (raw) and mapping (quality) happen in the scorer; deciding is the policy's. */
export type Assessment =
  | {
      status: 'ok';
      /** in the dimension's unit */ raw: number;
      /** 0..100, 100 best */ quality: number;
      facts?: Record<string, unknown>;
      /** From another machine: the models that made it, id -> sha256 or name. Scores of others are never compared with it. */
      models?: Record<string, string>;
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
  /** What the image is compared with: photos of the person, the garment, the product. */
  references?: Frame[];
  /** Further photos by name: `logo`. */
  named?: Record<string, Frame>;
  /** Regions that the template draws beside the image, by name (`garment`); white is inside. Same shape as the image. */
  masks?: Record<string, Frame>;
  /** What the request expects to see: `{ text: 'ACME', people: 1 }`. Each scorer's README line says what it reads. */
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

/** An image file as it came. */
export interface ImageFile {
  bytes: Uint8Array;
  /** Of the bytes, hex. */
  sha256: string;
}

/** An ask whose pictures are files. */
export interface FileAsk extends Omit<Ask, 'references' | 'named' | 'masks' | 'params'> {
  references?: readonly Uint8Array[];
  named?: Readonly<Record<string, Uint8Array>>;
  masks?: Readonly<Record<string, Uint8Array>>;
  /** The policy's parameters by scorer id. */
  params: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Another machine that measures image files. It answers for all its scorers at once. */
export interface FileSource {
  /** @throws CullError SCORER_UNREACHABLE where it does not answer: nothing is known about the image then */
  assess(image: ImageFile, ask: FileAsk, signal: AbortSignal): Promise<Record<string, Assessment>>;
}

/** A scorer that lives elsewhere. It gets the file, not a frame, and runs outside the scoring threads, after those inside them. */
export interface FileScorer {
  readonly spec: ScorerSpec;
  readonly source: FileSource;
}

export type AnyScorer = Scorer | FileScorer;

export const takesFile = (scorer: AnyScorer): scorer is FileScorer => 'source' in scorer;
