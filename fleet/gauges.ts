/** What a worker tells of its ComfyUIs in numbers. */
import type { Health } from '../providers/provider.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { HostDoc } from '../workflows/contract.js';

/** The state that a ComfyUI is in now, and the one it was in. */
export function gaugeState(
  metrics: Metrics,
  host: string,
  { from, to }: { from: HostDoc['state']; to: HostDoc['state'] | undefined },
): void {
  if (from !== to) metrics.set('cull_comfyui_state', { host, state: from }, undefined);
  if (to) metrics.set('cull_comfyui_state', { host, state: to }, 1);
}

/** What a health check saw. A ComfyUI that does not answer has no queue that is known, and its card is not known either. */
export function gaugeHealth(metrics: Metrics, host: string, { queueDepth, memory }: Health): void {
  metrics.set('cull_comfyui_queue_depth', { host }, queueDepth);
  metrics.set('cull_comfyui_vram_total_bytes', { host }, memory?.totalBytes);
  metrics.set('cull_comfyui_vram_free_bytes', { host }, memory?.freeBytes);
}

/** What is drawn on a ComfyUI. */
export function gaugeSlots(metrics: Metrics, host: string, { slots, used }: { slots: number; used: number }): void {
  metrics.set('cull_comfyui_slots', { host }, slots);
  metrics.set('cull_comfyui_candidates', { host }, used);
}

/** It is served here no more. */
export function forgetGauges(metrics: Metrics, host: string): void {
  gaugeHealth(metrics, host, { ok: false });
  metrics.set('cull_comfyui_slots', { host }, undefined);
  metrics.set('cull_comfyui_candidates', { host }, undefined);
}
