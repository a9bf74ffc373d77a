import type { Model } from '../models/models.js';
import type { Box } from '../image/geometry.js';
import type { Point } from '../image/view.js';

/** What a face detector finds, in pixels of what it looked at or of the picture, as its maker says. */
export interface Detection {
  box: Box;
  /** 0..1. */
  score: number;
  /** Left and right as seen in the picture. */
  leftEye: Point;
  rightEye: Point;
  nose: Point;
  mouth: Point;
}

/** One detector network: how large a square it looks at, and how its answer is read. */
export interface Detector {
  /** Side of its input in pixels. */
  readonly size: number;
  /** Below this score it saw no face. */
  readonly minScore: number;
  /**
   * @param rgb interleaved RGB 0..255, `size * size * 3`
   * @returns detections in input pixels, best first, overlaps removed
   */
  find(model: Model, rgb: Float32Array): Promise<Detection[]>;
}
