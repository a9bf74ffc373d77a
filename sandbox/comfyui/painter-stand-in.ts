import type { Paint } from './options.js';

/** A plain square per seed, until the painter is there. */
export const paintStandIn: Paint = ({ seed, width, height }) => {
  const rgb = Buffer.from([seed & 255, (seed >> 8) & 255, 128]);
  return Promise.resolve({ data: Buffer.alloc(width * height * 3, rgb), labels: { none: true } });
};
