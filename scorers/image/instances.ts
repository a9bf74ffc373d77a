/** How many objects of one kind stand in a picture: components of the subject that are alike. */
import type { Frame } from '../frame.js';
import { deltaE2000, type Lab } from './colour.js';
import { components, type Component } from './components.js';

/** A component counts beside the largest one from this share of its area on. */
const LEAST_AREA = 0.35;
/** Like in colour: dE2000 of the mean colours, lightness at half its weight (light falls off along a row of objects). */
const LIKE_COLOUR = 12;
/** Like in shape: difference of the two shape numbers below, as a ratio. */
const LIKE_SHAPE = 1.5;

export interface Instance extends Component {
  /** Mean colour. */
  lab: Lab;
  /** Root mean square distance of its pixels from its middle over the root of its area: 0.4 for a disc, more for what is long or hollow. */
  spread: number;
}

/**
 * The components of the subject that are like its largest one in area, mean colour and compactness, the largest first. Objects that touch
 * are one component; parts of one object that do not touch and are alike (a pair of lenses) are several.
 *
 * @example
 * frame.derive(instancesOf).length; // 2 for two mugs side by side
 */
export function instancesOf(frame: Frame): Instance[] {
  const { subject, lab, working } = frame;
  const { width, height } = working;
  if (!subject.found) return [];
  const mask = new Uint8Array(subject.mask.length);
  for (let i = 0; i < mask.length; i++) mask[i] = subject.mask[i] === 1 ? 1 : 0;
  const { labels, list } = components(mask, width, height);
  const sums = list.map(() => new Float64Array(6));
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const label = labels[i] as number;
      if (label === 0) continue;
      const sum = sums[label - 1] as Float64Array;
      sum[0] = (sum[0] as number) + (lab.l[i] as number);
      sum[1] = (sum[1] as number) + (lab.a[i] as number);
      sum[2] = (sum[2] as number) + (lab.b[i] as number);
      sum[3] = (sum[3] as number) + x;
      sum[4] = (sum[4] as number) + y;
      sum[5] = (sum[5] as number) + x * x + y * y;
    }
  const all = list
    .map((component, at): Instance => {
      const [l, a, b, x, y, squares] = Array.from(sums[at] as Float64Array, (sum) => sum / component.area) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const spread = Math.sqrt(Math.max(0, squares - x * x - y * y) / component.area);
      return { ...component, lab: [l, a, b], spread };
    })
    .sort((one, two) => two.area - one.area || one.left - two.left || one.top - two.top);
  const [first] = all;
  return first === undefined ? [] : all.filter((other) => isLike(first, other));
}

function isLike(one: Instance, two: Instance): boolean {
  const half = ({ lab: [l, a, b] }: Instance): Lab => [l / 2, a, b];
  const ratio = one.spread / Math.max(1e-6, two.spread);
  return (
    two.area >= LEAST_AREA * one.area &&
    deltaE2000(half(one), half(two)) <= LIKE_COLOUR &&
    Math.max(ratio, 1 / Math.max(1e-6, ratio)) <= LIKE_SHAPE
  );
}
