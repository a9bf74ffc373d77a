/** Views, polygons, alignment and pose against cases whose answer is known in closed form. */
import { describe, expect, it } from 'vitest';
import {
  boxAround,
  convexHull,
  fillPolygon,
  fitSimilarity,
  middle,
  overlap,
  tilt,
} from '../../../scorers/image/geometry.js';
import { poseOf } from '../../../scorers/faces/pose.js';
import { sampleView, toPicture, toView, type Point, type View } from '../../../scorers/image/view.js';
import { draw, frameOf } from '../synthetic.js';

const view: View = { centre: [130, 90], side: 60, angle: 0.4, size: 32 };

describe('a view', () => {
  it.each([false, true])('leads there and back (mirrored: %s)', (mirrored) => {
    for (const point of [
      [0, 0],
      [5, 31],
      [16, 16],
    ] as Point[]) {
      const [x, y] = toView({ ...view, mirrored }, toPicture({ ...view, mirrored }, point));
      expect(x).toBeCloseTo(point[0], 9);
      expect(y).toBeCloseTo(point[1], 9);
    }
  });

  it('levels a line that is tilted by its angle', () => {
    const [a, b] = [toPicture(view, [4, 10]), toPicture(view, [28, 10])];
    expect(tilt(a, b)).toBeCloseTo(0.4, 9);
    expect(toPicture(view, [16, 16])).toEqual([130, 90]);
  });

  it.each([
    { side: 20, size: 40 },
    { side: 60, size: 60 },
    { side: 90, size: 32 },
    { side: 160, size: 20 },
  ])('samples a ramp exactly, enlarged or antialiased: $side px as $size', async ({ side, size }) => {
    const ramp = await frameOf(draw(256, 256, (x, y) => [x / 2 + 40, y / 2 + 40, 100]));
    const turned: View = { centre: [128, 128], side, angle: 0.3, size };
    const data = sampleView(ramp, turned);
    let worst = 0;
    for (let j = 0; j < size; j++)
      for (let i = 0; i < size; i++) {
        const [x, y] = toPicture(turned, [i + 0.5, j + 0.5]);
        const o = 3 * (j * size + i);
        worst = Math.max(
          worst,
          Math.abs(data[o]! - (x - 0.5) / 2 - 40),
          Math.abs(data[o + 1]! - (y - 0.5) / 2 - 40),
          Math.abs(data[o + 2]! - 100),
        );
      }
    // the ramp and each halving of it are rounded to whole levels
    expect(worst).toBeLessThan(1.5);
  });

  it('averages what it shrinks: a fine chequer comes out grey', async () => {
    const chequer = await frameOf(draw(256, 256, (x, y) => ((x + y) % 2 === 0 ? [0, 0, 0] : [200, 200, 200])));
    const data = sampleView(chequer, { centre: [128, 128], side: 200, angle: 0.2, size: 25 });
    for (const v of data) expect(Math.abs(v - 100)).toBeLessThan(3);
  });

  it('is black beyond the picture', async () => {
    const white = await frameOf(draw(64, 64, () => [255, 255, 255]));
    const data = sampleView(white, { centre: [0, 32], side: 64, angle: 0, size: 64 });
    expect(data[3 * (32 * 64 + 10)]).toBe(0);
    expect(data[3 * (32 * 64 + 50)]).toBe(255);
  });
});

