import { ellipse, fill, line, num, roundRect } from '../brush.js';
import type { Thing } from './thing.js';

const STRAP_TOP = 'M30 0L58 0L64 34L24 34Z';
const STRAP_FOOT = 'M24 90L64 90L58 130L30 130Z';
const CASE = ellipse(44, 62, 34, 34);

export const watch: Thing = {
  width: 84,
  height: 130,
  outline: [STRAP_TOP, STRAP_FOOT, CASE, roundRect(76, 57, 7, 10, 2)],
  feet: [[31, 57]],
  draw: (brush) => {
    const polar = (turn: number, r: number): string =>
      `${num(44 + r * Math.sin(turn * 2 * Math.PI))} ${num(62 - r * Math.cos(turn * 2 * Math.PI))}`;
    let minutes = '';
    let hours = '';
    for (let i = 0; i < 60; i++) minutes += `M${polar(i / 60, 24.5)}L${polar(i / 60, 26.5)}`;
    for (let i = 0; i < 12; i++) hours += `M${polar(i / 12, 21)}L${polar(i / 12, 26.5)}`;
    const time = brush.random.between(0, 12);
    const strap = brush.gradient(
      [26, 0, 62, 0],
      [
        [0, 0.5],
        [0.3, 1.2],
        [0.7, 0.9],
        [1, 0.4],
      ],
    );
    return (
      fill(STRAP_TOP + STRAP_FOOT, strap) +
      `<path d="M31.500 2L27 32M56.500 2L61 32M27 92L32 128M61 92L56 128" fill="none" stroke="${brush.trim(1.2)}" stroke-width="0.8" stroke-dasharray="2 1.4"/>` +
      fill(ellipse(44, 106, 1.6, 1.2) + ellipse(44, 114, 1.6, 1.2) + ellipse(44, 122, 1.6, 1.2), brush.tone(0.12)) +
      fill(
        roundRect(76, 57, 7, 10, 2),
        brush.gradient(
          [0, 57, 0, 67],
          [
            [0, 1.3],
            [1, 0.5],
          ],
          'trim',
        ),
      ) +
      fill(
        CASE,
        brush.gradient(
          [14, 30, 74, 94],
          [
            [0, 1.35],
            [0.4, 0.8],
            [0.6, 1.1],
            [1, 0.45],
          ],
          'trim',
        ),
      ) +
      fill(ellipse(44, 62, 29.5, 29.5), brush.tone(0.2)) +
      fill(
        ellipse(44, 62, 28, 28),
        brush.glow(
          [38, 54, 44],
          [
            [0, 1.3],
            [1, 0.6],
          ],
        ),
      ) +
      line(minutes, brush.trim(1.3), 0.6) +
      line(hours, brush.trim(1.4), 1.5) +
      line(`M44 62L${polar(time / 12, 13)}`, brush.trim(1.5), 2.4) +
      line(`M44 62L${polar(time % 1, 20)}`, brush.trim(1.5), 1.5) +
      fill(ellipse(44, 62, 2.2, 2.2), brush.tone(0.15)) +
      brush.shine('M24 52C28 40 40 36 48 37L30 68C25 64 23 58 24 52Z', 0.2)
    );
  },
};

const UPPER =
  'M8 36C12 22 14 12 18 6C26 10 36 10 44 4C52 14 62 28 78 36C96 42 122 42 128 58L128 68L4 68C3 56 5 46 8 36Z';
const SOLE = 'M3 62C30 66 90 66 129 58Q133 66 131 72Q130 78 122 78L12 78Q3 78 3 70Z';

