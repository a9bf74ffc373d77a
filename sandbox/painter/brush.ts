import { hex, map, toLinear, toSrgb } from './colour.js';
import type { Rgb } from './colour.js';
import type { Random } from './random.js';

/** What an object draws with: its colour in any light, gradients, and the seed's own variation. */
export interface Brush {
  /** The object's colour at `light` times its mid-tone; above 1 it also loses saturation, as a lit surface does. */
  tone(light: number): string;
  /** A second colour for straps, labels and lids. */
  trim(light: number): string;
  /** A fill along a line (user space): light over position. */
  gradient(axis: Axis, stops: readonly (readonly [at: number, light: number])[], paint?: 'tone' | 'trim'): string;
  /** A round fill, brightest at its focus. */
  glow(
    centre: readonly [x: number, y: number, radius: number],
    stops: readonly (readonly [at: number, light: number])[],
  ): string;
  /** The light across a standing cylinder between two x: soft edge, highlight left of the middle, dark right side. */
  cylinder(x0: number, x1: number, paint?: 'tone' | 'trim'): string;
  /** A white reflection of the given opacity, along a path. */
  shine(d: string, opacity: number): string;
  /** Choices that the seed makes about this object. */
  readonly random: Random;
  /** The gradients used so far, for <defs>. */
  definitions(): string;
}
export type Axis = readonly [x0: number, y0: number, x1: number, y1: number];

/** A number short enough for SVG, the same on every machine. */
export function num(value: number): string {
  return String(Math.round(value * 100) / 100);
}

function lit(colour: Rgb, light: number): string {
  return hex(
    map(colour, (level) => {
      const linear = toLinear(level) * Math.min(light, 1.9);
      const lifted = light > 1 ? linear + (light - 1) * 0.09 : linear;
      // A lit surface stays below paper white: only reflections come near it.
      return Math.min(232, toSrgb(lifted));
    }),
  );
}

/** @param colour sRGB of the object's mid-tone; @param trim sRGB of its second colour. */
export function createBrush(colour: Rgb, trim: Rgb, random: Random): Brush {
  const defs: string[] = [];
  const paint = (which: 'tone' | 'trim') => (light: number) => lit(which === 'tone' ? colour : trim, light);
  const stopsOf = (stops: readonly (readonly [number, number])[], which: 'tone' | 'trim'): string =>
    stops.map(([at, light]) => `<stop offset="${num(at)}" stop-color="${paint(which)(light)}"/>`).join('');
  const gradient: Brush['gradient'] = ([x0, y0, x1, y1], stops, which = 'tone') => {
    const id = `g${defs.length}`;
    defs.push(
      `<linearGradient id="${id}" gradientUnits="userSpaceOnUse" x1="${num(x0)}" y1="${num(y0)}" x2="${num(x1)}" y2="${num(y1)}">` +
        `${stopsOf(stops, which)}</linearGradient>`,
    );
    return `url(#${id})`;
  };
  return {
    tone: paint('tone'),
    trim: paint('trim'),
    gradient,
    glow: ([x, y, radius], stops) => {
      const id = `g${defs.length}`;
      defs.push(
        `<radialGradient id="${id}" gradientUnits="userSpaceOnUse" cx="${num(x)}" cy="${num(y)}" r="${num(radius)}">` +
          `${stopsOf(stops, 'tone')}</radialGradient>`,
      );
      return `url(#${id})`;
    },
    cylinder: (x0, x1, which = 'tone') =>
      gradient(
        [x0, 0, x1, 0],
        [
          [0, 0.6],
          [0.1, 0.95],
          [0.28, 1.35],
          [0.42, 1.1],
          [0.72, 0.75],
          [0.92, 0.42],
          [1, 0.55],
        ],
        which,
      ),
    shine: (d, opacity) => `<path d="${d}" fill="#fff" fill-opacity="${num(opacity)}"/>`,
    random,
    definitions: () => defs.join(''),
  };
}

/** The path data of an ellipse, from four curves. */
export function ellipse(cx: number, cy: number, rx: number, ry: number): string {
  const [kx, ky] = [rx * 0.5523, ry * 0.5523];
  const p = (x: number, y: number): string => `${num(cx + x)} ${num(cy + y)}`;
  return (
    `M${p(-rx, 0)}C${p(-rx, -ky)} ${p(-kx, -ry)} ${p(0, -ry)}C${p(kx, -ry)} ${p(rx, -ky)} ${p(rx, 0)}` +
    `C${p(rx, ky)} ${p(kx, ry)} ${p(0, ry)}C${p(-kx, ry)} ${p(-rx, ky)} ${p(-rx, 0)}Z`
  );
}

/** The path data of a rectangle with round corners. */
export function roundRect(x: number, y: number, width: number, height: number, r: number): string {
  const [x1, y1] = [x + width, y + height];
  return (
    `M${num(x + r)} ${num(y)}L${num(x1 - r)} ${num(y)}Q${num(x1)} ${num(y)} ${num(x1)} ${num(y + r)}L${num(x1)} ${num(y1 - r)}` +
    `Q${num(x1)} ${num(y1)} ${num(x1 - r)} ${num(y1)}L${num(x + r)} ${num(y1)}Q${num(x)} ${num(y1)} ${num(x)} ${num(y1 - r)}` +
    `L${num(x)} ${num(y + r)}Q${num(x)} ${num(y)} ${num(x + r)} ${num(y)}Z`
  );
}

/** A filled path. */
export function fill(d: string, colour: string, opacity = 1): string {
  return `<path d="${d}" fill="${colour}"${opacity < 1 ? ` fill-opacity="${num(opacity)}"` : ''} fill-rule="evenodd"/>`;
}

/** A stroked path. */
export function line(d: string, colour: string, width: number, opacity = 1): string {
  const alpha = opacity < 1 ? ` stroke-opacity="${num(opacity)}"` : '';
  return `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${num(width)}"${alpha} stroke-linecap="round" stroke-linejoin="round"/>`;
}
