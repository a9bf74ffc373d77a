/** Words in a picture without any font: letters of five by seven squares. */
import type { Picture } from '../../scorers/frame.js';

const LETTERS: Readonly<Record<string, readonly string[]>> = {
  S: ['.####', '#....', '#....', '.###.', '....#', '....#', '####.'],
  A: ['.###.', '#...#', '#...#', '#####', '#...#', '#...#', '#...#'],
  L: ['#....', '#....', '#....', '#....', '#....', '#....', '#####'],
  E: ['#####', '#....', '#....', '####.', '#....', '#....', '#####'],
};

/**
 * A copy of a picture with a word of the letters S, A, L, E.
 *
 * @param square side of one square of a letter, px; letters are seven high
 * @example
 * written(disc(), { word: 'SALE', left: 170, top: 40, square: 6, level: 40 });
 */
export function written(
  { width, height, rgb }: Picture,
  { word, left, top, square, level }: { word: string; left: number; top: number; square: number; level: number },
): Picture {
  const copy = Uint8Array.from(rgb);
  Array.from(word).forEach((letter, at) =>
    (LETTERS[letter] ?? []).forEach((row, j) =>
      Array.from(row).forEach((mark, i) => {
        if (mark !== '#') return;
        const x = left + square * (7 * at + i);
        for (let y = top + square * j; y < top + square * (j + 1); y++)
          copy.fill(level, 3 * (y * width + x), 3 * (y * width + x + square));
      }),
    ),
  );
  return { width, height, rgb: copy };
}
