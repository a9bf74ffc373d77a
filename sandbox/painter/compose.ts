import { baseColour, drawBackground } from './backgrounds.js';
import type { Size } from './backgrounds.js';
import { createBrush, num } from './brush.js';
import { map, parseHex, toLinear, toSrgb } from './colour.js';
import type { Rgb } from './colour.js';
import { drawDirt, drawText, solve } from './flaws.js';
import type { Box } from './flaws.js';
import { profileOf, THINGS } from './objects/index.js';
import type { Thing } from './objects/thing.js';
import { shareBefore } from './path.js';
import type { Plan } from './plan.js';
import { COLOURS } from './words.js';

/** Units per long side: all drawing happens at this size and is scaled by SVG. */
export const LONG_SIDE = 512;
/** The largest part of the frame that a whole subject fills. */
const [FILL_X, FILL_Y] = [0.7, 0.66];
const GAP = 0.1;

interface Placement {
  /** Top left corner of each object, in frame units. */
  readonly spots: readonly (readonly [x: number, y: number])[];
  readonly scaleX: number;
  readonly scaleY: number;
  readonly box: Box;
}

/** Stands the objects side by side, and moves the group over the frame's edge where the plan says so. */
export function place(plan: Plan, size: Size): Placement {
  const { scene, composition: at, crop } = plan;
  const thing = THINGS[scene.object];
  const span = scene.count + (scene.count - 1) * GAP;
  const scaleY =
    Math.min((FILL_X * size.width) / (thing.width * span * at.stretch), (FILL_Y * size.height) / thing.height) *
    at.scale;
  const scaleX = scaleY * at.stretch;
  const [width, height] = [thing.width * scaleX, thing.height * scaleY];
  let [left, top] = [at.x * size.width - (width * span) / 2, at.y * size.height - height / 2];
  const offsets = Array.from({ length: scene.count }, (_, i) => i * width * (1 + GAP));

  if (crop) {
    const { columns, rows } = profileOf(scene.object);
    const across = at.mirrored ? [...columns].reverse() : columns;
    // The share of the group outside the frame when `moved` (0..1) of its own length is beyond the edge.
    const hidden = (moved: number): number => {
      if (crop.side === 'top') return shareBefore(rows, moved);
      if (crop.side === 'bottom') return 1 - shareBefore(rows, 1 - moved);
      const edge = crop.side === 'left' ? moved * span * width : (1 - moved) * span * width;
      const before = offsets.reduce((sum, x) => sum + shareBefore(across, (edge - x) / width), 0) / scene.count;
      return crop.side === 'left' ? before : 1 - before;
    };
    const moved = solve(crop.share, hidden);
    if (crop.side === 'left') left = -moved * span * width;
    if (crop.side === 'right') left = size.width - (1 - moved) * span * width;
    if (crop.side === 'top') top = -moved * height;
    if (crop.side === 'bottom') top = size.height - (1 - moved) * height;
  }
  return {
    spots: offsets.map((x) => [left + x, top]),
    scaleX,
    scaleY,
    box: { x: left, y: top, width: width * span, height },
  };
}

/** Small, soft, and darkest where the object touches the floor; drawn in the object's units. */
function shadow(thing: Thing, strength: number): string {
  const from = Math.min(...thing.feet.map(([x]) => x));
  const to = Math.max(...thing.feet.map(([, x]) => x));
  const reach = Math.max(3, thing.width * 0.07);
  const ellipse = (x0: number, x1: number, ry: number, fill: string): string =>
    `<ellipse cx="${num((x0 + x1) / 2)}" cy="${num(thing.height - ry * 0.25)}" rx="${num((x1 - x0) / 2)}" ry="${num(ry)}" fill="url(#${fill})" opacity="${num(strength)}"/>`;
  const soft = ellipse(from - reach, to + reach * 1.6, thing.height * 0.028 + 1.5, 'soft');
  return soft + thing.feet.map(([x0, x1]) => ellipse(x0 - 1, x1 + 2, thing.height * 0.012 + 0.8, 'contact')).join('');
}

const SHADOWS = (['soft', 'contact'] as const)
  .map((id) => {
    const opacity = id === 'soft' ? 0.42 : 0.6;
    return (
      `<radialGradient id="${id}"><stop offset="0" stop-color="#16161a" stop-opacity="${opacity}"/><stop offset="0.6" stop-color="#16161a" ` +
      `stop-opacity="${num(opacity * 0.6)}"/><stop offset="1" stop-color="#16161a" stop-opacity="0"/></radialGradient>`
    );
  })
  .join('');

/** The second colour of an object: dark on light objects, light on dark ones, with a hint of the first. */
function trimOf(colour: Rgb): Rgb {
  const dark = (colour[0] + colour[1] + colour[2]) / 3 < 120;
  const neutral: Rgb = dark ? [186, 182, 174] : [58, 56, 60];
  return map(neutral, (v, c) => v * 0.85 + colour[c] * 0.15);
}

/**
 * The scene as SVG at a size in pixels, before any camera: background, dirt, text, shadows, subjects.
 */
export function compose(plan: Plan, pixels: Size): string {
  const unit = LONG_SIDE / Math.max(pixels.width, pixels.height);
  const size: Size = { width: pixels.width * unit, height: pixels.height * unit };
  const { scene, composition } = plan;
  const base = baseColour(scene.background);
  const thing = THINGS[scene.object];
  const { spots, scaleX, scaleY, box } = place(plan, size);

  let body = drawBackground(scene.background, size, plan.random('background'));
  if (plan.dirt) {
    body += drawDirt(plan.dirt, size, { avoid: plan.missing ? undefined : box, random: plan.random('dirt places') });
  }
  if (plan.text > 0) {
    const height = plan.text * size.height;
    const random = plan.random('text');
    // The foot of the frame only holds small letters; and a subject that leaves at one end leaves the other free.
    const atFoot =
      plan.crop?.side === 'top' || (plan.crop?.side !== 'bottom' && plan.text < 0.06 && random.chance(0.4));
    body += drawText({ height, base, size, atFoot, random });
  }
  let definitions = '';
  if (!plan.missing) {
    const hue = plan.random('colour');
    const light = hue.between(0.92, 1.08);
    const colour = map(parseHex(COLOURS[scene.colour]), (v) => toSrgb(toLinear(v) * light * hue.between(0.96, 1.04)));
    const brush = createBrush(colour, trimOf(colour), plan.random('object'));
    const drawing = thing.draw(brush);
    definitions = `${SHADOWS}${brush.definitions()}<g id="o">${shadow(thing, composition.shadow)}${drawing}</g>`;
    for (const [x, y] of spots) {
      const flip = composition.mirrored
        ? `translate(${num(x + thing.width * scaleX)} ${num(y)}) scale(${(-scaleX).toFixed(4)} ${scaleY.toFixed(4)})`
        : `translate(${num(x)} ${num(y)}) scale(${scaleX.toFixed(4)} ${scaleY.toFixed(4)})`;
      body += `<use xlink:href="#o" transform="${flip}"/>`;
    }
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${pixels.width}" height="${pixels.height}" ` +
    `viewBox="0 0 ${num(size.width)} ${num(size.height)}" preserveAspectRatio="none"><defs>${definitions}</defs>${body}</svg>`
  );
}
