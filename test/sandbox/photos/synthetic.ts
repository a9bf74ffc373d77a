import { createHash } from 'node:crypto';
import { alter, CHANGE_NAMES, plan, type ChangeName, type Photo, type Picture } from '../../../sandbox/photos/index.js';

/** Where things lie in the synthetic photo: 160 x 200, a head, a body with a garment, a wall behind. */
const regions: Photo['regions'] = {
  face: {
    left: 55,
    top: 40,
    width: 50,
    height: 66,
    eyes: [
      [68, 66],
      [92, 66],
    ],
    mouth: { left: 70, top: 86, width: 20, height: 8 },
  },
  person: [
    [30, 200],
    [30, 140],
    [55, 115],
    [50, 70],
    [60, 38],
    [100, 38],
    [110, 70],
    [105, 115],
    [130, 140],
    [130, 200],
  ],
};

/** A photo from arithmetic alone: skin with eyes and a mouth, a body in `cloth`, a striped wall. */
export function photo(cloth: readonly [number, number, number] = [60, 90, 150]): Photo {
  const [width, height] = [160, 200];
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const inFace = ((x - 80) / 26) ** 2 + ((y - 73) / 34) ** 2 < 1;
      const inBody = y > 118 && Math.abs(x - 80) < 50 - Math.max(0, 140 - y);
      const isEye = Math.abs(y - 66) < 3 && (Math.abs(x - 68) < 5 || Math.abs(x - 92) < 5);
      const isMouth = Math.abs(y - 90) < 3 && Math.abs(x - 80) < 9;
      const fold = 10 * Math.sin(x / 3);
      const wall = 120 + 40 * Math.sign(Math.sin(y / 4));
      const colour = isEye
        ? [30, 26, 24]
        : isMouth
          ? [150, 70, 70]
          : inFace
            ? [190, 150, 130]
            : inBody
              ? cloth.map((v) => v + fold)
              : [wall, wall, wall];
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = Math.round(colour[c] as number);
    }
  return { picture: { data, width, height }, regions };
}

/** The same as a garment job has it: nothing moves, the garment is known. */
export const garmentPhoto = (): Photo => ({
  picture: photo([50, 160, 80]).picture,
  regions: {
    still: true,
    garment: [
      [32, 199],
      [32, 142],
      [56, 120],
      [104, 120],
      [128, 142],
      [128, 199],
    ],
  },
});

export const PROMPT = 'headshot on a grey background';

/** The first seed whose only change is this one (or none: undefined), with a strength that the test wants. */
export function seedOf(
  name: ChangeName | undefined,
  of: { photo: Photo; others?: number; wanted?: (strength: number, detail: string | undefined) => boolean },
): number {
  for (let seed = 0; seed < 200_000; seed++) {
    const { strengths, details } = plan({
      regions: of.photo.regions,
      others: of.others ?? 0,
      prompt: PROMPT,
      seed,
    });
    const changed = CHANGE_NAMES.filter((one) => strengths[one] > 0);
    if (changed.length !== (name === undefined ? 0 : 1) || changed[0] !== name) continue;
    if (name === undefined || (of.wanted?.(strengths[name], details[name]) ?? true)) return seed;
  }
  throw new Error(`no seed has ${name} alone`);
}

export const pixelHash = ({ data }: Picture): string => createHash('sha256').update(data).digest('hex');

/** Hashes of candidates of the synthetic photo. A change that moves them raises PHOTOS_VERSION. */
export async function candidateHash(name: ChangeName | undefined): Promise<string> {
  const isGarment = name?.startsWith('garment') ?? false;
  const source = isGarment ? garmentPhoto() : photo();
  const others = isGarment ? [] : [photo([170, 60, 60])];
  const seed = seedOf(name, { photo: source, others: others.length, wanted: (s) => s > 0 });
  return pixelHash(await alter({ photo: source, others, prompt: PROMPT, seed }));
}
