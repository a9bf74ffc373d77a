/** Entry of a scoring thread: decode once, then scorer after scorer until all have run or a gate says no. */
import { workerData } from 'piscina';
import sharp from 'sharp';
import { messageOf } from '../../errors.js';
import { imageEmbedding } from '../../scorers/clip/clip.js';
import { decodeFrame, type Frame } from '../../scorers/frame.js';
import { isAddress, loadScorers } from '../../scorers/registry.js';
import { openModels } from '../../scorers/models/sessions.js';
import { Unassessable, takesFile, type Ask, type Scorer } from '../../scorers/scorer.js';
import { cascadeOrder, gateWatch } from '../../selection/cascade.js';
import { judge } from '../../selection/judge.js';
import type { Scores } from '../../selection/types.js';
import { createReferenceReader, decodeMasks } from './references.js';
import { checked, labelOf, sameForAll, unread } from './result.js';
import { DECODING, type ScoreResult, type ScoreTask, type Stand, type ThreadData, type ThreadJob } from './task.js';

// one image per thread at a time: libvips' own threads would only compete with the other scoring threads, and its cache
// only keeps memory, as no image comes twice
sharp.concurrency(1);
sharp.cache(false);

const { scorerModules, from, models: modelOptions } = workerData as ThreadData;
const models = openModels(modelOptions);
const loading = loadScorers(
  scorerModules.filter((specifier) => !isAddress(specifier)),
  { from },
).then((all) => all.filter((scorer): scorer is Scorer => !takesFile(scorer)));
const referenceOf = createReferenceReader(models);

export async function score({ task, given, running, timeoutMs }: ThreadJob): Promise<ScoreResult> {
  const start = performance.now();
  const scorers = await loading;
  Atomics.store(running, 0, DECODING);
  const decoded = await decodeFrame(task.bytes, { models });
  const decodeMs = performance.now() - start;
  if (!decoded.ok)
    return {
      ...unread(task, scorers, { reason: decoded.reason, detail: decoded.detail }),
      timing: { decodeMs, scorers: {}, began: {}, totalMs: performance.now() - start },
    };

  const { frame } = decoded;
  const references = await referenceOf.all(task.references ?? []);
  const named = await referenceOf.byName(task.named ?? {});
  const masks = await decodeMasks(task.masks ?? {});
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs * 0.9);
  const timing: Record<string, number> = {};
  const beganAt: Record<string, number> = {};
  const epochMs = Date.now() - performance.now();
  const found: Scores = {};
  const run = async (scorer: Scorer): Promise<void> => {
    const [began, loading] = [performance.now(), models.loadingMs()];
    beganAt[scorer.spec.id] = epochMs + began;
    Atomics.store(running, 0, scorers.indexOf(scorer));
    const params = task.policy.params[scorer.spec.id] ?? {};
    const ask: Ask = {
      params,
      ...(references.length > 0 && { references }),
      ...(Object.keys(named).length > 0 && { named }),
      ...(Object.keys(masks).length > 0 && { masks }),
      ...(task.expect !== undefined && { expect: task.expect }),
      ...(task.prompt !== undefined && { prompt: task.prompt }),
      ...(task.negativePrompt !== undefined && { negativePrompt: task.negativePrompt }),
    };
    const stand = given[scorer.spec.id];
    Object.assign(found, await assess({ scorer, frame, ask, stand, signal: controller.signal }));
    timing[scorer.spec.id] = performance.now() - began - (models.loadingMs() - loading);
  };
  const rejects = gateWatch(task.policy, task.request);
  const isOver = (): boolean => task.explain === 'gates' && rejects(found);
  // a rule that reads nothing but the request needs no scorer
  let stopped = isOver();
  let embedding: Float32Array | null = null;
  try {
    for (const scorer of inOrder(scorers, task)) {
      if (stopped) Object.assign(found, sameForAll([scorer], { status: 'notRun' }));
      else {
        await run(scorer);
        stopped = isOver();
      }
    }
    if (!stopped) {
      const at = scorers.findIndex(({ spec }) => spec.id === 'alignment');
      Atomics.store(running, 0, at);
      if (given['alignment'] === undefined) embedding = await embeddingOf(frame);
    }
  } finally {
    clearTimeout(timer);
  }
  const scores = inSpecOrder(found, scorers);
  return {
    image: {
      width: frame.width,
      height: frame.height,
      format: frame.format,
      bytes: frame.bytes,
      sha256: frame.sha256,
      pixelSha256: frame.pixelSha256,
    },
    undecodable: null,
    scores,
    verdict: judge(scores, task.policy, task.request),
    stopped,
    embedding,
    timing: { decodeMs, scorers: timing, began: beganAt, totalMs: performance.now() - start },
  };
}

/** Null where there is no CLIP, or a broken one: the scorers that want it say why. */
async function embeddingOf(frame: Frame): Promise<Float32Array | null> {
  return imageEmbedding(frame).catch(() => null);
}

/** One scorer's scores; whatever it does, each of its dimensions gets exactly one. */
async function assess({
  scorer,
  frame,
  ask,
  stand,
  signal,
}: {
  scorer: Scorer;
  frame: Frame;
  ask: Ask;
  stand: Stand | undefined;
  signal: AbortSignal;
}): Promise<Scores> {
  if (stand !== undefined) return sameForAll([scorer], stand);
  const label = labelOf(scorer);
  try {
    const found = await scorer.assess(frame, ask, signal);
    const hashes = await used(scorer);
    return Object.fromEntries(
      Object.keys(scorer.spec.dimensions).map((id) => [id, { ...checked(id, found[id]), scorer: label, ...hashes }]),
    );
  } catch (error) {
    if (error instanceof Unassessable)
      return sameForAll([scorer], error.assessment as { status: 'unassessable'; reason: string });
    if (signal.aborted) return sameForAll([scorer], { status: 'unassessable', reason: 'timeout' });
    return sameForAll([scorer], { status: 'error', error: messageOf(error) });
  }
}

/** The hashes of the models that a scorer may have used; absent where it has none. */
async function used({ spec }: Scorer): Promise<{ models?: Record<string, string> }> {
  const hashes = Object.assign({}, ...(await Promise.all(spec.models.map(({ id }) => models.hashes(id))))) as Record<
    string,
    string
  >;
  return Object.keys(hashes).length === 0 ? {} : { models: hashes };
}

/** As the task says; those that it does not name come after. */
function inOrder(scorers: readonly Scorer[], { policy, order }: ScoreTask): Scorer[] {
  const usual = cascadeOrder(policy, { scorers: scorers.map(({ spec }) => spec) }).order;
  const ids = new Set([...(order ?? []), ...usual]);
  return [...ids].flatMap((id) => scorers.find(({ spec }) => spec.id === id) ?? []);
}

/** The same document whatever ran first. */
const inSpecOrder = (scores: Scores, scorers: readonly Scorer[]): Scores =>
  Object.fromEntries(
    scorers
      .flatMap(({ spec }) => Object.keys(spec.dimensions))
      .flatMap((dimension) => (scores[dimension] ? [[dimension, scores[dimension]]] : [])),
  );
