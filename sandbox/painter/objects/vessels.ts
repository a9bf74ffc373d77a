import { ellipse, fill, line, num, roundRect } from '../brush.js';
import type { Brush } from '../brush.js';
import type { Thing } from './thing.js';

/** A pattern around a standing vessel between two heights; sharp edges that every picture can be judged by. */
function pattern(brush: Brush, area: { x: number; y: number; width: number; height: number }): string {
  const { x, y, width, height } = area;
  const paint = brush.cylinder(x, x + width, 'trim');
  const kind = brush.random.pick(['bands', 'dots', 'zigzag', 'ticks']);
  if (kind === 'bands') {
    return [0.15, 0.3, 0.75].map((t) => fill(roundRect(x, y + t * height, width, height * 0.07, 0.2), paint)).join('');
  }
  const steps = 9;
  const across = (i: number): number => x + width * (0.5 - 0.5 * Math.cos((Math.PI * (i + 0.5)) / steps));
  if (kind === 'dots') {
    let dots = '';
    for (let i = 0; i < steps; i++) {
      const squeeze = Math.sin((Math.PI * (i + 0.5)) / steps);
      for (const row of [0.25, 0.5, 0.75]) dots += ellipse(across(i), y + row * height, 0.4 + 2 * squeeze, 2.2);
    }
    return fill(dots, paint);
  }
  if (kind === 'zigzag') {
    const points = Array.from(
      { length: steps },
      (_, i) => `${num(across(i))} ${num(y + height * (i % 2 ? 0.35 : 0.6))}`,
    );
    return line(`M${points.join('L')}`, paint, 2.2) + line(`M${x} ${num(y + height * 0.75)}H${x + width}`, paint, 1.2);
  }
  let ticks = '';
  for (let i = 0; i < steps; i++) ticks += `M${num(across(i))} ${num(y + height * 0.2)}V${num(y + height * 0.7)}`;
  return line(ticks, paint, 1.3) + line(`M${x} ${num(y + height * 0.82)}H${x + width}`, paint, 0.9);
}

const MUG_BODY = 'M4 10L8 92Q8.500 100 18 100.500L58 100.500Q67.500 100 68 92L72 10C72 4 4 4 4 10Z';
const MUG_HANDLE = 'M70 26C96 20 102 36 100 52C98 72 82 82 66 78L67 68C78 70 88 64 89.500 51C90.500 40 86 33 70 37Z';

export const mug: Thing = {
  width: 104,
  height: 101,
  outline: [MUG_BODY, MUG_HANDLE, ellipse(38, 10, 34, 5)],
  feet: [[12, 64]],
  draw: (brush) =>
    fill(
      MUG_HANDLE,
      brush.gradient(
        [66, 22, 102, 80],
        [
          [0, 1.15],
          [0.45, 0.9],
          [0.7, 1.05],
          [1, 0.4],
        ],
      ),
    ) +
    line('M71 30C92 25 97 38 95.500 51C94 66 82 74 69 73', brush.tone(1.55), 1.1, 0.7) +
    fill(MUG_BODY, brush.cylinder(4, 72)) +
    pattern(brush, { x: 8, y: 30, width: 60, height: 48 }) +
    fill('M8 92Q8.500 100 18 100.500L58 100.500Q67.500 100 68 92L67.900 94Q40 99 8.200 94Z', brush.tone(0.3), 0.45) +
    brush.shine('M14 20L18 20L21 84L18.500 84Z', 0.5) +
    fill(
      ellipse(38, 10, 34, 5),
      brush.gradient(
        [4, 0, 72, 0],
        [
          [0, 1.3],
          [0.5, 1.6],
          [1, 0.9],
        ],
      ),
    ) +
    fill(
      ellipse(38, 10.6, 31.6, 3.9),
      brush.gradient(
        [6, 0, 70, 0],
        [
          [0, 0.35],
          [0.6, 0.75],
          [1, 0.95],
        ],
      ),
    ),
};

