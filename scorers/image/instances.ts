/** How many objects of one kind stand in a picture: components of the subject that are alike. */
import type { Frame } from '../frame.js';
import { deltaE2000, type Lab } from './colour.js';
import { labelledRuns, type Component } from './components.js';

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
  const { width } = working;
  if (!subject.found) return [];
  const mask = new Uint8Array(subject.mask.length);
  for (let i = 0; i < mask.length; i++) mask[i] = subject.mask[i] === 1 ? 1 : 0;
  const { runs, list } = labelledRuns(mask, width);
  const sums = list.map(() => new Float64Array(6));
  for (const { from, to, label } of runs) {
    const sum = sums[label - 1] as Float64Array;
    const y = Math.floor(from / width);
    let [l, a, b, xs, squares] = [sum[0] as number, sum[1] as number, sum[2] as number, 0, 0];
    for (let i = from, x = from - y * width; i < to; i++, x++) {
      l += lab.l[i] as number;
      a += lab.a[i] as number;
      b += lab.b[i] as number;
      xs += x;
      squares += x * x;
    }
    [sum[0], sum[1], sum[2]] = [l, a, b];
    sum[3] = (sum[3] as number) + xs;
    sum[4] = (sum[4] as number) + y * (to - from);
    sum[5] = (sum[5] as number) + squares + y * y * (to - from);
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
