import { ciede2000, map, toLab, toLinear, toSrgb, type Rgb } from '../painter/colour.js';
import { solve } from '../painter/flaws.js';
import type { Random } from '../painter/random.js';

/** CIELAB (D65) to sRGB levels, clipped; the inverse of painter/colour.ts. */
export function fromLab([l, a, b]: Rgb): Rgb {
  const fy = (l + 16) / 116;
  const f = (t: number): number => (t > 6 / 29 ? t ** 3 : ((t - 16 / 116) * 27 * 116) / 24389);
  const [x, y, z] = [0.95047 * f(fy + a / 500), f(fy), 1.08883 * f(fy - b / 200)];
  return [
    toSrgb(3.2404542 * x - 1.5371385 * y - 0.4985314 * z),
    toSrgb(-0.969266 * x + 1.8760108 * y + 0.041556 * z),
    toSrgb(0.0556434 * x - 0.2040259 * y + 1.0572252 * z),
  ];
}

export const labOf = (rgb: Rgb): Rgb => toLab(map(rgb, toLinear));

/** Largest step in CIELAB. */
const [REACH_AB, REACH_L] = [90, 25];

/**
 * A colour that lies `goal` CIEDE2000 from another in a direction that the seed chooses, as near as sRGB allows.
 *
 * @returns the step in CIELAB, the colour that it leads to, and its true distance
 */
export function shiftTo(from: Rgb, goal: number, random: Random): { step: Rgb; rgb: Rgb; distance: number } {
  const lab = labOf(from);
  const away = (step: Rgb, amount: number): Rgb => fromLab(map(lab, (value, c) => value + step[c] * amount));
  const distance = (step: Rgb, amount: number): number => ciede2000(lab, labOf(away(step, amount)));
  let best: { step: Rgb; rgb: Rgb; distance: number } | undefined;
  // Some directions lead out of sRGB at once: white cannot become lighter. The first that reaches the goal is taken.
  for (let tries = 0; tries < 8; tries++) {
    const angle = random.between(0, 2 * Math.PI);
    const lift = (lab[0] > 50 ? -1 : 1) * random.between(0.2, 1) * REACH_L;
    const step: Rgb = [lift, Math.cos(angle) * REACH_AB, Math.sin(angle) * REACH_AB];
    const amount = solve(goal, (share) => distance(step, share));
    const found = {
      step: map(step, (value) => value * amount),
      rgb: away(step, amount),
      distance: distance(step, amount),
    };
    if (best === undefined || found.distance > best.distance) best = found;
    if (best.distance >= goal * (1 - 1e-3)) break;
  }
  return best ?? { step: [0, 0, 0], rgb: from, distance: 0 };
}