const BOTTLE = 'M17 6L17 24C17 36 2 38 2 54L2 150Q2 158 10 158L40 158Q48 158 48 150L48 54C48 38 33 36 33 24L33 6Z';
const CAP = roundRect(15, 0, 20, 16, 2);

export const bottle: Thing = {
  width: 50,
  height: 158,
  outline: [BOTTLE, CAP],
  feet: [[4, 46]],
  draw: (brush) => {
    let ribs = '';
    for (let x = 17; x < 34.5; x += 1.9) ribs += `M${num(x)} 2.5V14`;
    let print = '';
    for (let i = 0; i < 5; i++) print += `M10 ${num(104 + i * 5)}H${num(brush.random.between(26, 42))}`;
    return (
      fill(BOTTLE, brush.cylinder(2, 48)) +
      fill('M17 20L33 20L33 24L17 24Z', brush.tone(0.35), 0.6) +
      fill(CAP, brush.cylinder(15, 35, 'trim')) +
      line(ribs, brush.trim(0.35), 0.6) +
      fill(roundRect(2, 72, 46, 62, 0.5), brush.cylinder(2, 48, 'trim')) +
      fill(ellipse(25, 87, 9, 9) + ellipse(25, 87, 6.5, 6.5), brush.tone(0.9)) +
      line('M21 87L24.500 91L30 82', brush.tone(0.7), 1.6) +
      line(print, brush.tone(0.45), 1.1) +
      line('M2.500 72H47.500M2.500 134H47.500', brush.tone(0.4), 0.7) +
      brush.shine(
        'M8 54C8 48 11 46 13 44L14.500 46C12 49 11.500 51 11.500 56L11.500 70L8 70ZM8 137L11.500 137L11.500 150L8 149Z',
        0.55,
      ) +
      fill('M2 148Q2 158 10 158L40 158Q48 158 48 148Q25 154 2 148Z', brush.tone(0.25), 0.5)
    );
  },
};

const VASE = 'M32 4C32 26 4 40 4 78C4 108 20 126 28 132L62 132C70 126 86 108 86 78C86 40 58 26 58 4Z';

export const vase: Thing = {
  width: 90,
  height: 132,
  outline: [VASE, ellipse(45, 4, 14, 3.5)],
  feet: [[29, 61]],
  draw: (brush) => {
    let flutes = '';
    for (let i = 1; i < 10; i++) {
      const t = -Math.cos((Math.PI * i) / 10);
      const [mid, top, foot] = [45 + 41 * t, 45 + 13 * t, 45 + 17 * t];
      flutes += `M${num(top)} 9C${num(top)} 28 ${num(mid)} 42 ${num(mid)} 78C${num(mid)} 106 ${num(45 + 27 * t)} 124 ${num(foot)} 131`;
    }
    const ring = brush.random.between(62, 92);
    return (
      fill(VASE, brush.cylinder(4, 86)) +
      line(flutes, brush.tone(0.38), 0.7, 0.75) +
      fill(
        `M5.500 ${num(ring)}Q45 ${num(ring + 7)} 84.500 ${num(ring)}L84 ${num(ring + 5)}Q45 ${num(ring + 12)} 6 ${num(ring + 5)}Z`,
        brush.cylinder(4, 86, 'trim'),
      ) +
      fill('M32.500 12Q45 15 57.500 12L56.800 16Q45 19 33.200 16Z', brush.cylinder(31, 59, 'trim')) +
      brush.shine('M22 60C17 72 17 88 23 102L26.500 101C22 88 22 73 26.500 61Z', 0.5) +
      fill('M22 126C24 129 26 131 28 132L62 132C64 131 66 129 68 126Q45 131 22 126Z', brush.tone(0.25), 0.55) +
      fill(
        ellipse(45, 4, 14, 3.5),
        brush.gradient(
          [31, 0, 59, 0],
          [
            [0, 1.2],
            [0.5, 1.55],
            [1, 0.8],
          ],
        ),
      ) +
      fill(ellipse(45, 4.4, 12, 2.5), brush.tone(0.22))
    );
  },
};
