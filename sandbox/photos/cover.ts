/** What is done to face and garment in the photo itself. */
import { num } from '../painter/brush.js';
import { ciede2000, hex, map, toLinear, toSrgb, type Rgb } from '../painter/colour.js';
import type { Random } from '../painter/random.js';
import { blended, maskOf, outline, over, softened, type Mask, type Picture } from './canvas.js';
import { fromLab, labOf, shiftTo } from './colours.js';
import type { Box, Face, Point } from './regions.js';

const between = ([ax, ay]: Point, [bx, by]: Point, share: number): Point => [
  ax + (bx - ax) * share,
  ay + (by - ay) * share,
];

/** Angle of the line through the eyes in degrees, positive clockwise. */
export function rollOf({ eyes: [one, two] }: Face): number {
  return (Math.atan2(two[1] - one[1], two[0] - one[0]) * 180) / Math.PI;
}

/** Mean colour of a small square, in linear light. */
function colourAt({ data, width, height }: Picture, [x, y]: Point, side: number): Rgb {
  const sums: [number, number, number] = [0, 0, 0];
  let count = 0;
  for (let row = Math.max(0, Math.round(y - side)); row < Math.min(height, y + side); row++)
    for (let column = Math.max(0, Math.round(x - side)); column < Math.min(width, x + side); column++) {
      for (const c of [0, 1, 2] as const) sums[c] += toLinear(data[(row * width + column) * 3 + c] as number);
      count++;
    }
  return map(sums, (sum) => toSrgb(sum / Math.max(1, count)));
}

/** A bar over a share of a wide box, from one of its sides; turned with the face. */
function bar(
  of: { middle: Point; width: number; height: number; roll: number; fill: string },
  share: number,
  fromRight: boolean,
): string {
  const [left, top] = [of.middle[0] - of.width / 2, of.middle[1] - of.height / 2];
  const x = fromRight ? left + of.width * (1 - share) : left;
  return (
    `<rect x="${num(x)}" y="${num(top)}" width="${num(of.width * share)}" height="${num(of.height)}" rx="${num(of.height * 0.2)}" fill="${of.fill}" ` +
    `transform="rotate(${num(of.roll)} ${num(of.middle[0])} ${num(of.middle[1])})"/>`
  );
}

const DARK = '#161618';

/** Bars over shares (0..1) of eyes and mouth, in the colour of the cheek or dark. */
export async function barred(
  photo: Picture,
  of: {
    face: Face;
    eyes: { share: number; kind: string };
    mouth: { share: number; kind: string };
    random: Random;
  },
): Promise<Picture> {
  const { face, random } = of;
  const [one, two] = face.eyes;
  const roll = rollOf(face);
  const apart = Math.hypot(two[0] - one[0], two[1] - one[1]);
  const mouth: Point = [face.mouth.left + face.mouth.width / 2, face.mouth.top + face.mouth.height / 2];
  const cheek = hex(colourAt(photo, between(one, mouth, 0.5), apart * 0.08));
  const fill = (kind: string): string => (kind === 'skin' ? cheek : DARK);
  const [eyesRight, mouthRight] = [random.chance(0.5), random.chance(0.5)];
  const shapes: string[] = [];
  if (of.eyes.share > 0)
    shapes.push(
      bar(
        {
          middle: between(one, two, 0.5),
          width: apart * 1.62,
          height: apart * 0.36,
          roll,
          fill: fill(of.eyes.kind),
        },
        of.eyes.share,
        eyesRight,
      ),
    );
  if (of.mouth.share > 0)
    shapes.push(
      bar(
        {
          middle: mouth,
          width: face.mouth.width * 1.1,
          height: Math.max(face.mouth.height * 1.3, apart * 0.3),
          roll,
          fill: fill(of.mouth.kind),
        },
        of.mouth.share,
        mouthRight,
      ),
    );
  return shapes.length === 0 ? photo : over(photo, shapes.join(''));
}

