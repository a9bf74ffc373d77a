/** What activities count, from the documents that they have at hand. */
import { CullError } from '../errors.js';
import type { Generation } from '../providers/provider.js';
import { shortRelease } from '../selection/words.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { CandidateRecord, DeadLetterDoc, PlanDoc, RequestDoc, ResultDoc } from '../workflows/contract.js';
import type { WebhookLogDoc, WebhookOutcome } from '../workflows/webhook-contract.js';
import type { SweptCounts } from '../workflows/sweep-contract.js';

/** Of a plan from before they named their template: its release. */
const templateLabel = ({ template, release }: PlanDoc): string => template ?? shortRelease(release);

/** A picture that was drawn now. @param waitedMs from the queue into this worker; clocks of two machines may make it negative */
export function countDrawn(
  metrics: Metrics,
  { plan, timing, host, waitedMs }: { plan: PlanDoc; waitedMs: number } & Pick<Generation, 'timing' | 'host'>,
): void {
  const template = templateLabel(plan);
  const waited = Math.max(0, waitedMs) + timing.queuedMs;
  metrics.observe('cull_candidate_queue_wait_seconds', { template }, waited / 1_000);
  metrics.observe('cull_candidate_draw_seconds', { template }, timing.drawMs / 1_000);
  metrics.add('cull_comfyui_draw_seconds_total', { host }, timing.drawMs / 1_000);
}

/** A candidate that was given up: what its ComfyUI had spent on it. */
export function countCancelled(
  metrics: Metrics,
  { handle, drawMs }: { handle: { host: string } | undefined; drawMs: number },
): void {
  if (handle) metrics.add('cull_comfyui_draw_seconds_total', { host: handle.host }, drawMs / 1_000);
}

/** A candidate that failed in a node, where the error says in which. */
export function countNodeFailure(metrics: Metrics, error: unknown): void {
  if (!(error instanceof CullError) || !error.code.startsWith('COMFY_')) return;
  const nodes = new Set([error.details].flat().flatMap(classOf));
  for (const name of nodes) metrics.add('cull_node_failures_total', { class: name, code: error.code });
}

function classOf(details: unknown): string[] {
  if (typeof details !== 'object' || details === null || !('class' in details)) return [];
  return typeof details.class === 'string' && details.class !== '' ? [details.class] : [];
}

/** A candidate that was measured and judged now. */
export function countJudged(metrics: Metrics, { plan, record }: { plan: PlanDoc; record: CandidateRecord }): void {
  const { scores, verdict, timing } = record;
  if (!verdict) return;
  const release = shortRelease(plan.release);
  metrics.observe('cull_candidate_score_seconds', { template: templateLabel(plan) }, (timing.scoreMs ?? 0) / 1_000);
  metrics.add('cull_verdicts_total', { release, band: verdict.band });
  const failed = new Set(verdict.failed.map(({ gate }) => gate));
  for (const { id: gate, ...rest } of plan.policy.gates) {
    const isFailed = failed.has(gate);
    if (!isFailed && wasLeftOut(rest, scores)) continue;
    metrics.add('cull_gate_judged_total', { release, gate });
    if (isFailed) metrics.add('cull_gate_failed_total', { release, gate });
  }
}

/** A scorer that a gate reads was not run, as another gate had rejected the candidate before. */
const wasLeftOut = (
  gate: { kind: 'rule'; dimensions: string[] } | { kind: 'threshold'; dimension: string },
  scores: CandidateRecord['scores'],
): boolean => (gate.kind === 'rule' ? gate.dimensions : [gate.dimension]).some((id) => scores[id]?.status === 'notRun');

/** A request whose result is there for the first time. */
export function countEnded(
  metrics: Metrics,
  of: { asked: RequestDoc; result: ResultDoc; manifest: CandidateRecord[] },
): void {
  const { template } = of.asked;
  const { state, wanted, delivered, shortfall, cost, timing } = of.result;
  metrics.add('cull_requests_total', { template, state });
  metrics.observe('cull_request_duration_seconds', { template, state }, timing.totalMs / 1_000);
  if (timing.firstPassMs !== null)
    metrics.observe('cull_request_first_pass_seconds', { template }, timing.firstPassMs / 1_000);
  metrics.add('cull_images_wanted_total', { template }, wanted);
  metrics.add('cull_images_delivered_total', { template }, delivered.length);
  if (shortfall) metrics.add('cull_shortfalls_total', { template, reason: shortfall.reason });
  for (const { state: ended } of of.manifest) metrics.add('cull_candidates_total', { template, state: ended });
  if (cost) metrics.add('cull_cost_usd_total', { template }, cost.microUsd / 1e6);
}

/** A webhook message that came to an end now. @param isAgain it was sent again by hand, long after it was made */
export function countWebhook(
  metrics: Metrics,
  { log, state, isAgain }: { log: WebhookLogDoc; state: WebhookOutcome['state']; isAgain: boolean },
): void {
  const { event, createdAt } = log;
  metrics.add('cull_webhooks_total', { event, state });
  if (state === 'delivered' && !isAgain)
    metrics.observe('cull_webhook_age_seconds', { event }, Math.max(0, Date.now() - Date.parse(createdAt)) / 1_000);
}

/** A dead letter that is there for the first time. */
export function countDead(metrics: Metrics, { template, failures }: DeadLetterDoc): void {
  for (const { code } of failures) metrics.add('cull_dead_letters_total', { template, code });
}

/** What a sweep deleted. */
export function countSwept(metrics: Metrics, swept: SweptCounts): void {
  for (const [kind, { objects, bytes }] of Object.entries(swept)) {
    metrics.add('cull_swept_objects_total', { kind }, objects);
    metrics.add('cull_swept_bytes_total', { kind }, bytes);
  }
}
