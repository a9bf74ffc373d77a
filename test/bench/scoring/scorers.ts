/** Milliseconds of each scorer, of the decode, and of the plain way: one scorer at a time, each with a frame of its own. */
import sharp from 'sharp';
import { decodeFrame, type Frame } from '../../../scorers/frame.js';
import type { ThreadModels } from '../../../scorers/models/sessions.js';
import { builtInScorers } from '../../../scorers/registry.js';
import { Unassessable, type Ask, type Scorer } from '../../../scorers/scorer.js';
import type { BenchImage } from './images.js';
import { median, medianOf, timed } from './timing.js';

export interface ImageTiming {
  name: string;
  kind: BenchImage['kind'];
  /** The bare decode of the same file to raw RGB. */
  decodeMs: number;
  /** decodeFrame: the decode, and the working picture. */
  frameMs: number;
  /** By scorer id; a pass that several share counts for the first that asks. */
  scorers: Record<string, number>;
  cheapMs: number;
  modelMs: number;
  /** The same scorers, cheap ones only, each with its own frame, decode included. */
  oneByOneMs: number;
}

/** Rounds over all pictures before anything is timed. */
const WARM_UP = 3;

const cheap = builtInScorers.filter(({ spec }) => spec.cost === 'cheap');
const costly = builtInScorers.filter(({ spec }) => spec.cost === 'model');

export async function timeScorers(
  images: readonly BenchImage[],
  { rounds, models, references }: { rounds: number; models: ThreadModels; references: readonly Buffer[] },
): Promise<ImageTiming[]> {
  const frames = await Promise.all(references.map((bytes) => frameOf(bytes, models)));
  const ask: Ask = { params: {}, prompt: 'product photo of a red mug on a white background', references: frames };
  // a scoring thread has seen many pictures: the first ones, before the code is compiled, are not timed
  for (let round = 0; round < WARM_UP; round++)
    for (const { png } of images) {
      const frame = await frameOf(png, models);
      for (const scorer of cheap) await assess(scorer, frame, ask);
    }
  const timings: ImageTiming[] = [];
  for (const { name, kind, png } of images) {
    const decodeMs = await medianOf(rounds, () => sharp(png).raw().toBuffer());
    const frameMs = await medianOf(rounds, () => decodeFrame(png));
    const each: Record<string, number[]> = {};
    const sums = { cheap: [] as number[], model: [] as number[], oneByOne: [] as number[] };
    for (let round = 0; round <= rounds; round++) {
      const frame = await frameOf(png, models);
      let sum = { cheap: 0, model: 0 };
      for (const scorer of [...cheap, ...costly]) {
        const ms = await timed(() => assess(scorer, frame, ask));
        (each[scorer.spec.id] ??= []).push(ms);
        sum = { ...sum, [scorer.spec.cost]: sum[scorer.spec.cost] + ms };
      }
      const oneByOne = await timed(async () => {
        for (const scorer of cheap) await assess(scorer, await frameOf(png, models), ask);
      });
      // the first round warms up
      if (round === 0) for (const list of Object.values(each)) list.length = 0;
      else {
        sums.cheap.push(sum.cheap);
        sums.model.push(sum.model);
        sums.oneByOne.push(oneByOne);
      }
    }
    timings.push({
      name,
      kind,
      decodeMs,
      frameMs,
      scorers: Object.fromEntries(Object.entries(each).map(([id, all]) => [id, median(all)])),
      cheapMs: median(sums.cheap),
      modelMs: median(sums.model),
      oneByOneMs: median(sums.oneByOne),
    });
  }
  return timings;
}

async function frameOf(png: Buffer, models: ThreadModels): Promise<Frame> {
  const decoded = await decodeFrame(png, { models });
  if (!decoded.ok) throw new Error(decoded.detail);
  return decoded.frame;
}

async function assess(scorer: Scorer, frame: Frame, ask: Ask): Promise<void> {
  await scorer.assess(frame, ask, new AbortController().signal).catch((error: unknown) => {
    if (!(error instanceof Unassessable)) throw error;
  });
}
