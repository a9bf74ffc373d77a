/** Whether warped faces read higher than the same faces as shot. */
import sharp from 'sharp';
import { beforeAll, expect, it } from 'vitest';
import { faceResidual, faceSymmetry } from '../../../scorers/faces/build.js';
import { facesOf, mainFace, type Face } from '../../../scorers/faces/faces.js';
import { anatomy } from '../../../scorers/generic/anatomy.js';
import type { Models } from '../../../scorers/models/models.js';
import type { Point } from '../../../scorers/image/view.js';
import { photoFrame } from '../../support/photos.js';
import { assess, draw, png } from '../synthetic.js';
import { areaUnderCurve, faceModels, frameWith, portraits, type Portrait } from './photos.js';

let models: Models;
let cut: Portrait[];
beforeAll(async () => {
  models = await faceModels();
  cut = await portraits(models, [1, 2, 3, 4, 5, 6]);
}, 300_000);

const AHEAD = 15;

/** Where a pixel of the warped picture comes from. */
type Source = (x: number, y: number) => Point;

/** A smooth bump: what lies within `radius` of a point is moved or enlarged, less towards the rim. */
const bump =
  ([cx, cy]: Point, of: { radius: number; move?: Point; zoom?: number }): Source =>
  (x, y) => {
    const { radius, move = [0, 0], zoom = 1 } = of;
    const far = Math.hypot(x - cx, y - cy) / radius;
    if (far >= 1) return [x, y];
    const k = (1 - far * far) ** 2;
    const shrink = 1 - k * (1 - 1 / zoom);
    return [cx + (x - cx) * shrink - move[0] * k, cy + (y - cy) * shrink - move[1] * k];
  };

