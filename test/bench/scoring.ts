/**
 * What scoring costs, beside what it could cost at least: milliseconds per scorer at 1024 x 1536 on one core, the bare decode of the same
 * file, the bare `session.run` of each model, CLIP beside transformers.js, one scorer at a time, and Python's cleanvision.
 *
 *   npm run bench:scoring [-- --json] [--rounds 5] [--images 3]
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { openModels } from '../../scorers/models/sessions.js';
import { pulledModels } from '../support/models.js';
import { timeBlur, type BlurFound } from './scoring/blur.js';
import { timeEventLoop } from './scoring/event-loop.js';
import { benchImages, HEIGHT, photoFiles, WIDTH } from './scoring/images.js';
import { timeClip, timeSessions } from './scoring/models.js';
import { timeScorers, type ImageTiming } from './scoring/scorers.js';
import { median } from './scoring/timing.js';

/** The cheap scorers together over the bare decode; CLIP's rate from a frame over the bare session's; milliseconds of the event loop. */
const TARGET = { cheapOverDecode: 3, clipRate: 0.9, eventLoopP999Ms: 20 } as const;

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    images: { type: 'string', default: '3' },
  },
});
const rounds = Number(flags.rounds);
// one core: libvips' own threads off, as in the scoring threads
sharp.concurrency(1);
sharp.cache(false);

const folder = await pulledModels();
const images = await benchImages(Number(flags.images));
const references = [await readFile(photoFiles()[3] ?? '')];
const timings = await timeScorers(images, { rounds, models: openModels({ folder }), references });
const sessions = await timeSessions(openModels({ folder }), rounds);
const clip = await timeClip(images.slice(-2), rounds);
const blur = await timeBlur(images.filter((_, index) => index % Math.ceil(images.length / 4) === 0));
const eventLoop = await timeEventLoop(images, { threads: 2, repeats: 4, models: { folder } });

const over = (of: readonly ImageTiming[], what: (t: ImageTiming) => number): number =>
  of.reduce((sum, t) => sum + what(t), 0) / of.reduce((sum, t) => sum + t.decodeMs, 0);
const kinds = ['painted', 'photo'] as const;
const byKind = Object.fromEntries(
  kinds.map((kind) => {
    const some = timings.filter((t) => t.kind === kind);
    const mean = (what: (t: ImageTiming) => number): number => some.reduce((sum, t) => sum + what(t), 0) / some.length;
    return [
      kind,
      {
        decodeMs: mean((t) => t.decodeMs),
        frameMs: mean((t) => t.frameMs),
        cheapMs: mean((t) => t.cheapMs),
        modelMs: mean((t) => t.modelMs),
        oneByOneMs: mean((t) => t.oneByOneMs),
        cheapOverDecode: over(some, (t) => t.cheapMs),
        worstCheapOverDecode: Math.max(...some.map((t) => t.cheapMs / t.decodeMs)),
      },
    ];
  }),
);
const scorers = Object.fromEntries(
  Object.keys(timings[0]?.scorers ?? {}).map((id) => [id, median(timings.map((t) => t.scorers[id] ?? 0))]),
);
const cheapOverDecode = over(timings, (t) => t.cheapMs);
const ok =
  Object.values(byKind).every((kind) => kind.cheapOverDecode <= TARGET.cheapOverDecode) &&
  clip.rate >= TARGET.clipRate &&
  eventLoop.p999Ms <= TARGET.eventLoopP999Ms;
const report = {
  bench: 'scoring',
  size: { width: WIDTH, height: HEIGHT },
  images: timings,
  byKind,
  scorersMs: scorers,
  cheapOverDecode,
  peers: { sessionsMs: sessions, cleanvision: blur.cleanvision },
  blur: blur.ours,
  clip,
  eventLoop,
  target: TARGET,
  ok,
};
if (flags.json) console.log(JSON.stringify(report, null, 2));
else {
  const ms = (value: number): string => `${value.toFixed(1)} ms`.padStart(10);
  for (const [kind, k] of Object.entries(byKind)) {
    console.log(`${kind}: decode ${ms(k.decodeMs)}, frame ${ms(k.frameMs)}, cheap scorers ${ms(k.cheapMs)}`);
    console.log(
      `  cheap / decode ${k.cheapOverDecode.toFixed(2)} (worst picture ${k.worstCheapOverDecode.toFixed(2)}, target ${TARGET.cheapOverDecode}); with models ${ms(k.modelMs)}; one cheap scorer at a time ${ms(k.oneByOneMs)}`,
    );
  }
  console.log('\nscorer, median over the pictures');
  for (const [id, value] of Object.entries(scorers)) console.log(`  ${id.padEnd(20)} ${ms(value)}`);
  console.log('\nbare session.run');
  for (const [id, value] of Object.entries(sessions)) console.log(`  ${id.padEnd(20)} ${ms(value)}`);
  console.log(
    `\nCLIP (${clip.shape}): from a frame ${ms(clip.oursMs)}, bare session ${ms(clip.bareMs)}: rate ${clip.rate.toFixed(3)} of it (target ${TARGET.clipRate}); transformers.js ${ms(clip.transformersMs)}`,
  );
  const blurLine = (who: string, found: BlurFound | { missing: string }): string =>
    'missing' in found
      ? `${who}: ${found.missing}`
      : `${who}: ${Object.entries(found.flagged)
          .map(([sigma, flagged]) => `sigma ${sigma} ${flagged}/${found.of}`)
          .join(', ')}; ${ms(found.ms)}`;
  console.log(
    `\nblurred pictures flagged\n  ${blurLine('edgeBlur > 1.45', blur.ours)}\n  ${blurLine('cleanvision', blur.cleanvision)}`,
  );
  console.log(
    `event loop beside ${eventLoop.threads} threads, ${eventLoop.images} images, ${eventLoop.imagesPerSecond.toFixed(2)} images/s: p99.9 ${ms(eventLoop.p999Ms)} (target ${TARGET.eventLoopP999Ms}), max ${ms(eventLoop.maxMs)}`,
  );
}
if (!ok) process.exitCode = 1;
