import { num } from './brush.js';

/**
 * Capital letters as strokes on a grid 4 wide and 6 high: fonts differ between machines, these do not. One string per stroke,
 * each pair of digits a point: x, y from the top left.
 */
const STROKES: Readonly<Record<string, string>> = {
  A: '062046 1434',
  B: '0030414233 03334445360600',
  C: '4130100105163645',
  D: '00304145360600',
  E: '40000646 0333',
  F: '400006 0333',
  H: '0006 4046 0343',
  K: '0006 4003 0346',
  L: '000646',
  M: '0600234046',
  N: '06004640',
  O: '103041453616050110',
  P: '06003041423303',
  R: '06003041423303 2346',
  S: '4130100102134445361605',
  T: '0040 2026',
  W: '0016233640',
  X: '0046 4006',
  Y: '002340 2326',
};

/** Words in letters that the table has. */
export const WORDS = [
  'SALE',
  'SAMPLE',
  'STOCK',
  'PROOF',
  'COPY',
  'BEST',
  'NEW',
  'PROMO',
  'WATERMARK',
  'HELLO',
] as const;

/** Width of a word over its height, strokes included. */
export function wordWidth(word: string): number {
  return word.length * 0.8 - 0.14;
}

/**
 * Path data of a word, to be stroked with `height * 0.13`: the ink of the capitals is exactly `height` high.
 *
 * @example
 * wordPath('SALE', { x: 10, y: 10, height: 20 }); // 'M…', 20 units high, about 61 wide
 */
export function wordPath(word: string, at: { x: number; y: number; height: number }): string {
  const stroke = at.height * 0.13;
  const [unitX, unitY] = [(at.height * 0.66 - stroke) / 4, (at.height - stroke) / 6];
  return Array.from(word)
    .map((letter, i) => {
      const left = at.x + i * at.height * 0.8 + stroke / 2;
      return (STROKES[letter] ?? STROKES['O'] ?? '')
        .split(' ')
        .map((points) => {
          const steps: string[] = [];
          for (let p = 0; p + 1 < points.length; p += 2) {
            const [x, y] = [Number(points[p]), Number(points[p + 1])];
            steps.push(`${num(left + x * unitX)} ${num(at.y + stroke / 2 + y * unitY)}`);
          }
          return steps.length > 1 ? `M${steps.join('L')}` : '';
        })
        .join('');
    })
    .join('');
}