async function warped(picture: Buffer, source: Source): Promise<Buffer> {
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const out = Buffer.alloc(data.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = source(x, y);
      const [i, j] = [
        Math.min(width - 2, Math.max(0, Math.floor(u))),
        Math.min(height - 2, Math.max(0, Math.floor(v))),
      ];
      const [a, b] = [Math.min(1, Math.max(0, u - i)), Math.min(1, Math.max(0, v - j))];
      for (let c = 0; c < 3; c++) {
        const at = (column: number, row: number): number => data[(row * width + column) * 3 + c]!;
        out[(y * width + x) * 3 + c] = Math.round(
          (1 - b) * ((1 - a) * at(i, j) + a * at(i + 1, j)) + b * ((1 - a) * at(i, j + 1) + a * at(i + 1, j + 1)),
        );
      }
    }
  return sharp(out, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

/** Sides alternate from face to face. */
function warps({ points }: Face, n: number): Record<string, Source> {
  const between = Math.hypot(points.leftEye[0] - points.rightEye[0], points.leftEye[1] - points.rightEye[1]);
  const eye = n % 2 === 0 ? points.leftEye : points.rightEye;
  const sign = n % 4 < 2 ? 1 : -1;
  const middle = points.nose[0];
  return {
    'eye moved': bump(eye, { radius: 0.7 * between, move: [0, 0.2 * between * sign] }),
    'eye enlarged': bump(eye, { radius: 0.65 * between, zoom: 1.7 }),
    'mouth pulled': bump(points.mouth, { radius: 0.9 * between, move: [0.25 * between * sign, 0] }),
    'half stretched': (x, y) => {
      const d = ((x - middle) * sign) / (1.6 * between);
      return d <= 0 || d >= 1 ? [x, y] : [x - sign * Math.sin(Math.PI * d) * 0.25 * between, y];
    },
  };
}

it('warped faces read hardly higher than faces as shot (AUC printed)', async () => {
  const real: Record<string, number[]> = { residual: [], symmetry: [] };
  const bent: Record<string, Record<string, number[]>> = { residual: {}, symmetry: {} };
  for (const [n, { png: picture, frame }] of cut.entries()) {
    const [face] = await frame.derive(facesOf);
    if (face === undefined) continue;
    const ahead = Math.abs(face.pose.yaw) <= AHEAD;
    real['residual']!.push(faceResidual(face).raw);
    if (ahead) real['symmetry']!.push(faceSymmetry(face).raw);
    for (const [kind, source] of Object.entries(warps(face, n))) {
      const [changed] = await (await frameWith(models, await warped(picture, source))).derive(facesOf);
      if (changed === undefined) continue;
      (bent['residual']![kind] ??= []).push(faceResidual(changed).raw);
      if (ahead) (bent['symmetry']![kind] ??= []).push(faceSymmetry(changed).raw);
    }
  }
  for (const [name, values] of Object.entries(real)) {
    const sorted = values.toSorted((a, b) => a - b);
    const by = Object.entries(bent[name]!).map(([kind, v]) => `${kind} ${areaUnderCurve(v, values).toFixed(2)}`);
    console.log(
      `${name}: ${values.length} faces as shot, median ${sorted[values.length >> 1]!.toFixed(3)}, most ${sorted.at(-1)!.toFixed(3)}; AUC ${areaUnderCurve(Object.values(bent[name]!).flat(), values).toFixed(3)}: ${by.join(', ')}`,
    );
  }
  // what each sees at all
  expect(areaUnderCurve(bent['residual']!['half stretched']!, real['residual']!)).toBeGreaterThan(0.55);
  expect(areaUnderCurve(bent['symmetry']!['mouth pulled']!, real['symmetry']!)).toBeGreaterThan(0.6);
}, 300_000);

it('symmetry is the same when the face is turned in the picture; a point that is moved is named', () => {
  const face = cut.find(({ id }) => id === '6.0')!.found;
  const points = face.mesh;
  const turn = 0.2;
  const twin = (mesh: Float32Array): Face => ({ ...face, mesh });
  const half = faceSymmetry(face);
  const rolled = points.map((_, i) => {
    const [x, y] = [points[i - (i % 3)]!, points[i - (i % 3) + 1]!];
    if (i % 3 === 0) return Math.cos(turn) * x - Math.sin(turn) * y;
    return i % 3 === 1 ? Math.sin(turn) * x + Math.cos(turn) * y : points[i]!;
  });
  expect(faceSymmetry(twin(rolled)).raw).toBeCloseTo(half.raw, 4);
  const moved = Float32Array.from(points);
  moved[3 * 61 + 1]! += 60;
  expect(faceSymmetry(twin(moved)).raw).toBeGreaterThan(half.raw);
  expect(faceSymmetry(twin(moved)).worst.name).toMatch(/^lips/);
});

it('a detector that sees what the mesh sees leaves no residual, whatever its scale and turn', async () => {
  const face = await cut[0]!.frame.derive(mainFace);
  const seen = {
    leftEye: face.eyes.left.centre,
    rightEye: face.eyes.right.centre,
    nose: face.points.nose,
    mouth: face.points.mouth,
  };
  const other = Object.fromEntries(
    Object.entries(seen).map(([name, [x, y]]) => [name, [2 * x - y + 5, x + 2 * y - 9] as const]),
  ) as unknown as Face['detected'];
  expect(faceResidual({ ...face, detected: other }).raw).toBeCloseTo(0, 6);
  const off = { ...seen, nose: [seen.nose[0] + 0.5 * face.box.width, seen.nose[1]] as const };
  expect(faceResidual({ ...face, detected: off })).toMatchObject({ worst: { name: 'nose' } });
});

it('is unassessable without a face, on small and on turned ones', async () => {
  const none = await assess(anatomy, await frameWith(models, await png(draw(300, 300, () => [200, 200, 200]))));
  expect(none['anatomy.faceResidual']).toMatchObject({ status: 'unassessable', reason: 'no-face' });
  expect(none['anatomy.faceSymmetry']).toMatchObject({ status: 'unassessable', reason: 'no-face' });
  const profile = await assess(anatomy, cut.find(({ id }) => id === '2.1')!.frame);
  expect(profile['anatomy.faceSymmetry']).toMatchObject({ status: 'unassessable', reason: 'not-applicable' });
  const tiny = await assess(anatomy, await photoFrame(5, { models, change: (image) => image.resize({ width: 300 }) }));
  expect(tiny['anatomy.faceResidual']).toMatchObject({ status: 'unassessable' });
}, 60_000);
