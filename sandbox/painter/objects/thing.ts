import type { Brush } from '../brush.js';

/** One object that the painter can draw, in units of its own: x to the right, y down, the floor at y = height. */
export interface Thing {
  readonly width: number;
  readonly height: number;
  /** The paths whose union is the silhouette; nothing of the drawing reaches beyond them. Commands M L H V C Q Z, absolute. */
  readonly outline: readonly string[];
  /** Where it touches the floor, for the contact shadow. */
  readonly feet: readonly (readonly [x0: number, x1: number])[];
  /** SVG elements, back to front. */
  draw(brush: Brush): string;
}