describe('polygons', () => {
  it('cover the pixels whose middle they contain', () => {
    const mask = fillPolygon(
      [
        [1, 1],
        [5, 1],
        [5, 4],
        [1, 4],
      ],
      8,
      8,
    );
    expect(mask.reduce((sum, v) => sum + v, 0)).toBe(12);
    expect(mask[8 + 1]).toBe(1);
    expect(mask[0]).toBe(0);
  });

  it('have the area of a circle', () => {
    const circle = Array.from({ length: 200 }, (_, i): Point => {
      const angle = (i * Math.PI) / 100;
      return [50 + 30 * Math.cos(angle), 50 + 30 * Math.sin(angle)];
    });
    const area = fillPolygon(circle, 100, 100).reduce((sum, v) => sum + v, 0);
    expect(Math.abs(area / (Math.PI * 900) - 1)).toBeLessThan(0.01);
  });

  it('are wrapped by their corners alone', () => {
    const corners: Point[] = [
      [0, 0],
      [10, 0],
      [10, 10],
      [0, 10],
    ];
    const hull = convexHull([...corners, [5, 5], [2, 7], [5, 0]]);
    expect(hull).toHaveLength(4);
    expect(boxAround(hull)).toEqual({ left: 0, top: 0, width: 10, height: 10 });
  });

  it('share area over joint area', () => {
    const box = { left: 0, top: 0, width: 2, height: 2 };
    expect(overlap(box, box)).toBe(1);
    expect(overlap(box, { left: 1, top: 0, width: 2, height: 2 })).toBeCloseTo(1 / 3, 9);
    expect(overlap(box, { left: 5, top: 0, width: 2, height: 2 })).toBe(0);
  });
});

describe('the similarity between two sets of points', () => {
  it('is found exactly when there is one', () => {
    const from: Point[] = [
      [1, 2],
      [7, 3],
      [4, 9],
      [0, 5],
    ];
    const [a, b, tx, ty] = [1.5, -0.7, 12, -3];
    const fit = fitSimilarity(
      from,
      from.map(([x, y]): Point => [a * x - b * y + tx, b * x + a * y + ty]),
    );
    expect(fit.a).toBeCloseTo(a, 9);
    expect(fit.b).toBeCloseTo(b, 9);
    expect(fit.tx).toBeCloseTo(tx, 9);
    expect(fit.ty).toBeCloseTo(ty, 9);
  });
});

describe('pose', () => {
  /** A head of four points, turned by pitch, then yaw, then roll (degrees). */
  function head(yaw: number, pitch: number, roll: number): Float32Array {
    const mesh = new Float32Array(3 * 468);
    const points: [number, [number, number, number]][] = [
      [10, [0, -100, 0]],
      [152, [0, 100, 0]],
      [234, [-80, 10, 30]],
      [454, [80, 10, 30]],
    ];
    const [y, p, r] = [yaw, -pitch, roll].map((degrees) => (degrees * Math.PI) / 180) as [number, number, number];
    for (const [index, [x0, y0, z0]] of points) {
      const [y1, z1] = [Math.cos(p) * y0 - Math.sin(p) * z0, Math.sin(p) * y0 + Math.cos(p) * z0];
      const [x2, z2] = [Math.cos(y) * x0 - Math.sin(y) * z1, Math.sin(y) * x0 + Math.cos(y) * z1];
      mesh.set([Math.cos(r) * x2 - Math.sin(r) * y1 + 300, Math.sin(r) * x2 + Math.cos(r) * y1 + 200, z2], 3 * index);
    }
    return mesh;
  }

  it.each([
    [0, 0, 0],
    [25, 0, 0],
    [-40, 0, 0],
    [0, 20, 0],
    [0, -30, 0],
    [0, 0, 45],
    [15, -10, 20],
    [-30, 12, -100],
  ])('is read back: yaw %d, pitch %d, roll %d', (yaw, pitch, roll) => {
    const read = poseOf(head(yaw, pitch, roll));
    expect(read.yaw).toBeCloseTo(yaw, 3);
    expect(read.pitch).toBeCloseTo(pitch, 3);
    expect(read.roll).toBeCloseTo(roll, 3);
  });

  it('has the signs that it says: a right cheek that is farther away is a head turned right, a chin that is farther away one bent down', () => {
    const mesh = head(0, 0, 0);
    mesh[3 * 454 + 2]! += 40;
    mesh[3 * 234 + 2]! -= 40;
    expect(poseOf(mesh).yaw).toBeGreaterThan(20);
    const bent = head(0, 0, 0);
    bent[3 * 152 + 2]! += 60;
    expect(poseOf(bent).pitch).toBeLessThan(-10);
  });
});

it('the middle of two points', () => {
  expect(middle([0, 2], [4, 4])).toEqual([2, 3]);
});
