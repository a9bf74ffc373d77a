/** prepare: from a request to a plan. Everything that can be refused before a GPU is used is refused here. */
import { CullError } from '../errors.js';
import { warmUpOf } from '../providers/comfyui/prewarm.js';
import { versionsOf } from '../scorers/registry.js';
import { takesFile, type AnyScorer } from '../scorers/scorer.js';
import { cascadeOrder, FULL_SHARE, type Cascade } from '../selection/cascade.js';
import { dimensionsRead } from '../selection/dimensions.js';
import { pinned, versionProblems, type Versions } from '../selection/pins.js';
import { questionDimensions } from '../selection/questions.js';
import type { Decision } from '../selection/review.js';
import { minimaOf } from '../selection/select.js';
import type { Policy } from '../selection/types.js';
import { groupsOf } from '../selection/vary.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { SILENT, type Telemetry } from '../telemetry/telemetry.js';
import { bind } from '../templates/bind.js';
import { checkGraph } from '../templates/check.js';
import { checkSeeds } from '../templates/check-seed.js';
import { checkInputs } from '../templates/inputs.js';
import { modelFields, modelsOf, modelSet } from '../templates/models.js';
import { checkVary } from '../templates/vary.js';
import type { Bindings, Graph, Release } from '../templates/types.js';
import {
  DEFAULT_POOL,
  gpuQueue,
  type InputValue,
  type PlanDoc,
  type QueueDoc,
  type RequestDoc,
} from '../workflows/contract.js';
import { readJson, requireJson, writeJson } from './documents.js';
import { withFailures } from './failures.js';
import { servingHosts } from './pool.js';
import { refuseQuarantined } from './quarantine.js';
import { readDecisions } from './reviews.js';
import { readScorerStats } from './scorer-stats.js';
import { readExpected, type Expected } from './stats.js';

/** Who draws: there is no other yet. */
const PROVIDER = 'comfyui';

export interface PrepareAnswer extends Expected {
  /** Task queue of the ComfyUIs that draw this request. */
  queue: string;
  /** True if the request was planned before: candidates may be drawn already. */
  again: boolean;
  /** What people said of its candidates when it ran before. */
  decisions?: Record<number, Decision>;
  /** Of the policy: winners that each varied value must have at least. */
  minima?: number[];
  /** Of the policy: below it two candidates are near-duplicates. */
  minDistance?: number;
  /** Candidates that the ComfyUIs of the pool which serve now take at once. Absent: none serves yet. */
  slots?: number;
}

export interface PrepareActivities {
  prepare(ref: { tenant: string; request: string }): Promise<PrepareAnswer>;
}

