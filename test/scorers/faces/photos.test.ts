/** The face chain on the real photos of @vladmandic/face-api: what is found, and what must not change. */
import sharp from 'sharp';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { facesOf, mainFace, type Face } from '../../../scorers/faces/faces.js';
import { distance } from '../../../scorers/image/geometry.js';
import { eyeOpenness } from '../../../scorers/faces/measures.js';
import { alignedFace, alignedView } from '../../../scorers/faces/aligned.js';
import { skinMask } from '../../../scorers/faces/skin.js';
import { toView, type Point } from '../../../scorers/image/view.js';
import type { Frame } from '../../../scorers/frame.js';
import type { Models } from '../../../scorers/models/models.js';
import { draw, frameOf, png } from '../synthetic.js';
import {
  areaUnderCurve,
  COUNTED,
  exposed,
  faceModels,
  frameWith,
  LOWERED,
  photo,
  portraits,
  PROFILE,
  type Portrait,
} from './photos.js';

// dozens of pictures through five networks
vi.setConfig({ testTimeout: 300_000 });

let models: Models;
let cut: Portrait[];
beforeAll(async () => {
  models = await faceModels();
  cut = await portraits(models);
}, 300_000);

const faceIn = async (bytes: Uint8Array): Promise<Face> => mainFace(await frameWith(models, bytes));
const openness = (face: Face): number => Math.min(...Object.values(eyeOpenness(face)));

describe('faces', () => {
  it.each(Object.entries(COUNTED))('photo %s shows as many as were counted: %d', async (n, count) => {
    const faces = await facesOf(await frameWith(models, await photo(Number(n))));
    expect(faces).toHaveLength(count);
    for (const { box, points, eyes } of faces) {
      const inside = ([x, y]: Point): boolean =>
        x > box.left - 1 && x < box.left + box.width + 1 && y > box.top - 1 && y < box.top + box.height + 1;
      expect(Object.values(points).filter((p) => !inside(p))).toEqual([]);
      expect(points.leftEye[0]).toBeLessThan(points.rightEye[0]);
      // the network for the eyes agrees with the mesh on where they are
      expect(distance(eyes.left.centre, points.leftEye)).toBeLessThan(0.15 * box.width);
      expect(distance(eyes.right.centre, points.rightEye)).toBeLessThan(0.15 * box.width);
    }
  });

  it('are not seen where there are none', async () => {
    const pictures = [
      draw(400, 300, (x, y) => [x % 256, y % 256, 120]),
      draw(512, 512, (x, y) => (Math.hypot(x - 256, y - 256) < 120 ? [220, 170, 140] : [255, 255, 255])),
      draw(1, 1, () => [9, 9, 9]),
    ];
    for (const picture of pictures) expect(await facesOf(await frameWith(models, await png(picture)))).toEqual([]);
  });

  it('are found again in a picture that is turned, on its side or on its head', async () => {
    for (const { id, png, found } of cut.filter((one) => one.id !== PROFILE && one.photo >= 4))
      for (const turn of [45, 90, 180, 270]) {
        const face = await faceIn(await sharp(png).rotate(turn, { background: '#808080' }).png().toBuffer());
        const roll = (((face.pose.roll - found.pose.roll - turn) % 360) + 540) % 360;
        expect(Math.abs(roll - 180), `${id} turned by ${turn}`).toBeLessThan(6);
      }
  });

  it('lean by as much as the picture is turned', async () => {
    for (const { id, png, frame } of cut.filter((one) => one.id !== PROFILE)) {
      const before = (await frame.derive(mainFace)).pose;
      for (const turn of [-15, 10]) {
        const after = (await faceIn(await sharp(png).rotate(turn, { background: '#808080' }).png().toBuffer())).pose;
        expect(Math.abs(after.roll - before.roll - turn), id).toBeLessThan(4);
        expect(Math.abs(after.yaw - before.yaw), id).toBeLessThan(8);
        expect(Math.abs(after.pitch - before.pitch), id).toBeLessThan(8);
      }
    }
  });
});

