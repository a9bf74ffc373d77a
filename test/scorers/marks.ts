/** Drawn logos, 100 x 100, to paste and to look for. */
import sharp from 'sharp';

export const ARROW =
  '<path d="M10 40 H50 V15 L92 50 L50 85 V60 H10 Z" fill="#1c4fa0"/><circle cx="24" cy="20" r="11" fill="#e8a020"/>';
export const GRID =
  '<path d="M10 10 H40 V40 H10 Z M60 10 H90 V40 H60 Z M10 60 H40 V90 H10 Z M60 60 H90 V90 H60 Z" fill="#1c4fa0"/>';
export const PAPER = '<rect width="100" height="100" fill="#fff"/>';

export const svg = (body: string, background = ''): Buffer =>
  Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300" viewBox="0 0 100 100">${background}${body}</svg>`,
  );

/** A logo on white paper, as a customer sends it. */
export const logoFile = (body = ARROW): Promise<Buffer> => sharp(svg(body, PAPER)).png().toBuffer();
