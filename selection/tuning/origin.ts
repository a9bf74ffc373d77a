/** Where labels came from, and so what a bound from them speaks of. */
import type { LabelSource } from './labels.js';

export interface Origin {
  /** Pictures whose every verdict was asked for by the band review, by the audit sample; all others. */
  review: number;
  audit: number;
  other: number;
  /** In one sentence: what the bound speaks of. */
  speaksOf: string;
}

/**
 * @example
 * originOf([{ from: 'audit' }, {}]).speaksOf; // '1 of 2 labelled pictures (50 %) is of reviews (0) and audit samples (1), …'
 */
export function originOf(pictures: readonly { from?: LabelSource }[]): Origin {
  const of = (source: LabelSource | undefined): number => pictures.filter(({ from }) => from === source).length;
  const [review, audit, other] = [of('review'), of('audit'), of(undefined)];
  const asked = review + audit;
  if (asked === 0)
    return {
      ...{ review, audit, other },
      speaksOf: `None of the ${other} labelled pictures is of a review or an audit sample: the bound speaks of all that is drawn if they are a random sample of it, else of pictures picked as they were.`,
    };
  const share = `${Math.round((100 * asked) / pictures.length)} %`;
  return {
    ...{ review, audit, other },
    speaksOf: `${asked} of ${pictures.length} labelled pictures (${share}) ${asked === 1 ? 'is' : 'are'} of reviews (${review}) and audit samples (${audit}), which take pictures near a gate and few others: the bound speaks of such a mix, not of all that is drawn.`,
  };
}