/** The face, and nothing else, out of focus; sigma in pixels of the photo. */
export async function blurredFace(photo: Picture, face: Box, sigma: number): Promise<Picture> {
  const { left, top, width, height } = face;
  const shape = `<ellipse cx="${num(left + width / 2)}" cy="${num(top + height / 2)}" rx="${num(width * 0.56)}" ry="${num(height * 0.56)}"/>`;
  return blended(photo, await softened(photo, sigma), await maskOf(photo, shape, width * 0.04));
}

/** A garment in another colour, its mean moved by `goal` CIEDE2000; folds and pattern stay. */
export async function recoloured(
  photo: Picture,
  of: { garment: readonly Point[]; goal: number; random: Random },
): Promise<{ picture: Picture; strength: number }> {
  const mask = await maskOf(photo, `<path d="${outline(of.garment)}"/>`, 1);
  const mean = meanIn(photo, mask);
  const { step } = shiftTo(mean, of.goal, of.random);
  const moved = Buffer.from(photo.data);
  for (let i = 0; i < mask.data.length; i++) {
    if (mask.data[i] === 0) continue;
    const lab = labOf([photo.data[3 * i] as number, photo.data[3 * i + 1] as number, photo.data[3 * i + 2] as number]);
    const rgb = fromLab(map(lab, (value, c) => value + step[c]));
    for (const c of [0, 1, 2] as const) moved[3 * i + c] = Math.round(rgb[c]);
  }
  const picture = blended(photo, moved, mask);
  return { picture, strength: ciede2000(labOf(mean), labOf(meanIn(picture, mask))) };
}

/** Mean colour inside a mask, in linear light, as sRGB. */
function meanIn({ data }: Picture, mask: Mask): Rgb {
  const sums: [number, number, number] = [0, 0, 0];
  let count = 0;
  for (let i = 0; i < mask.data.length; i++) {
    if ((mask.data[i] as number) < 128) continue;
    for (const c of [0, 1, 2] as const) sums[c] += toLinear(data[3 * i + c] as number);
    count++;
  }
  return map(sums, (sum) => toSrgb(sum / Math.max(1, count)));
}

const BAGS = ['#c9a227', '#2b2f36', '#e8e4da', '#7a4a2a', '#3f6b8f'] as const;

/** A bag held in front of the garment that hides `goal` % of it. */
export async function covered(
  photo: Picture,
  of: { garment: readonly Point[]; goal: number; random: Random },
): Promise<{ picture: Picture; strength: number }> {
  const mask = await maskOf(photo, `<path d="${outline(of.garment)}"/>`, 0);
  const inside: number[] = [];
  for (let i = 0; i < mask.data.length; i++) if ((mask.data[i] as number) > 127) inside.push(i);
  const { width } = photo;
  const anchor = inside[Math.floor(of.random.between(0.25, 0.75) * inside.length)] ?? 0;
  const [x, y] = [anchor % width, Math.floor(anchor / width)];
  const ratio = of.random.between(0.8, 1.3);
  const fill = of.random.pick(BAGS);
  const hidden = (half: number): number => {
    let count = 0;
    for (const i of inside)
      if (Math.abs((i % width) - x) <= half * ratio && Math.abs(Math.floor(i / width) - y) <= half) count++;
    return (100 * count) / Math.max(1, inside.length);
  };
  let [low, high] = [0, Math.max(photo.width, photo.height)];
  for (let i = 0; i < 24; i++) {
    const middle = (low + high) / 2;
    if (hidden(middle) < of.goal) low = middle;
    else high = middle;
  }
  const [halfWidth, half] = [high * ratio, high];
  const body =
    `<rect x="${num(x - halfWidth)}" y="${num(y - half)}" width="${num(2 * halfWidth)}" height="${num(2 * half)}" fill="${fill}"/>` +
    `<rect x="${num(x - halfWidth)}" y="${num(y - half * 0.35)}" width="${num(2 * halfWidth)}" height="${num(half * 0.12)}" fill="#000" fill-opacity="0.25"/>`;
  return { picture: await over(photo, body), strength: hidden(high) };
}
