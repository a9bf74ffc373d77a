/**
 * Capital letters, digits and signs as strokes on a grid 4 wide and 6 high, so that pictures say the same on machines without fonts. One
 * string per stroke, each pair of digits a point: x, y from the top left.
 */
const STROKES: Readonly<Record<string, string>> = {
  A: '062046 1434',
  B: '0030414233 03334445360600 0306',
  C: '4130100105163645',
  D: '00304145360600',
  E: '40000646 0333',
  F: '400006 0333',
  G: '413010010516364543 2343',
  H: '0006 4046 0343',
  I: '1030 2026 1636',
  J: '40453616 1605',
  K: '0006 4003 0346',
  L: '000646',
  M: '0600234046',
  N: '06004640',
  O: '103041453616050110',
  P: '06003041423303',
  Q: '103041453616050110 2446',
  R: '06003041423303 2346',
  S: '4130100102134445361605',
  T: '0040 2026',
  U: '000516364540',
  V: '002640',
  W: '0016233640',
  X: '0046 4006',
  Y: '002340 2326',
  Z: '00400646',
  '0': '103041453616050110 4105',
  '1': '112026 1636',
  '2': '01103041420646',
  '3': '0040224445361605',
  '4': '36300444',
  '5': '400003334445361605',
  '6': '30020516364544331304',
  '7': '004016',
  '8': '103041423313020110 1333444536160504 0413',
  '9': '16364441301001021343',
  '.': '2526',
  ',': '2516',
  ':': '2223 2526',
  ';': '2223 2516',
  '-': '1333',
  '+': '2125 0343',
  '/': '4006',
  '%': '4006 0010110100 3545463635',
  '(': '30121436',
  ')': '10323416',
  '<': '400346',
  '>': '004306',
  '=': '0242 0444',
  '"': '1011 3031',
  "'": '2021',
  _: '0646',
  '!': '2024 2526',
  '?': '011030412324 2526',
  '#': '1016 3036 0242 0444',
  '*': '2125 0244 0442',
};
const ADVANCE = 5.6;
const LINE = 9;

/** How wide and high `lines` are, in the unit of `size` (the height of a capital). */
export function extentOf(lines: readonly string[], size: number): { width: number; height: number } {
  const unit = size / 6;
  const longest = Math.max(0, ...lines.map((line) => line.length));
  return { width: longest * ADVANCE * unit, height: lines.length * LINE * unit };
}

/**
 * SVG path data of text in capitals. A letter that the table lacks becomes a question mark.
 *
 * @param at left and top of the first capital
 * @example
 * `<path d="${pathOf(['NO FACE'], { x: 8, y: 8, size: 12 })}" fill="none" stroke="#fff" stroke-width="2"/>`
 */
export function pathOf(lines: readonly string[], at: { x: number; y: number; size: number }): string {
  const unit = at.size / 6;
  const place = (value: number): string => value.toFixed(1);
  return lines
    .flatMap((line, row) =>
      Array.from(line.toUpperCase()).flatMap((letter, column) => {
        if (letter === ' ') return [];
        const strokes = STROKES[letter] ?? STROKES['?'] ?? '';
        return strokes.split(' ').map((stroke) => {
          const points = stroke.match(/../g) ?? [];
          return points
            .map((point, index) => {
              const x = at.x + (column * ADVANCE + Number(point[0])) * unit;
              const y = at.y + (row * LINE + Number(point[1])) * unit;
              return `${index === 0 ? 'M' : 'L'}${place(x)} ${place(y)}`;
            })
            .join('');
        });
      }),
    )
    .join('');
}
