import { ellipse, fill, line, num, roundRect } from '../brush.js';
import type { Thing } from './thing.js';

const SHADE = 'M24 2L66 2L88 58L2 58Z';
const POLE = 'M43 56L47 56L47 132L43 132Z';
const STAND = 'M18 134Q18 128 45 127Q72 128 72 134Q72 140 45 141Q18 140 18 134Z';
const SHADE_FOOT = ellipse(45, 58, 43, 4.5);

export const lamp: Thing = {
  width: 90,
  height: 141,
  outline: [SHADE, POLE, STAND, SHADE_FOOT],
  feet: [[20, 70]],
  draw: (brush) => {
    let pleats = '';
    for (let i = 1; i < 14; i++) {
      const t = -Math.cos((Math.PI * i) / 14);
      pleats += `M${num(45 + 21 * t)} 3L${num(45 + 43 * t)} ${num(58 + 4.2 * Math.sqrt(1 - t * t))}`;
    }
    const chain = brush.random.between(76, 92);
    return (
      fill(POLE, brush.cylinder(43, 47, 'trim')) +
      fill(
        STAND,
        brush.gradient(
          [18, 0, 72, 0],
          [
            [0, 0.6],
            [0.3, 1.3],
            [0.7, 0.8],
            [1, 0.4],
          ],
          'trim',
        ),
      ) +
      line('M19 134.500Q20 139.300 45 140Q70 139.300 71 134.500', brush.trim(0.3), 0.8) +
      fill(ellipse(45, 128.5, 9, 2), brush.trim(0.5)) +
      fill(SHADE_FOOT, brush.tone(0.3)) +
      fill('M24 2L66 2L88 58Q86 62.300 45 62.500Q4 62.300 2 58Z', brush.cylinder(2, 88)) +
      line(pleats, brush.tone(0.45), 0.7, 0.8) +
      line('M2.500 57.500Q5 61.800 45 62Q85 61.800 87.500 57.500', brush.trim(1), 1.4) +
      line('M24 3H66', brush.trim(1), 1.2) +
      line(`M58 62V${num(chain)}`, brush.trim(0.7), 0.6) +
      fill(ellipse(58, chain, 1.6, 1.6), brush.trim(1.1)) +
      brush.shine('M25 8L30 8L20 54L12 54Z', 0.28)
    );
  },
};

const BACK = roundRect(14, 0, 58, 50, 9);
const SEAT = 'M8 66Q8 61 16 60L74 60Q82 61 84 68L86 74Q86 79 80 79L10 79Q4 79 5 73Z';
const LEGS =
  'M12 78L19 78L14 134L9 134ZM70 78L77 78L85 134L80 134ZM27 78L32 78L30 122L26.500 122ZM58 78L63 78L66 122L62.500 122Z';
const RUNG = 'M12 109L82 109L82 111L12 111Z';
const POSTS = 'M22 48L27 48L27 62L22 62ZM59 48L64 48L64 62L59 62Z';

export const chair: Thing = {
  width: 90,
  height: 134,
  outline: [BACK, SEAT, LEGS, POSTS, RUNG],
  feet: [
    [8, 15],
    [79, 86],
    [25, 31],
    [61, 67],
  ],
  draw: (brush) => {
    let slats = '';
    let weave = '';
    for (let i = 0; i < 5; i++) slats += roundRect(20.5 + i * 9.6, 8, 6.6, 34, 2.5);
    for (let i = 0; i < 17; i++) weave += `M${num(13 + i * 4)} 62.500L${num(11 + i * 4.2)} 71.500`;
    const open = brush.random.chance(0.5);
    return (
      fill(
        LEGS + POSTS,
        brush.gradient(
          [8, 0, 86, 0],
          [
            [0, 0.7],
            [0.1, 1.3],
            [0.3, 0.6],
            [0.7, 0.5],
            [0.9, 1],
            [1, 0.45],
          ],
          'trim',
        ),
      ) +
      fill(RUNG, brush.trim(0.6)) +
      fill(
        BACK,
        brush.gradient(
          [14, 0, 72, 50],
          [
            [0, 1.35],
            [0.5, 1.05],
            [1, 0.65],
          ],
        ),
      ) +
      fill(
        slats,
        open
          ? brush.tone(0.42)
          : brush.gradient(
              [14, 8, 72, 42],
              [
                [0, 1.1],
                [1, 1.5],
              ],
            ),
      ) +
      line('M20 4.500H66', brush.tone(1.7), 0.8, 0.8) +
      fill(
        SEAT,
        brush.gradient(
          [0, 60, 0, 79],
          [
            [0, 1.4],
            [0.55, 1.15],
            [0.62, 0.6],
            [1, 0.4],
          ],
        ),
      ) +
      line(weave, brush.tone(0.5), 0.7) +
      line('M6.500 72.500H85', brush.tone(1.7), 0.6, 0.7) +
      brush.shine('M18 10Q18 5 23 4.500L36 4.500L18 40Z', 0.16)
    );
  },
};
