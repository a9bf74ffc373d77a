import { isDeepStrictEqual } from 'node:util';
import { CullError } from '../../errors.js';
import { isLink } from '../../templates/check.js';
import { upstreamOf } from '../../templates/check-seed.js';
import type { Graph } from '../../templates/types.js';
import type { GenerationJob } from '../provider.js';
import type { Host } from './host.js';
import type { Job } from './job.js';
import { markOf } from './mark.js';
import { patiently, type PatienceOptions } from './patience.js';

/** By default ComfyUI keeps the results of the last prompt; where it keeps more, a repeat is near all the same. */
const LOOK_BACK = 100;

/**
 * Refuses a candidate whose picture ComfyUI took from its cache because **another candidate of the same request** had the same graph and
 * seed: a repeated seed is no new candidate.
 *
 * A cached result by itself is no error. The cache is keyed by everything that goes into a picture, so it is the right one: an earlier try of
 * this candidate drew it, or another request asked for the same seed. Only the history tells which, by the mark of each prompt.
 *
 * @throws CullError COMFY_CACHED_OUTPUT, COMFY_UNREACHABLE
 */
export async function refuseRepeated(
  host: Host,
  from: { job: Job; of: GenerationJob },
  how: { patience: PatienceOptions; signal: AbortSignal },
): Promise<void> {
  const { job, of } = from;
  if (!wasCached(job, of)) return;
  const { signal } = how;
  const entries = await patiently(() => host.client.history({ maxItems: LOOK_BACK }, { signal }), {
    ...how.patience,
    signal,
  });
  const mine = essenceOf(of.graph, of.output);
  for (const { extraData, graph, promptId } of entries) {
    const mark = markOf(extraData);
    if (mark?.tenant !== of.tenant || mark.request !== of.request || mark.candidate >= of.candidate) continue;
    if (!isDeepStrictEqual(essenceOf(graph, of.output), mine)) continue;
    throw new CullError(
      'COMFY_CACHED_OUTPUT',
      `candidate ${of.candidate} repeats candidate ${mark.candidate}: ComfyUI at ${host.url} had the same graph and seed`,
      { hint: 'give each candidate a seed of its own, in a field that the output depends on', details: { promptId } },
    );
  }
}

/** Whether an output node, what feeds it, or anything that takes the seed came from the cache. */
function wasCached(job: Job, { graph, output, seed }: GenerationJob): boolean {
  if (job.cached.length === 0) return false;
  const cached = new Set(job.cached);
  const feeds = output.flatMap((id) => Object.values(graph[id]?.inputs ?? {}).filter(isLink));
  const seeded = Object.keys(graph).filter((id) => Object.values(graph[id]?.inputs ?? {}).includes(seed));
  return [...output, ...feeds.map(([id]) => id), ...seeded].some((id) => cached.has(id));
}

/** What makes the picture: the nodes that the outputs need, without the names they save under. */
const essenceOf = (graph: Graph, output: readonly string[]): unknown =>
  Object.fromEntries(
    [...upstreamOf(graph, output)].map((id) => {
      const { class_type, inputs } = graph[id] ?? { class_type: '', inputs: {} };
      return [id, { class_type, inputs: output.includes(id) ? { ...inputs, filename_prefix: null } : inputs }];
    }),
  );