/** Activities of the orchestrating worker that come before the first candidate. */
export function createPrepareActivities(deps: {
  storage: Storage;
  scorers: readonly AnyScorer[];
  allowNodes: string[];
  /** USD per hour of a ComfyUI; undefined: no price is set, and no request can have a budget. */
  usdPerHour?: number | undefined;
  /** Told of the queue that a request is about to use; workers elsewhere find it in storage. */
  onQueue?: (queue: QueueDoc) => void;
  telemetry?: Telemetry;
}): PrepareActivities {
  const { storage, scorers, allowNodes, usdPerHour, onQueue = () => undefined, telemetry = SILENT } = deps;
  const versions = versionsOf(scorers);
  return withFailures(telemetry, {
    async prepare({ tenant, request }: { tenant: string; request: string }): Promise<PrepareAnswer> {
      const asked = await requireJson<RequestDoc>(storage, keys.request(tenant, request));
      if (asked.stopping?.budgetMicroUsd !== undefined && usdPerHour === undefined)
        throw new CullError('REQUEST_INVALID', 'a request with a budget needs a price, and none is set', {
          hint: 'set CULL_COMFYUI_USD_PER_HOUR for the workers, or leave the budget out',
        });
      await refuseQuarantined(storage, asked);
      const release = await requireJson<Release<Policy>>(storage, keys.release(asked.release.replace('sha256:', '')));
      checkGraph(release.graph, { allowNodes });
      checkSeeds(release.graph, release.bindings);
      const policy = pinned(release.policy, versions);
      checkMeasured(policy, scorers);
      checkVersions(policy, versions);

      const { values, files } = nameFiles(tenant, asked.inputs);
      const variants = variantsOf(release, { asked, values });
      const { inputs } = variants[0];
      const graph = bind(release, inputs);
      const models = [...new Set(variants.flatMap((one) => modelsOf(bind(release, one.inputs))))].sort();
      const queue = gpuQueue(DEFAULT_POOL, modelSet(models));
      const before = await readJson<PlanDoc>(storage, keys.plan(tenant, request));
      const plan: PlanDoc = {
        request,
        tenant,
        release: asked.release,
        template: asked.template,
        policy,
        graph,
        seedAt: release.bindings.seed,
        output: release.bindings.output,
        files,
        inputs: forRules(inputs, asked.inputs),
        ...comparedWith(release.bindings, asked.inputs),
        ...readBy(release.bindings, inputs),
        ...(asked.vary && varyPlan(release.bindings, asked.vary.input, variants)),
        seed: asked.seed,
        deliver: asked.deliver,
        candidates: asked.candidates,
        queue,
        ...(asked.images?.keepMetadata && { keepMetadata: true }),
        // candidates of one request are measured in one way, whatever others have shown since
        cascade: before?.cascade ?? (await cascadeOf(storage, { asked, policy, scorers })),
      };
      const again = before !== undefined;
      await writeJson(storage, keys.plan(tenant, request), plan);
      const announced: QueueDoc = {
        queue,
        pool: DEFAULT_POOL,
        models,
        warmUp: models.length === 0 ? null : (warmUpFor(release, graph) ?? null),
        candidates: asked.candidates,
        at: new Date().toISOString(),
      };
      await writeJson(storage, keys.queue(queue), announced);
      onQueue(announced);
      const { minDistance } = release.policy.diversity;
      const expected = await readExpected(storage, asked.release, PROVIDER);
      const hosts = await servingHosts(storage, DEFAULT_POOL);
      const pool = hosts.length > 0 && { slots: hosts.reduce((sum, { slots = 1 }) => sum + slots, 0) };
      const reviews = again && (await readDecisions(storage, { tenant, request }));
      const least = plan.vary && release.policy.minPerGroup && minimaOf(groupsOf(plan), release.policy);
      const minima = least && groupsOf(plan).map((group) => least.get(group) ?? 0);
      return { queue: plan.queue, again, minDistance, ...(minima && { minima }), ...expected, ...pool, ...reviews };
    },
  });
}

interface Variant {
  value?: string | number | boolean;
  inputs: Record<string, string | number | boolean>;
}

/** The inputs with each value of the one that is varied; once where none is. */
function variantsOf(
  release: Release<Policy>,
  { asked, values }: { asked: RequestDoc; values: Record<string, string | number | boolean> },
): [Variant, ...Variant[]] {
  const { vary } = asked;
  const [first, ...others] = vary ? checkVary(release, vary) : [];
  if (!vary || first === undefined) return [{ inputs: checkInputs(release, values) }];
  const of = (value: string | number | boolean): Variant => ({
    value,
    inputs: checkInputs(release, { ...values, [vary.input]: value }),
  });
  return [of(first), ...others.map(of)];
}

/** What scorers are told of the inputs, but for photos and regions. */
function readBy(
  { expect }: Bindings,
  inputs: Variant['inputs'],
): Pick<PlanDoc, 'prompt' | 'negativePrompt' | 'expect'> {
  const text = (name: string) => (typeof inputs[name] === 'string' ? inputs[name] : undefined);
  const expected = Object.entries(expect ?? {}).flatMap(([name, value]): [string, unknown][] => {
    const found = typeof value === 'object' && 'input' in value ? inputs[value.input] : value;
    return found === undefined ? [] : [[name, found]];
  });
  const [prompt, negativePrompt] = [text('prompt'), text('negative')];
  return {
    ...(prompt !== undefined && { prompt }),
    ...(negativePrompt !== undefined && { negativePrompt }),
    ...(expect && { expect: Object.fromEntries(expected) }),
  };
}

