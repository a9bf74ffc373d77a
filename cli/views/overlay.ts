/** A copy of a picture with what its scores found drawn on it, and the verdict in words below. */
import sharp from 'sharp';
import type { Scores, Verdict } from '../../selection/types.js';
import { shapesOf, type Shape } from './fact-shapes.js';
import { extentOf, pathOf } from './letters.js';

/** Long side of the copy: enough to see landmarks, small enough to open hundreds. */
const LONGEST_SIDE = 1280;
/** Pixels; smaller ones run together where a picture is small. */
const SMALLEST_LETTERS = 12;
/** Told apart by the common kinds of colour blindness: Okabe and Ito, Color Universal Design, 2008. */
const COLOURS = ['#56b4e9', '#e69f00', '#009e73', '#f0e442', '#cc79a7', '#0072b2'] as const;
const FAILED = '#ff3b30';
const BAND_COLOURS = { accept: '#1a7f37', review: '#9a6700', reject: '#b42318' } as const;

/**
 * @param of `bytes`: an image file that sharp reads
 * @returns a PNG, long side at most 1280 px, with a strip below that names the band and each failed gate
 *
 * @example
 * await writeFile('photo.overlay.png', await overlay({ bytes, scores, verdict }));
 */
export async function overlay(of: { bytes: Uint8Array; scores: Scores; verdict: Verdict }): Promise<Buffer> {
  const { autoOrient } = await sharp(of.bytes, { pages: 1 }).metadata();
  const { data, info } = await sharp(of.bytes, { pages: 1 })
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .toColourspace('srgb')
    .resize(LONGEST_SIDE, LONGEST_SIDE, { fit: 'inside', withoutEnlargement: true })
    .png()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const scale = width / autoOrient.width;
  const size = Math.max(SMALLEST_LETTERS, Math.round(Math.max(width, height) / 90));
  const strip = stripOf(of, { width, size });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height + strip.height}">${drawn(of, { scale, size })}<g transform="translate(0 ${height})">${strip.svg}</g></svg>`;
  return sharp(data)
    .extend({ bottom: strip.height, background: '#ffffff' })
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toBuffer();
}

/** Dimensions whose gates failed are red; the others have a colour per scorer. */
function drawn({ scores, verdict }: { scores: Scores; verdict: Verdict }, by: { scale: number; size: number }): string {
  const failed = new Set(verdict.failed.map(({ gate }) => gate));
  const all = shapesOf(scores);
  const scorers = [...new Set(all.map(({ dimension }) => dimension.split('.')[0]))];
  return all
    .map(({ dimension, shapes }) => {
      const index = scorers.indexOf(dimension.split('.')[0]);
      const colour = failed.has(dimension) ? FAILED : (COLOURS[index % COLOURS.length] ?? COLOURS[0]);
      return shapes.map((shape) => svgOf(shape, { ...by, colour })).join('');
    })
    .join('');
}

function svgOf(shape: Shape, { scale, size, colour }: { scale: number; size: number; colour: string }): string {
  const px = (value: number): string => (value * scale).toFixed(1);
  const stroke = Math.max(1.5, size / 6);
  const line = `fill="none" stroke="${colour}" stroke-width="${stroke}"`;
  if (shape.kind === 'points')
    return shape.points
      .map(([x, y]) => `<circle cx="${px(x)}" cy="${px(y)}" r="${Math.max(2, size / 6)}" fill="${colour}"/>`)
      .join('');
  if (shape.kind === 'polygon')
    return `<polygon points="${shape.points.map(([x, y]) => `${px(x)},${px(y)}`).join(' ')}" ${line}/>`;
  const { left, top, width, height, label } = shape;
  const at = { x: left * scale + stroke + 2, y: top * scale + stroke + 2, size: size * 0.8 };
  const letters = pathOf([label], at);
  const plate = extentOf([label], at.size);
  return (
    `<rect x="${px(left)}" y="${px(top)}" width="${px(width)}" height="${px(height)}" ${line}/>` +
    `<rect x="${(at.x - 2).toFixed(1)}" y="${(at.y - 2).toFixed(1)}" width="${(plate.width + 4).toFixed(1)}" height="${(plate.height + 4).toFixed(1)}" fill="#000" fill-opacity=".7"/>` +
    `<path d="${letters}" fill="none" stroke="${colour}" stroke-width="${stroke * 0.7}"/>`
  );
}

/** The band on colour, then a line for each failed gate. */
function stripOf({ verdict }: { verdict: Verdict }, { width, size }: { width: number; size: number }) {
  const room = Math.floor((width - 2 * size) / (extentOf(['M'], size).width || 1));
  const lines = verdict.failed.flatMap(({ gate, reason }) => wrapped(`${gate}: ${reason}`, room));
  const text = lines.length === 0 ? ['every gate passed'] : lines;
  const pad = size;
  const band = size * 2.2;
  const { height } = extentOf(text, size);
  const stroke = Math.max(1, size / 9);
  const path = (content: readonly string[], y: number, colour: string): string =>
    `<path d="${pathOf(content, { x: pad, y, size })}" fill="none" stroke="${colour}" stroke-width="${stroke}"/>`;
  return {
    height: Math.ceil(band + pad + height + pad / 2),
    svg:
      `<rect width="${width}" height="${band}" fill="${BAND_COLOURS[verdict.band]}"/>` +
      path([verdict.band], band / 2 - size / 2, '#fff') +
      path(text, band + pad, '#1f2328'),
  };
}

function wrapped(text: string, room: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= room) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(lines.length === 0 ? word : `  ${word}`);
  }
  return lines;
}
