import { num } from '../painter/brush.js';
import { blend, hex, type Rgb } from '../painter/colour.js';
import { differenceInLight, solve } from '../painter/flaws.js';
import { wordPath, wordWidth, WORDS } from '../painter/glyphs.js';
import type { Random } from '../painter/random.js';
import type { Mask } from './canvas.js';

type Size = { readonly width: number; readonly height: number };

/** A plain studio background: its colour, a little darker towards the corners. */
export function plain({ width, height }: Size, colour: Rgb): string {
  const [middle, corner] = [hex(colour), hex(blend(colour, [0, 0, 0], 0.05))];
  return (
    `<radialGradient id="falloff" cx="0.5" cy="0.45" r="0.8"><stop offset="0.5" stop-color="${middle}"/>` +
    `<stop offset="1" stop-color="${corner}"/></radialGradient><rect width="${width}" height="${height}" fill="url(#falloff)"/>`
  );
}

const INKS: readonly [Rgb, ...Rgb[]] = [
  [96, 70, 46],
  [40, 66, 104],
  [120, 44, 40],
  [44, 84, 60],
  [30, 30, 34],
];
const PALE: Rgb = [235, 230, 220];

/** The ink that stands `goal` CIEDE2000 off a colour under a gain of the light, as near as it can. */
function inkFor(colour: Rgb, of: { ink: Rgb; goal: number; gain: number }): Rgb {
  const at = (share: number): Rgb => blend(colour, of.ink, share);
  return at(solve(of.goal, (share) => differenceInLight(colour, at(share), of.gain)));
}

/** Books, lights or blinds, over about half of the frame; each stands about `strength` off the background. */
export function busy(
  { width, height }: Size,
  of: { colour: Rgb; strength: number; gain: number; random: Random },
): { body: string; strength: number } {
  const { colour, strength, gain, random } = of;
  const light = colour[1] > 110;
  const inks = INKS.map((ink) => inkFor(colour, { ink: light ? ink : PALE, goal: strength, gain }));
  const fill = (): string => hex(random.pick(inks as [Rgb, ...Rgb[]]));
  const shapes: string[] = [];
  const kind = random.pick(['books', 'lights', 'blinds']);
  if (kind === 'blinds') {
    const step = height * random.between(0.05, 0.09);
    for (let y = 0; y < height; y += step)
      shapes.push(`<rect y="${num(y)}" width="${width}" height="${num(step * 0.55)}" fill="${fill()}"/>`);
  } else if (kind === 'books') {
    for (let shelf = 0; shelf < 5; shelf++) {
      const bottom = ((shelf + 1) * height) / 5;
      for (let x = 0; x < width;) {
        const thick = width * random.between(0.02, 0.06);
        const tall = (height / 5) * random.between(0.55, 0.92);
        if (random.chance(0.7))
          shapes.push(
            `<rect x="${num(x)}" y="${num(bottom - tall)}" width="${num(thick * 0.9)}" height="${num(tall)}" fill="${fill()}"/>`,
          );
        x += thick;
      }
    }
  } else {
    for (let i = 0; i < 60; i++) {
      const [x, y] = [random.next() * width, random.next() * height];
      const radius = width * random.between(0.03, 0.09);
      shapes.push(`<circle cx="${num(x)}" cy="${num(y)}" r="${num(radius)}" fill="${fill()}"/>`);
    }
  }
  const mean = inks.reduce((sum, ink) => sum + differenceInLight(colour, ink, gain), 0) / inks.length;
  return { body: shapes.join(''), strength: mean };
}

/** The corner of a box where least of it is behind the person, and how much of it is seen there. */
function freest(person: Mask, box: Size, random: Random): { x: number; y: number; seen: number } {
  let best = { x: 0, y: 0, seen: -1 };
  for (let tries = 0; tries < 60; tries++) {
    const x = Math.round(random.between(0.02, 0.98) * Math.max(1, person.width - box.width));
    const y = Math.round(random.between(0.02, 0.7) * Math.max(1, person.height - box.height));
    let [hidden, all] = [0, 0];
    for (let row = y; row < y + box.height; row += 4)
      for (let column = x; column < x + box.width; column += 4) {
        all++;
        if ((person.data[row * person.width + column] as number) > 127) hidden++;
      }
    const seen = 1 - hidden / Math.max(1, all);
    if (seen > best.seen + 0.001) best = { x, y, seen };
    if (best.seen === 1) break;
  }
  return best;
}

/** How much of a word or a logo has to be seen. */
const SEEN = 0.9;
const contrast = (colour: Rgb): string => (colour[1] > 110 ? '#26262a' : '#f0f0ee');

/**
 * A word on the background, where the person leaves room for it; smaller where there is no room.
 *
 * @param strength height of the capitals in % of the picture's
 */
export function words(
  person: Mask,
  of: { colour: Rgb; strength: number; random: Random },
): { body: string; strength: number } {
  const word = of.random.pick(WORDS);
  for (let height = (of.strength / 100) * person.height; height >= 4; height *= 0.92) {
    const box = { width: Math.ceil(wordWidth(word) * height), height: Math.ceil(height) };
    if (box.width > person.width * 0.9) continue;
    const { x, y, seen } = freest(person, box, of.random);
    if (seen < SEEN) continue;
    const path = wordPath(word, { x, y, height });
    const body = `<path d="${path}" fill="none" stroke="${contrast(of.colour)}" stroke-width="${num(height * 0.13)}" stroke-linecap="butt" stroke-linejoin="miter"/>`;
    return { body, strength: (100 * height) / person.height };
  }
  return { body: '', strength: 0 };
}

/** The logo that is drawn behind people: a ring with a peak, `side` wide, its corner at x, y. */
export function logo({ x, y, side }: { x: number; y: number; side: number }): string {
  const at = (share: number): string => num(share * side);
  return (
    `<g transform="translate(${num(x)} ${num(y)})"><circle cx="${at(0.5)}" cy="${at(0.5)}" r="${at(0.44)}" fill="#ffffff" stroke="#b3202c" stroke-width="${at(0.12)}"/>` +
    `<path d="M${at(0.22)} ${at(0.68)}L${at(0.42)} ${at(0.3)}L${at(0.54)} ${at(0.52)}L${at(0.62)} ${at(0.42)}L${at(0.78)} ${at(0.68)}Z" fill="#1d3f8f"/></g>`
  );
}

/** The same for the logo; `strength` is its width in % of the picture's. */
export function sign(person: Mask, of: { strength: number; random: Random }): { body: string; strength: number } {
  for (let side = (of.strength / 100) * person.width; side >= 6; side *= 0.92) {
    const box = { width: Math.ceil(side), height: Math.ceil(side) };
    const { x, y, seen } = freest(person, box, of.random);
    if (seen >= SEEN) return { body: logo({ x, y, side }), strength: (100 * side) / person.width };
  }
  return { body: '', strength: 0 };
}
