/** Pictures that golden rows refer to by name. Formulas, not files: they are the same on every machine. */
import type { Picture } from '../../../scorers/frame.js';
import { disc, draw, noisy, toSrgb } from '../synthetic.js';

export const pictures: Readonly<Record<string, () => Picture>> = {
  /** A blue disc on white, outline blurred by sigma 0.3 px. */
  disc: () => disc(),
  /** The same with sigma 2 px. */
  blurredDisc: () => disc({ sigma: 2 }),
  /** The same with noise of sigma 8 levels. */
  noisyDisc: () => noisy(disc(), 8, 1),
  /** The disc at the left edge, cut by it. */
  cutDisc: () => disc({ x: 64 }),
  /** A grey field, 0.2 of white in the middle, that falls off by one stop to the corners (a quadratic in the distance from the middle). */
  spotlight: () =>
    draw(256, 192, (x, y) => {
      const distance = Math.hypot(x + 0.5 - 128, y + 0.5 - 96) / Math.hypot(128, 96);
      const level = toSrgb(0.2 * 2 ** -(distance ** 2));
      return [level, level, level];
    }),
};
