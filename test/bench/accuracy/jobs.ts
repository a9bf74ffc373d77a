/** The jobs whose policies are measured: pictures of the sandbox with hidden labels, and what each is compared with. */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import type { ScoreTask } from '../../../activities/scoring/task.js';
import { listPhotos, writeGarments, writePeople, type DemoPhoto } from '../../../cli/demo-photos.js';
import { COLOURS, OBJECTS, paint } from '../../../sandbox/painter/index.js';
import { alter, type Photo, type Regions } from '../../../sandbox/photos/index.js';
import { brokenJob } from './broken.js';

export interface Label {
  present: boolean;
  strength: number;
  threshold: number;
  detail?: string;
}

export interface Drawn {
  task: Pick<ScoreTask, 'bytes' | 'prompt' | 'references' | 'masks' | 'expect'>;
  labels: Readonly<Record<string, Label>>;
}

export interface Job {
  /** examples/policies/<name>.yaml */
  name: string;
  /** Of which photos or prompts, for people. */
  source: string;
  /** Gate -> the changes that it is there for. Every gate of the policy is listed. */
  gates: Readonly<Record<string, readonly string[]>>;
  /** Those of `gates` that the policy has not -> the largest raw value that would pass. @default none */
  withoutGate?: Readonly<Record<string, number>>;
  /** The n-th picture of the run. */
  draw(n: number): Promise<Drawn>;
}

/**
 * Elsa stands in for others only: a second face in her photo is larger than hers. Nobody looks at the held-out seeds and photos while choosing thresholds.
 */
export interface Range {
  kind: 'tuning' | 'held out';
  seeds: { from: number; count: Readonly<Record<string, number>> };
  people: readonly string[];
  garments: readonly string[];
}

export const RANGES: { tuning: Range; heldOut: Range } = {
  tuning: {
    kind: 'tuning',
    seeds: { from: 1_000_000, count: { headshot: 100, garment: 120, product: 480, generic: 120 } },
    people: ['bella', 'clara'],
    garments: ['green-dress'],
  },
  heldOut: {
    kind: 'held out',
    seeds: { from: 6_000_000, count: { headshot: 90, garment: 80, product: 120, generic: 240 } },
    people: ['anna', 'dora'],
    garments: ['red-dress', 'striped-suit'],
  },
};

const png = (picture: { data: Buffer; width: number; height: number }): Promise<Buffer> =>
  sharp(picture.data, { raw: { width: picture.width, height: picture.height, channels: 3 } })
    .png({ compressionLevel: 2 })
    .toBuffer();

async function load(file: string, regions: unknown): Promise<Photo> {
  const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
  return { picture: { data, width: info.width, height: info.height }, regions: regions as Regions };
}

/** Photos of the list by name, with what the sandbox is told of them. */
async function known(files: DemoPhoto[], kind: 'people' | 'garments') {
  const listed = (await listPhotos())[kind];
  return new Map(
    await Promise.all(
      files.map(async (one) => {
        const regions = listed.find(({ name }) => name === one.name)?.regions;
        return [one.name, { ...one, photo: await load(one.photo, regions), file: one.photo }] as const;
      }),
    ),
  );
}

function found<T>(map: ReadonlyMap<string, T>, name: string): T {
  const one = map.get(name);
  if (one === undefined) throw new Error(`there is no photo ${name}`);
  return one;
}

