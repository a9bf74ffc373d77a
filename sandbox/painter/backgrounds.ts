import { num } from './brush.js';
import { parseHex } from './colour.js';
import type { Rgb } from './colour.js';
import type { Random } from './random.js';
import type { BackgroundName } from './words.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The colour that most of a background has: what dirt, tint and text are measured against. */
export const BASE: Readonly<Record<BackgroundName, string>> = {
  white: '#ffffff',
  grey: '#c4c4c4',
  black: '#1e1e20',
  beige: '#e4d8c4',
  pink: '#ecccd2',
  blue: '#bdd3e8',
  green: '#c6dac6',
  studio: '#dcdcde',
  wood: '#e8e3da',
  marble: '#eceae7',
};

export function baseColour(name: BackgroundName): Rgb {
  return parseHex(BASE[name]);
}

function rect({ width, height }: Size, fill: string): string {
  return `<rect width="${num(width)}" height="${num(height)}" fill="${fill}"/>`;
}

/** A seamless paper sweep: a touch of fall-off towards the floor and the corners. */
function studio(size: Size): string {
  return (
    `<linearGradient id="sweep" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#e6e6e8"/><stop offset="0.55" stop-color="#dedee0"/>` +
    `<stop offset="0.7" stop-color="#d2d2d5"/><stop offset="1" stop-color="#dadadd"/></linearGradient>` +
    `<radialGradient id="falloff" cx="0.5" cy="0.45" r="0.75"><stop offset="0.55" stop-color="#000" stop-opacity="0"/>` +
    `<stop offset="1" stop-color="#000" stop-opacity="0.14"/></radialGradient>${rect(size, 'url(#sweep)')}${rect(size, 'url(#falloff)')}`
  );
}

/** A wall above, a plank table below; the grain is fine enough to show blur. */
function wood(size: Size, random: Random): string {
  const { width, height } = size;
  const edge = height * random.between(0.6, 0.66);
  const planks = 5;
  let out =
    rect(size, BASE.wood) +
    `<rect y="${num(edge)}" width="${num(width)}" height="${num(height - edge)}" fill="#a87e55"/>`;
  for (let i = 0; i < planks; i++) {
    const [top, bottom] = [i, i + 1].map((n) => edge + (height - edge) * Math.pow(n / planks, 1.35)) as [
      number,
      number,
    ];
    const shade = random.pick(['#b0855a', '#a67c52', '#9c744c', '#b38c62']);
    out += `<rect y="${num(top)}" width="${num(width)}" height="${num(bottom - top)}" fill="${shade}"/>`;
    let grain = '';
    for (let n = 0; n < 7; n++) {
      const y = top + (bottom - top) * random.between(0.1, 0.9);
      const bend = random.between(-3, 3);
      const x = random.between(-0.2, 0.6) * width;
      grain += `M${num(x)} ${num(y)}q${num(width * 0.2)} ${num(bend)} ${num(width * random.between(0.3, 0.7))} 0`;
    }
    out += `<path d="${grain}" fill="none" stroke="#6f4d2e" stroke-opacity="0.4" stroke-width="0.9"/>`;
    out += `<path d="M0 ${num(top)}H${num(width)}" stroke="#5c3f26" stroke-width="1.2"/>`;
  }
  return out;
}

function marble(size: Size, random: Random): string {
  let veins = '';
  for (let i = 0; i < 9; i++) {
    let [x, y] = [random.between(-0.1, 1) * size.width, random.between(-0.1, 1) * size.height];
    veins += `M${num(x)} ${num(y)}`;
    for (let step = 0; step < 5; step++) {
      const [dx, dy] = [random.between(10, 70), random.between(-15, 45)];
      veins += `Q${num(x + dx * random.between(0.2, 0.8))} ${num(y + dy * random.between(-0.4, 1.2))} ${num(x + dx)} ${num(y + dy)}`;
      x += dx;
      y += dy;
    }
  }
  return (
    rect(size, BASE.marble) +
    `<path d="${veins}" fill="none" stroke="#b9b6b2" stroke-opacity="0.35" stroke-width="4"/>` +
    `<path d="${veins}" fill="none" stroke="#8f8c88" stroke-opacity="0.5" stroke-width="0.9"/>`
  );
}

/** SVG elements of a clean background. White is really white: 255 everywhere. */
export function drawBackground(name: BackgroundName, size: Size, random: Random): string {
  if (name === 'studio') return studio(size);
  if (name === 'wood') return wood(size, random);
  if (name === 'marble') return marble(size, random);
  return rect(size, BASE[name]);
}