describe('a face is the same', () => {
  const unchanged = async (change: (png: Buffer) => Promise<Buffer>, limits: { eyes: number; degrees: number }) => {
    for (const { id, png, frame } of cut.filter((one) => one.id !== PROFILE)) {
      const [a, b] = [await frame.derive(mainFace), await faceIn(await change(png))];
      expect(Math.abs(openness(a) - openness(b)), `eyes of ${id}`).toBeLessThan(limits.eyes);
      expect(Math.abs(a.pose.yaw - b.pose.yaw), `yaw of ${id}`).toBeLessThan(limits.degrees);
      expect(Math.abs(a.pose.pitch - b.pose.pitch), `pitch of ${id}`).toBeLessThan(limits.degrees);
      expect(Math.abs(a.box.width / b.box.width - 1), `width of ${id}`).toBeLessThan(0.06);
    }
  };
  it('as JPEG', () => unchanged((one) => sharp(one).jpeg({ quality: 80 }).toBuffer(), { eyes: 0.012, degrees: 3 }));
  it('as WebP', () => unchanged((one) => sharp(one).webp({ quality: 85 }).toBuffer(), { eyes: 0.012, degrees: 3 }));
  it('one stop darker', () => unchanged((one) => exposed(one, -1), { eyes: 0.02, degrees: 4 }));
  it('with a margin', () =>
    unchanged(
      (one) => sharp(one).extend({ top: 40, bottom: 60, left: 90, right: 20, background: '#406080' }).png().toBuffer(),
      { eyes: 0.015, degrees: 4 },
    ));

  it('in a mirror, with left and right exchanged', async () => {
    for (const { id, png, frame } of cut.filter((one) => one.id !== PROFILE)) {
      const [a, b] = [await frame.derive(mainFace), await faceIn(await sharp(png).flop().png().toBuffer())];
      expect(Math.abs(a.pose.yaw + b.pose.yaw), `yaw of ${id}`).toBeLessThan(6);
      expect(Math.abs(a.pose.roll + b.pose.roll), `roll of ${id}`).toBeLessThan(4);
      expect(Math.abs(a.pose.pitch - b.pose.pitch), `pitch of ${id}`).toBeLessThan(8);
      const [of, mirrored] = [eyeOpenness(a), eyeOpenness(b)];
      expect(Math.abs(of.left - mirrored.right), `left eye of ${id}`).toBeLessThan(0.02);
      expect(Math.abs(of.right - mirrored.left), `right eye of ${id}`).toBeLessThan(0.02);
    }
  });
});

describe('eyes', () => {
  it('that are open read above those that are shut or look down', () => {
    const [open, lowered]: number[][] = [[], []];
    for (const { id, found } of cut.filter((one) => one.id !== PROFILE))
      (LOWERED.includes(id) ? lowered : open)!.push(openness(found));
    const auc = areaUnderCurve(open!, lowered!);
    console.log(
      `eyes: ${open!.length} open ${Math.min(...open!).toFixed(3)} and more, ${lowered!.length} lowered ${lowered!.map((v) => v.toFixed(3)).join(' ')}, AUC ${auc.toFixed(3)}`,
    );
    expect(auc).toBeGreaterThanOrEqual(0.95);
    expect(Math.min(...open!)).toBeGreaterThan(0.04);
  });
});

describe('alignment', () => {
  it("brings the five points near OFIQ's, and the cheeks inside the face", async () => {
    const targets: Point[] = [
      [251, 272],
      [364, 272],
      [308, 336],
      [262, 402],
      [355, 402],
    ];
    for (const { id, frame } of cut.filter((one) => one.id !== PROFILE)) {
      const face = await frame.derive(mainFace);
      const view = alignedView(face, { targets, size: 616 });
      const { leftEye, rightEye } = face.points;
      const off = [leftEye, rightEye].map((p, i) => distance(toView(view, p), targets[i]!));
      expect(Math.max(...off), id).toBeLessThan(40);
      const { cheeks, mask } = await frame.derive(alignedFace);
      expect(cheeks.left.length + cheeks.right.length, id).toBeGreaterThan(500);
      expect([...cheeks.left, ...cheeks.right].every((i) => mask[i] === 1)).toBe(true);
    }
  });
});

describe('skin', () => {
  it('is what a drawn garment and backdrop are not', async () => {
    const one = cut.find(({ id }) => id === '6.0')!;
    const { frame } = one;
    const { mask, share } = await frame.derive(skinMask);
    const face = await frame.derive(mainFace);
    const { width } = frame.working;
    const scale = frame.width / width;
    const at = ([x, y]: Point): number => mask[Math.floor(y / scale) * width + Math.floor(x / scale)]!;
    expect(at([face.points.nose[0], face.points.nose[1]])).toBe(1);
    expect(share).toBeGreaterThan(0.05);
    expect(share).toBeLessThan(0.6);
    // a block of paint over the lower quarter is no skin, whatever is around it
    const top = Math.round(frame.height * 0.8);
    const painted = await sharp(one.png)
      .composite([
        {
          input: { create: { width: frame.width, height: frame.height - top, channels: 3, background: '#2060c0' } },
          left: 0,
          top,
        },
      ])
      .png()
      .toBuffer();
    const garment: Frame = await frameWith(models, painted);
    const { mask: kept } = await garment.derive(skinMask);
    const below = kept.slice(Math.ceil(top / scale + 2) * width);
    expect(below.reduce((sum, v) => sum + v, 0)).toBe(0);
  });

  it('has no tone without a face', async () => {
    await expect(
      skinMask(await frameWith(models, await png(draw(300, 300, () => [200, 160, 140])))),
    ).rejects.toMatchObject({ reason: 'no-face' });
    await expect(skinMask(await frameOf(draw(300, 300, () => [200, 160, 140])))).rejects.toMatchObject({
      reason: 'model-missing',
    });
  });
});
