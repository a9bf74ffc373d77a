/** A small square chart of shares as inline SVG: both axes in percent, lines and marked points. */
import { html, type Html } from './html.js';

export interface Chart {
  title: string;
  /** What x and y are, in words. */
  x: string;
  y: string;
  /** Points of 0..1 on both axes; the first line is drawn strongest. */
  lines: readonly (readonly (readonly [number, number])[])[];
  /** Points to look at. */
  marks?: readonly { at: readonly [number, number]; name: 'present' | 'proposed' }[];
  /** Draws the line from (0, 0) to (1, 1): a coin in a ROC, the truth in a reliability diagram. */
  diagonal?: boolean;
  /** The largest y that is shown, above 0. @default 1 */
  top?: number;
}

const SIDE = 200;
const LEFT = 40;
const ABOVE = 8;
const BELOW = 36;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

/**
 * @example
 * chart({ title: 'ROC', x: 'defective that pass', y: 'good that pass', lines: [[[0, 0], [0.1, 0.8], [1, 1]]], diagonal: true });
 */
export function chart({ title, x, y, lines, marks = [], diagonal = false, top = 1 }: Chart): Html {
  const px = (share: number): string => (LEFT + SIDE * share).toFixed(1);
  const py = (share: number): string => (ABOVE + SIDE * (1 - Math.min(1, share / top))).toFixed(1);
  const path = (points: readonly (readonly [number, number])[]): string =>
    points.map(([a, b], i) => `${i === 0 ? 'M' : 'L'}${px(a)} ${py(b)}`).join('');
  return html`<figure>
    <figcaption>${title}</figcaption>
    <svg viewBox="0 0 ${LEFT + SIDE + 18} ${ABOVE + SIDE + BELOW}" role="img" aria-label="${title}: ${y} over ${x}">
      ${TICKS.map(
        (share) =>
          html`<path class="grid" d="M${px(share)} ${py(0)}V${py(top)}M${px(0)} ${py(share * top)}H${px(1)}" />
            <text x="${px(share)}" y="${ABOVE + SIDE + 14}" text-anchor="middle">${percent(share)}</text>
            <text x="${LEFT - 5}" y="${Number(py(share * top)) + 3.5}" text-anchor="end"
              >${percent(share * top)}</text
            >`,
      )}
      ${
        diagonal &&
        html`<path
          class="diagonal"
          d="${path([
            [0, 0],
            [1, 1],
          ])}"
        />`
      }
      ${lines.map((points, i) => html`<path class="${i === 0 ? 'line' : 'line other'}" d="${path(points)}" />`)}
      ${marks.map(
        ({ at: [a, b], name }) =>
          // A shape each, for whoever tells no colours: a square on its corner for what is proposed.
          html`<path
            class="${name}"
            d="M${px(a)} ${py(b)}${name === 'proposed' ? 'm0-5.5l5.5 5.5-5.5 5.5-5.5-5.5z' : 'm-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z'}"
            ><title>${name}: ${percent(a)}, ${percent(b)}</title></path
          >`,
      )}
      <text class="axis" x="${px(0.5)}" y="${ABOVE + SIDE + 31}" text-anchor="middle">${x}</text>
    </svg>
    <small>y: ${y}</small>
  </figure>`;
}

/** A share for an axis or a table. */
export const percent = (share: number): string => {
  const value = share * 100;
  return `${value === 0 || value >= 10 ? value.toFixed(0) : value.toFixed(1)} %`;
};