export const shoe: Thing = {
  width: 133,
  height: 78,
  outline: [UPPER, SOLE],
  feet: [[6, 128]],
  draw: (brush) => {
    let tread = '';
    for (let x = 9; x < 127; x += 5) tread += `M${num(x)} 74V78`;
    let laces = '';
    let bars = '';
    const first = brush.random.between(40, 48);
    for (const x of [first, first + 10, first + 20])
      bars += `M${num(x)} 40L${num(x + 4.5)} 40L${num(x - 2)} 64L${num(x - 6.5)} 64Z`;
    for (let i = 0; i < 6; i++)
      laces += `M${num(49 + i * 6)} ${num(16 + i * 4.6)}L${num(42 + i * 6.4)} ${num(25 + i * 3.6)}`;
    return (
      fill(
        UPPER,
        brush.gradient(
          [10, 4, 60, 70],
          [
            [0, 0.75],
            [0.35, 1.3],
            [1, 0.75],
          ],
        ),
      ) +
      fill(
        'M96 41.500C112 43 126 46 128 58L128 66L92 66C88 56 90 46 96 41.500Z',
        brush.gradient(
          [92, 42, 128, 66],
          [
            [0, 1.35],
            [1, 0.7],
          ],
        ),
      ) +
      line('M96 41.500C90 46 88 56 92 64', brush.tone(0.35), 0.8) +
      fill('M8 36C6 46 4 54 4 66L24 66C20 56 20 46 22 36Z', brush.tone(0.55)) +
      `<path d="M24 37C22 47 22 55 25.500 63M94 45C90 50 90 57 93 62" fill="none" stroke="${brush.trim(1.2)}" stroke-width="0.7" stroke-dasharray="1.8 1.3"/>` +
      fill(bars, brush.trim(1.15)) +
      fill('M18 6C26 10 36 10 44 4L47 8.500C38 14 26 15 16.600 11Z', brush.tone(0.3)) +
      line(laces, brush.trim(1.35), 2) +
      fill(
        SOLE,
        brush.gradient(
          [0, 60, 0, 78],
          [
            [0, 1.35],
            [0.6, 1.1],
            [1, 0.7],
          ],
          'trim',
        ),
      ) +
      line('M4 69C40 72 90 72 130 66', brush.tone(0.7), 1.2) +
      line(tread, brush.tone(0.3), 1.1) +
      brush.shine('M98 45C108 46 116 48 121 52C114 50 106 50 97 52Z', 0.45)
    );
  },
};

const BAND = 'M6 70C2 -22 98 -22 94 70L86 70C88 -8 12 -8 14 70Z';
const CUP_LEFT = roundRect(0, 56, 24, 46, 11);
const CUP_RIGHT = roundRect(76, 56, 24, 46, 11);

export const headphones: Thing = {
  width: 100,
  height: 102,
  outline: [BAND, CUP_LEFT, CUP_RIGHT],
  feet: [
    [3, 21],
    [79, 97],
  ],
  draw: (brush) => {
    const cup = (x: number): string =>
      fill(roundRect(x, 56, 24, 46, 11), brush.cylinder(x, x + 24)) +
      fill(roundRect(x + 4.5, 61, 15, 36, 7), brush.tone(0.3)) +
      fill(
        roundRect(x + 6, 62.5, 12, 33, 6),
        brush.gradient(
          [x, 62, x + 18, 96],
          [
            [0, 1.3],
            [1, 0.7],
          ],
          'trim',
        ),
      ) +
      line(
        Array.from({ length: 7 }, (_, i) => `M${num(x + 8)} ${num(68 + i * 3.6)}H${num(x + 16)}`).join(''),
        brush.tone(0.3),
        0.9,
      );
    return (
      fill(
        BAND,
        brush.gradient(
          [6, 0, 94, 0],
          [
            [0, 0.8],
            [0.3, 1.35],
            [0.6, 0.9],
            [1, 0.45],
          ],
        ),
      ) +
      line('M10.500 64C8 -14 92 -14 89.500 64', brush.trim(1), 0.8) +
      `<path d="M22 24C32 4 68 4 78 24" fill="none" stroke="${brush.tone(0.3)}" stroke-width="0.8" stroke-dasharray="2 1.5"/>` +
      cup(0) +
      cup(76) +
      fill(roundRect(7, 46, 9, 13, 1.5) + roundRect(84, 46, 9, 13, 1.5), brush.trim(0.9)) +
      line('M8 50H15M8 54H15M85 50H92M85 54H92', brush.tone(0.2), 0.7) +
      brush.shine('M30 9C38 3 46 2 52 2L52 4C46 4 38 6 31 12ZM3.500 68L6 66L6 90L3.500 88Z', 0.5)
    );
  },
};