/** Photos are written to `folder`; `from` seeds each job apart. */
export async function openJobs(folder: string, { seeds: { from }, people, garments }: Range): Promise<Job[]> {
  const persons = await known(await writePeople(folder), 'people');
  const clothes = await known(await writeGarments(folder), 'garments');
  const headshot: Job = {
    name: 'headshot',
    source: `photos of ${people.length} people (${people.join(', ')})`,
    gates: HEADSHOT_GATES,
    async draw(n) {
      const name = people[n % people.length] ?? '';
      const { photo, file } = found(persons, name);
      const others = [...persons].filter(([other]) => other !== name).map(([, one]) => one.photo);
      const prompt = HEADSHOT_PROMPT;
      const { labels, ...picture } = await alter({ photo, others, prompt, seed: from + n });
      const references = [await readFile(file)];
      return {
        task: { bytes: await png(picture), prompt, references, expect: { people: 1 } },
        labels: labels.defects,
      };
    },
  };
  const garment: Job = {
    name: 'garment',
    source: `photos of ${garments.length === 1 ? 'one garment' : `${garments.length} garments`} (${garments.join(', ')})`,
    gates: GARMENT_GATES,
    async draw(n) {
      const { photo, mask = '', garment: alone = '' } = found(clothes, garments[n % garments.length] ?? '');
      const prompt = 'the garment worn by a person, soft light';
      const { labels, ...picture } = await alter({ photo, prompt, seed: from + 500_000 + n });
      return {
        task: {
          bytes: await png(picture),
          prompt,
          references: [await readFile(alone)],
          masks: { garment: await readFile(mask) },
        },
        labels: labels.defects,
      };
    },
  };
  const product: Job = {
    name: 'product',
    source: 'the painter of the sandbox, every object in turn',
    gates: PRODUCT_GATES,
    async draw(n) {
      const prompt = productPrompt(n);
      const { labels, ...picture } = await paint({ prompt, seed: from + n, width: 512, height: 512 });
      const wrong = labels.mismatch !== undefined;
      const mismatch = { present: wrong, strength: wrong ? 1 : 0, unit: 'yes (1) or no (0)', threshold: 1 };
      return { task: { bytes: await png(picture), prompt }, labels: { ...labels.defects, mismatch } };
    },
  };
  return [headshot, garment, product, brokenJob(from + 1_500_000)];
}

const HEADSHOT_PROMPT = 'professional headshot, looking at the camera, plain grey background';

const PHRASES = [
  'product photo of a COLOUR OBJECT on a white background',
  'studio product shot of one COLOUR OBJECT, white background',
  'COLOUR OBJECT isolated on white',
  'a COLOUR OBJECT on a pure white backdrop, e-commerce',
] as const;

/** Every object in turn, colours and phrases at other paces, so that they mix. */
function productPrompt(n: number): string {
  const colours = Object.keys(COLOURS);
  const colour = colours[(n * 7 + Math.floor(n / OBJECTS.length)) % colours.length] ?? 'red';
  const phrase = PHRASES[Math.floor(n / 5) % PHRASES.length] ?? PHRASES[0];
  return phrase.replace('COLOUR', colour).replace('OBJECT', OBJECTS[n % OBJECTS.length] ?? 'mug');
}

const PRODUCT_GATES: Job['gates'] = {
  'resolution.longSide': [],
  'composition.subjectArea': ['missingSubject'],
  'composition.edgeCut': ['croppedSubject'],
  'sharpness.edgeBlur': ['blur'],
  'noise.sigma': ['noise'],
  'compression.quantiser': ['jpeg'],
  'exposure.clippedShare': ['exposure'],
  'exposure.darkTone': ['exposure'],
  'exposure.midTone': ['exposure'],
  'exposure.brightTone': ['exposure'],
  'background.stopsBelowWhite': ['exposure'],
  'background.tint': ['tint'],
  'background.dirt': ['dirtyBackground'],
  'background.markHeight': ['backgroundText'],
  'alignment.margin': ['mismatch'],
};

const GARMENT_GATES: Job['gates'] = {
  'resolution.longSide': [],
  'sharpness.edgeBlur': ['blur'],
  'garment.colourMatched': ['garmentColour', 'tint', 'garmentCovered'],
  'garment.colour': ['exposure', 'garmentColour', 'tint', 'garmentCovered'],
  'garment.covered': ['garmentCovered'],
  'garment.pattern': ['blur', 'garmentCovered'],
};

const HEADSHOT_GATES: Job['gates'] = {
  'resolution.longSide': [],
  'sharpness.edgeBlur': ['blur'],
  'identity.best': ['otherPerson', 'blur', 'faceBlur', 'exposure', 'eyesCovered', 'mouthCovered'],
  'pose.roll': ['tilt'],
  'pose.yaw': [],
  'pose.pitch': [],
  'faceGeometry.left': ['crop'],
  'faceGeometry.right': ['crop'],
  'faceGeometry.above': ['crop'],
  'faceGeometry.below': ['crop'],
  'faceSharpness.detail': ['blur', 'faceBlur'],
  'faceLight.over': ['exposure'],
  'skinTone.stops': ['exposure', 'tint', 'otherPerson'],
  'skinTone.difference': ['tint', 'otherPerson', 'exposure'],
  'faces.count': [],
  'eyes.open': ['eyesCovered'],
  'background.markHeight': ['backgroundText', 'backgroundLogo'],
  'background.shadowShare': ['busyBackground'],
  'background.tint': ['backgroundColour', 'tint'],
};
