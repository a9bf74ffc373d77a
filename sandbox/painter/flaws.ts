import type { Size } from './backgrounds.js';
import { num } from './brush.js';
import { blend, ciede2000, hex, map, toLab, toLinear } from './colour.js';
import type { Rgb } from './colour.js';
import { wordPath, wordWidth, WORDS } from './glyphs.js';
import type { Random } from './random.js';

/** Finds x in [0, 1] where the rising function reaches `goal`; 1 where it never does. */
export function solve(goal: number, rising: (x: number) => number): number {
  let [low, high] = [0, 1];
  if (rising(1) <= goal) return 1;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (rising(middle) < goal) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** CIEDE2000 between two sRGB colours as a sensor with this gain sees them: what is over-exposed clips, and differences vanish. */
export function differenceInLight(one: Rgb, two: Rgb, gain: number): number {
  const see = (rgb: Rgb): Rgb => toLab(map(rgb, (level) => Math.min(1, toLinear(level) * gain)));
  return ciede2000(see(one), see(two));
}

export const DIRT_KINDS = ['stains', 'specks', 'creases', 'weave'] as const;
export interface Dirt {
  readonly kind: (typeof DIRT_KINDS)[number];
  /** sRGB of the dirt on the background's base colour. */
  readonly seen: Rgb;
  readonly ink: string;
  readonly opacity: number;
  /** Share of the frame that it covers, about; never below 0.03. */
  readonly area: number;
}

/** Dirt of a given mean CIEDE2000 from the background. */
export function planDirt(strength: number, base: Rgb, random: Random): Dirt {
  const dark = base[1] < 90;
  const ink: Rgb = dark
    ? [190, 180, 165]
    : random.pick<Rgb>([
        [92, 76, 58],
        [70, 70, 72],
        [104, 84, 60],
      ]);
  const opacity = solve(strength, (share) => differenceInLight(base, blend(base, ink, share), 1));
  return {
    kind: random.pick(DIRT_KINDS),
    seen: blend(base, ink, opacity),
    ink: hex(ink),
    opacity,
    area: random.between(0.045, 0.12),
  };
}

/** A closed, irregular, smooth outline. */
function blob(x: number, y: number, radius: number, random: Random): string {
  const corners = 9;
  const points = Array.from({ length: corners }, (_, i) => {
    const [turn, r] = [(i / corners) * 2 * Math.PI, radius * random.between(0.72, 1.22)];
    return [x + r * Math.cos(turn), y + r * Math.sin(turn)] as const;
  });
  const half = (i: number): string => {
    const [a, b] = [points[i % corners] ?? [x, y], points[(i + 1) % corners] ?? [x, y]];
    return `${num((a[0] + b[0]) / 2)} ${num((a[1] + b[1]) / 2)}`;
  };
  let d = `M${half(corners - 1)}`;
  points.forEach(([px, py], i) => (d += `Q${num(px)} ${num(py)} ${half(i)}`));
  return `${d}Z`;
}

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Strokes {
  readonly d: string;
  readonly thickness: number;
}

/** Folds of a badly ironed backdrop: bent lines of many lengths, most of them in one direction. */
function creases(area: number, { width, height }: Size, random: Random): Strokes {
  const count = 26;
  const lean = random.between(-0.5, 0.5);
  let d = '';
  let length = 0;
  for (let i = 0; i < count; i++) {
    const [x, y] = [random.between(-0.1, 0.9) * width, ((i + random.next()) / count) * height];
    const run = random.between(0.15, 0.6) * width;
    const rise = run * (lean + random.between(-0.25, 0.25));
    d += `M${num(x)} ${num(y)}Q${num(x + run / 2)} ${num(y + rise * random.between(0.1, 0.9))} ${num(x + run)} ${num(y + rise)}`;
    length += Math.hypot(run, rise) * 0.85; // some of it lies outside the frame
  }
  return { d, thickness: (area * width * height) / length };
}

/** Coarse cloth: threads both ways. One path, so that crossings are no darker. */
function weave(area: number, { width, height }: Size, random: Random): Strokes {
  // Threads thick enough to have their full colour at half the size, too.
  const thickness = random.between(3, 4.2);
  const pitch = (2 * thickness) / (area * 1.5);
  let d = '';
  for (let x = pitch * random.next(); x < width; x += pitch) d += `M${num(x)} -4V${num(height + 4)}`;
  for (let y = pitch * random.next(); y < height; y += pitch) d += `M-4 ${num(y)}H${num(width + 4)}`;
  return { d, thickness };
}

/** SVG elements of the dirt; stains and specks keep clear of the subject's box where they can. */
export function drawDirt(dirt: Dirt, size: Size, ask: { avoid: Box | undefined; random: Random }): string {
  const { random, avoid } = ask;
  const { width, height } = size;
  if (dirt.kind === 'creases' || dirt.kind === 'weave') {
    const { d, thickness } =
      dirt.kind === 'creases' ? creases(dirt.area, size, random) : weave(dirt.area, size, random);
    return `<path d="${d}" fill="none" stroke="${dirt.ink}" stroke-opacity="${dirt.opacity.toFixed(5)}" stroke-width="${num(thickness)}" stroke-linecap="round"/>`;
  }
  const spot = (margin: number): [number, number] => {
    for (let i = 0; i < 40; i++) {
      const [x, y] = [random.between(0.03, 0.97) * width, random.between(0.03, 0.97) * height];
      const inside =
        avoid &&
        x > avoid.x - margin &&
        x < avoid.x + avoid.width + margin &&
        y > avoid.y - margin &&
        y < avoid.y + avoid.height + margin;
      if (!inside) return [x, y];
    }
    return [0.06 * width, 0.08 * height];
  };
  const [small, large] = dirt.kind === 'stains' ? [0.035, 0.075] : [0.006, 0.014];
  const long = Math.max(width, height);
  let d = '';
  // One path for all: where spots overlap they do not add up, so that the dirt has one colour. Overlaps are paid for by 15 %.
  for (let covered = 0; covered < dirt.area * 1.15 * width * height;) {
    const radius = random.between(small, large) * long;
    const [x, y] = spot(radius);
    d += blob(x, y, radius, random);
    covered += Math.PI * radius * radius * 0.9;
  }
  return `<path d="${d}" fill="${dirt.ink}" fill-opacity="${dirt.opacity.toFixed(5)}"/>`;
}

/** SVG elements of a word in the background; `height` in the frame's units, in the band that the subject leaves free. */
export function drawText(ask: { height: number; base: Rgb; size: Size; atFoot: boolean; random: Random }): string {
  const { height, size, random } = ask;
  const fitting = WORDS.filter((word) => wordWidth(word) * height < size.width * 0.92);
  const word = fitting.length > 0 ? random.pick(fitting as [string, ...string[]]) : 'NEW';
  const free = size.width - wordWidth(word) * height;
  const x = free * random.between(0.06, 0.94);
  const inset = size.height * random.between(0.025, 0.035);
  const y = ask.atFoot ? size.height - inset - height : inset;
  const ink = ask.base[1] < 90 ? '#e4e4e4' : random.pick(['#2b2b2d', '#3a2d28', '#1f2f55', '#7a1f24']);
  return (
    `<path d="${wordPath(word, { x, y, height })}" fill="none" stroke="${ink}" stroke-opacity="${num(random.between(0.65, 0.95))}" ` +
    `stroke-width="${num(height * 0.13)}" stroke-linecap="square" stroke-linejoin="round"/>`
  );
}
