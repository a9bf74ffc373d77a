import { ellipse, fill, line, num, roundRect } from '../brush.js';
import type { Thing } from './thing.js';

const BOX_LEFT = 'M2 22L62 34L62 104L2 86Z';
const BOX_RIGHT = 'M62 34L104 18L104 82L62 104Z';
const BOX_TOP = 'M2 22L46 8L104 18L62 34Z';

export const box: Thing = {
  width: 106,
  height: 104,
  outline: [BOX_LEFT, BOX_RIGHT, BOX_TOP],
  feet: [[4, 100]],
  draw: (brush) => {
    let bars = '';
    for (let i = 0, x = 8; i < 12; i++) {
      const w = brush.random.between(0.7, 1.9);
      bars += `M${num(x)} ${num(70 + x * 0.28)}L${num(x + w)} ${num(70 + (x + w) * 0.28)}L${num(x + w)} ${num(80 + (x + w) * 0.28)}L${num(x)} ${num(80 + x * 0.28)}Z`;
      x += w + brush.random.between(0.7, 1.4);
    }
    return (
      fill(
        BOX_LEFT,
        brush.gradient(
          [2, 22, 62, 104],
          [
            [0, 1.25],
            [1, 0.85],
          ],
        ),
      ) +
      fill(
        BOX_RIGHT,
        brush.gradient(
          [62, 34, 104, 82],
          [
            [0, 0.5],
            [1, 0.32],
          ],
        ),
      ) +
      fill(
        BOX_TOP,
        brush.gradient(
          [2, 22, 104, 18],
          [
            [0, 1.6],
            [1, 1.3],
          ],
        ),
      ) +
      fill('M23.500 15.200L32 12.500L84 25.600L83.800 43L76.500 46L76 28.800Z', brush.trim(1.1), 0.9) +
      line('M24 15L80 27.200', brush.tone(0.6), 0.6) +
      fill('M30 40L54 45L54 68L30 62.500Z', brush.trim(1.25)) +
      line('M33.500 46.500L50.500 50M33.500 51L46 53.600M33.500 55.500L49 58.800', brush.tone(0.4), 1) +
      fill(bars, brush.tone(0.18)) +
      line(
        'M68 60L68 74M65.600 63L68 59.500L70.600 61M74 57L74 71M71.600 60L74 56.500L76.600 58',
        brush.tone(0.12),
        1.2,
      ) +
      line('M2.300 22.300L62 34.200L103.700 18.300M62 34.200V103.500', brush.tone(1.8), 0.6, 0.8) +
      brush.shine('M5 25L12 26.500L12 60L5 58Z', 0.16)
    );
  },
};

const BOOK_COVER = 'M12 2L76 2L76 104L12 104Q4 104 4 96L4 10Q4 2 12 2Z';
const BOOK_PAGES = 'M76 6L84 9L84 108L12 108Q5 107 4 98L12 104L76 104Z';

export const book: Thing = {
  width: 86,
  height: 108,
  outline: [BOOK_COVER, BOOK_PAGES],
  feet: [[10, 84]],
  draw: (brush) => {
    let pages = '';
    for (let i = 1; i < 6; i++) pages += `M${num(76 + i * 1.4)} ${num(6.5 + i * 0.5)}V${num(104.5 + i * 0.5)}`;
    const [cx, cy] = [brush.random.between(34, 54), brush.random.between(32, 46)];
    return (
      fill(
        BOOK_PAGES,
        brush.gradient(
          [76, 0, 84, 0],
          [
            [0, 1.2],
            [1, 0.9],
          ],
          'trim',
        ),
      ) +
      line(pages, brush.trim(0.55), 0.5) +
      fill(
        BOOK_COVER,
        brush.gradient(
          [4, 2, 76, 104],
          [
            [0, 1.3],
            [0.4, 1.05],
            [1, 0.7],
          ],
        ),
      ) +
      fill(
        'M12 2L16 2L16 104L12 104Q4 104 4 96L4 10Q4 2 12 2Z',
        brush.gradient(
          [4, 0, 16, 0],
          [
            [0, 0.6],
            [0.5, 1.1],
            [1, 0.4],
          ],
        ),
      ) +
      fill(ellipse(cx, cy, 17, 17), brush.trim(1.1)) +
      fill(
        `M${num(cx - 17)} ${num(cy)}L${num(cx)} ${num(cy - 17)}L${num(cx + 17)} ${num(cy)}L${num(cx)} ${num(cy + 17)}Z`,
        brush.tone(0.55),
      ) +
      fill(ellipse(cx, cy, 6, 6), brush.trim(1.3)) +
      line('M24 74H68M24 81H60M24 92H44', brush.trim(1.2), 1.6) +
      line('M20.500 7H71.500V99H20.500Z', brush.trim(0.9), 0.7) +
      brush.shine('M22 2L44 2L24 104L17 104L17 40Z', 0.1)
    );
  },
};