const varyPlan = (bindings: Bindings, input: string, variants: readonly Variant[]): Pick<PlanDoc, 'vary'> => ({
  vary: {
    input,
    at: bindings.inputs[input]?.at ?? [],
    values: variants.flatMap(({ value, inputs }) =>
      value === undefined ? [] : [{ value, ...readBy(bindings, inputs) }],
    ),
  },
});

/** The template's own graph, with the models of this request and nothing else of it: other tenants' ComfyUIs run it. */
function warmUpFor(release: Release<Policy>, bound: Graph): Graph | undefined {
  const graph = structuredClone(release.graph);
  for (const { node, field, model } of modelFields(bound)) {
    const own = graph[node];
    if (own) own.inputs[field] = model;
  }
  return warmUpOf(graph, release.bindings.output);
}

/** An image input becomes the name under which ComfyUI will know the uploaded file. */
function nameFiles(tenant: string, inputs: Record<string, InputValue>) {
  const files: PlanDoc['files'] = [];
  const values: Record<string, string | number | boolean> = {};
  for (const [input, value] of Object.entries(inputs)) {
    if (typeof value !== 'object') {
      values[input] = value;
      continue;
    }
    const name = `cull/${tenant}/${value.image}${value.extension ?? '.png'}`;
    files.push({ name, sha256: value.image });
    values[input] = name;
  }
  return { values, files };
}

/** A photo by what it shows, not by the name that ComfyUI knows it by. */
const forRules = (
  inputs: Record<string, string | number | boolean>,
  given: RequestDoc['inputs'],
): NonNullable<PlanDoc['inputs']> =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => {
      const photo = given[name];
      return [name, typeof photo === 'object' ? photo.image : value];
    }),
  );

/** The photos and regions that the template declares and scorers compare with. A photo that the caller did not give is left out: there is only its name. */
function comparedWith(
  { references, named, masks }: Bindings,
  given: RequestDoc['inputs'],
): Pick<PlanDoc, 'references' | 'named' | 'masks'> {
  const photo = (name: string): string | undefined => {
    const value = given[name];
    return typeof value === 'object' ? value.image : undefined;
  };
  const photos = Object.entries(named ?? {}).flatMap(([name, input]): [string, string][] => {
    const sha256 = photo(input);
    return sha256 === undefined ? [] : [[name, sha256]];
  });
  return {
    ...(references && { references: references.flatMap((name) => photo(name) ?? []) }),
    ...(named && { named: Object.fromEntries(photos) }),
    ...(masks && { masks }),
  };
}

/** By what finished requests of the release have shown. */
async function cascadeOf(
  storage: Storage,
  { asked, policy, scorers }: { asked: RequestDoc; policy: Policy; scorers: readonly AnyScorer[] },
): Promise<Cascade> {
  const inThreads = scorers.flatMap((scorer) => (takesFile(scorer) ? [] : scorer.spec));
  const stats = await readScorerStats(storage, asked.release);
  return {
    ...cascadeOrder(policy, { scorers: inThreads, stats }),
    fullShare: asked.explain === 'all' ? 1 : (policy.fullShare ?? FULL_SHARE),
  };
}

/** The policy was checked by the client; this worker may run with other scorers (`CULL_SCORERS`). */
function checkMeasured(policy: Policy, scorers: readonly AnyScorer[]): void {
  const known = new Set(
    [...scorers.map(({ spec }) => spec.dimensions), questionDimensions(policy.questions ?? {})].flatMap(Object.keys),
  );
  const unknown = dimensionsRead(policy).find((dimension) => !known.has(dimension));
  if (unknown === undefined) return;
  throw new CullError(
    'POLICY_UNKNOWN_DIMENSION',
    `no scorer of this worker measures "${unknown}" (policy ${policy.policy})`,
    {
      hint: 'start the worker with the same CULL_SCORERS as the client',
    },
  );
}

/** While a new version is rolled out, another worker may be the right one: this is tried again for some minutes. */
function checkVersions({ policy, pins }: Policy, versions: Versions): void {
  const [problem] = versionProblems(pins, versions);
  if (problem === undefined) return;
  throw new CullError('SCORER_VERSION', `${problem} by the policy ${policy} or its release`, {
    hint: 'make the request again, then its release names what measures today; or run workers of the pinned version',
  });
}
