/**
 * Every metric there is, in one table. docs/metrics.md lists the same rows, and the dashboard and the alert rules in deploy/ use no others;
 * tests keep them equal.
 *
 * No label holds an id of a request, a candidate or a tenant: there would be a series for each. What is left is bounded by what is installed
 * (templates, releases, gates, node classes, ComfyUIs, queues, routes), and by `MAX_SERIES`.
 */
export interface MetricRow {
  type: 'counter' | 'histogram' | 'gauge';
  /** One sentence, without the full stop. */
  help: string;
  labels: readonly string[];
  /** Of a histogram, in its unit. */
  buckets?: readonly number[];
}

/** Of an answer of the service to a generation on a slow card. */
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1_800];
const LONG_SECONDS = [1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400];
const SHORT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export const METRICS = {
  cull_requests_total: {
    type: 'counter',
    help: 'Requests that ended, by state: delivered, shortfall, failed, cancelled',
    labels: ['template', 'state'],
  },
  cull_request_duration_seconds: {
    type: 'histogram',
    help: 'From the start of a request to its result',
    labels: ['template', 'state'],
    buckets: LONG_SECONDS,
  },
  cull_request_first_pass_seconds: {
    type: 'histogram',
    help: 'From the start of a request to its first candidate that passed',
    labels: ['template'],
    buckets: LONG_SECONDS,
  },
  cull_images_wanted_total: {
    type: 'counter',
    help: 'Images that ended requests had asked for',
    labels: ['template'],
  },
  cull_images_delivered_total: { type: 'counter', help: 'Images that were delivered', labels: ['template'] },
  cull_shortfalls_total: {
    type: 'counter',
    help: 'Requests that delivered less than was wanted, by what ended drawing: cap, deadline, budget, futile',
    labels: ['template', 'reason'],
  },
  cull_candidates_total: {
    type: 'counter',
    help: 'Candidates of ended requests, by state as in the manifest: delivered, passed, rejected, lost, cancelled',
    labels: ['template', 'state'],
  },
  cull_cost_usd_total: {
    type: 'counter',
    help: 'What the candidates of ended requests cost, in USD; nothing where no price is set',
    labels: ['template'],
  },
  cull_dead_letters_total: {
    type: 'counter',
    help: 'Requests of which something failed for good, once for each error code (docs/errors.md)',
    labels: ['template', 'code'],
  },
  cull_quarantined_releases: {
    type: 'gauge',
    help: 'Releases that are held back, for a tenant or for everybody; every worker says the same, so take the max',
    labels: [],
  },
  cull_candidate_queue_wait_seconds: {
    type: 'histogram',
    help: 'What a candidate waited for a worker and then in the queue of its ComfyUI',
    labels: ['template'],
    buckets: SECONDS,
  },
  cull_candidate_draw_seconds: {
    type: 'histogram',
    help: 'What a ComfyUI drew on a candidate, as it says itself',
    labels: ['template'],
    buckets: SECONDS,
  },
  cull_candidate_score_seconds: {
    type: 'histogram',
    help: 'What a candidate took to be measured and judged, with the wait for a thread',
    labels: ['template'],
    buckets: SECONDS,
  },
  cull_verdicts_total: {
    type: 'counter',
    help: 'Verdicts on candidates, by band: accept, review, reject',
    labels: ['release', 'band'],
  },
  cull_gate_judged_total: {
    type: 'counter',
    help: 'Candidates that a gate judged; not those it was left out for because another gate had rejected them before',
    labels: ['release', 'gate'],
  },
  cull_gate_failed_total: {
    type: 'counter',
    help: 'Candidates that a gate put into review or reject',
    labels: ['release', 'gate'],
  },
  cull_activity_failures_total: {
    type: 'counter',
    help: 'Failed attempts by error code (docs/errors.md), and what follows: retry or give-up',
    labels: ['activity', 'code', 'then'],
  },
  cull_node_failures_total: {
    type: 'counter',
    help: 'Candidates that failed in a node of the graph, by class of the node and error code',
    labels: ['class', 'code'],
  },
  cull_comfyui_state: {
    type: 'gauge',
    help: '1 for the state that a ComfyUI is in: starting, serving, unhealthy, paused, draining, drained, stopped',
    labels: ['host', 'state'],
  },
  cull_comfyui_slots: { type: 'gauge', help: 'Candidates that a ComfyUI takes at once', labels: ['host'] },
  cull_comfyui_candidates: {
    type: 'gauge',
    help: 'Candidates that this worker has on a ComfyUI now',
    labels: ['host'],
  },
  cull_comfyui_queue_depth: {
    type: 'gauge',
    help: 'Jobs of anybody that wait or run in a ComfyUI',
    labels: ['host'],
  },
  cull_comfyui_draw_seconds_total: {
    type: 'counter',
    help: 'Seconds that a ComfyUI spent on candidates, counted when each ends; its rate is the busy share',
    labels: ['host'],
  },
  cull_comfyui_vram_total_bytes: {
    type: 'gauge',
    help: 'Memory of the card of a ComfyUI; of the machine where it draws on a CPU',
    labels: ['host'],
  },
  cull_comfyui_vram_free_bytes: {
    type: 'gauge',
    help: 'Of that memory what is free, at most 10 s old',
    labels: ['host'],
  },
  cull_queue_depth: {
    type: 'gauge',
    help: 'Tasks that wait in a Temporal queue; every worker that serves it says the same, so take the max',
    labels: ['queue', 'type'],
  },
  cull_queue_age_seconds: {
    type: 'gauge',
    help: 'What the oldest task in a Temporal queue has waited',
    labels: ['queue', 'type'],
  },
  cull_webhooks_total: {
    type: 'counter',
    help: 'Webhook messages that came to an end, by event: delivered, failed (a day of tries), gone (nobody takes them any more)',
    labels: ['event', 'state'],
  },
  cull_webhook_age_seconds: {
    type: 'histogram',
    help: 'From the end of a request or batch to its webhook message being taken; not of one that was sent again by hand',
    labels: ['event'],
    buckets: LONG_SECONDS,
  },
  cull_storage_size_bytes: {
    type: 'gauge',
    help: 'Size of the disk that the storage folder is on; absent for a bucket',
    labels: [],
  },
  cull_storage_free_bytes: {
    type: 'gauge',
    help: 'What is free on the disk that the storage folder is on; absent for a bucket',
    labels: [],
  },
  cull_http_request_duration_seconds: {
    type: 'histogram',
    help: 'What the service took to answer; of a stream, until it began',
    labels: ['method', 'route', 'status'],
    buckets: SHORT_SECONDS,
  },
  cull_swept_objects_total: {
    type: 'counter',
    help: 'What sweeps deleted, by kind: pictures, records, inputs, comfyuiPrompts, comfyuiFiles',
    labels: ['kind'],
  },
  cull_swept_bytes_total: { type: 'counter', help: 'Bytes of what sweeps deleted, by kind', labels: ['kind'] },
  cull_sweep_last_success_timestamp_seconds: {
    type: 'gauge',
    help: 'When the last sweep of the installation ended, in seconds since the epoch',
    labels: [],
  },
} as const satisfies Record<string, MetricRow>;

/**
 * Series of one metric in one process. What comes above it is counted under the label value `other` (a gauge is left out), so that no
 * caller can fill a Prometheus with template names.
 */
export const MAX_SERIES = 1_000;
export const OTHER = 'other';

type Table = typeof METRICS;
export type NameOf<T extends MetricRow['type']> = {
  [N in keyof Table]: Table[N]['type'] extends T ? N : never;
}[keyof Table];
export type LabelsOf<N extends keyof Table> = Record<Table[N]['labels'][number], string>;