const PHONE = roundRect(0, 0, 56, 116, 8);

export const phone: Thing = {
  width: 56,
  height: 116,
  outline: [PHONE],
  feet: [[6, 50]],
  draw: (brush) => {
    let icons = '';
    for (let row = 0; row < 4; row++)
      for (let column = 0; column < 3; column++) icons += roundRect(11 + column * 12.5, 40 + row * 14, 8.5, 8.5, 2);
    const hill = brush.random.between(70, 90);
    return (
      fill(
        PHONE,
        brush.gradient(
          [0, 0, 56, 0],
          [
            [0, 1.6],
            [0.06, 0.7],
            [0.94, 0.5],
            [1, 1.1],
          ],
        ),
      ) +
      fill(roundRect(2.4, 2.4, 51.2, 111.2, 6), brush.tone(0.12)) +
      fill(
        roundRect(4.5, 4.5, 47, 107, 4.5),
        brush.gradient(
          [0, 4, 40, 112],
          [
            [0, 1.35],
            [0.5, 0.95],
            [1, 0.55],
          ],
        ),
      ) +
      fill(
        `M4.500 ${num(hill)}C18 ${num(hill - 12)} 34 ${num(hill + 10)} 51.500 ${num(hill - 6)}L51.500 107Q51.500 111.500 47 111.500L9 111.500Q4.500 111.500 4.500 107Z`,
        brush.tone(0.45),
      ) +
      fill(icons, brush.trim(1.15)) +
      fill(roundRect(20, 7.5, 16, 4.4, 2.2), '#101012') +
      line('M14 22H42M18 28H38', brush.trim(1.3), 1.5) +
      line('M22 107.500H34', brush.trim(1.4), 1) +
      brush.shine('M5 9Q5 5 9 5L30 5L5 66Z', 0.18)
    );
  },
};

const BAG = 'M10 40L84 40L93 104Q93 110 87 110L7 110Q1 110 1 104Z';
const HANDLES = 'M24 44C24 -12 70 -12 70 44L64 44C64 -4 30 -4 30 44Z';

export const bag: Thing = {
  width: 94,
  height: 110,
  outline: [BAG, HANDLES],
  feet: [[4, 90]],
  draw: (brush) => {
    const clasp = brush.random.between(58, 66);
    return (
      fill(
        HANDLES,
        brush.gradient(
          [24, 0, 70, 0],
          [
            [0, 1.1],
            [0.5, 0.8],
            [1, 0.5],
          ],
        ),
      ) +
      line('M26.500 42C27 -8 67 -8 67.500 42', brush.trim(1), 0.6, 0.9) +
      fill(
        BAG,
        brush.gradient(
          [4, 40, 90, 110],
          [
            [0, 1.2],
            [0.35, 1.3],
            [0.7, 0.85],
            [1, 0.5],
          ],
        ),
      ) +
      fill(
        `M10 40L84 40L86 55Q47 ${num(clasp + 18)} 8 55Z`,
        brush.gradient(
          [10, 40, 84, 70],
          [
            [0, 1.35],
            [0.5, 1.05],
            [1, 0.7],
          ],
        ),
      ) +
      line(`M8 55Q47 ${num(clasp + 18)} 86 55`, brush.tone(0.3), 0.9) +
      `<path d="M9 52Q47 ${num(clasp + 14.5)} 85 52M5 102L89 102M14 60L8 100M80 60L86 100" fill="none" stroke="${brush.trim(1.2)}" stroke-width="0.8" stroke-dasharray="2.2 1.5"/>` +
      fill(roundRect(41, clasp - 4, 12, 10, 2), brush.trim(1.2)) +
      fill(roundRect(44.5, clasp - 1, 5, 4, 1), brush.tone(0.2)) +
      fill(ellipse(27, 44, 2.6, 2.6) + ellipse(67, 44, 2.6, 2.6), brush.trim(1.1)) +
      fill('M2 100L1 104Q1 110 7 110L87 110Q93 110 93 104L92 100Q47 107 2 100Z', brush.tone(0.25), 0.45) +
      brush.shine('M14 64C20 68 24 70 28 71L24 96L12 95Z', 0.14)
    );
  },
};
