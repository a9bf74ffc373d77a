import { isDict, type Dict } from '../graph.js';
import { json, type Ask, type Reply, type Routes } from '../http.js';
import type { HistoryEntry, QueueItem } from '../queue.js';
import type { Sandbox } from '../sandbox.js';
import type { Profile } from '../profile.js';
import { summary } from './outputs.js';
import { isJobId, workflowId } from './prompts.js';

const STATUSES = ['pending', 'in_progress', 'completed', 'failed', 'cancelled'];

/** Without the fields that have no value, as the jobs API leaves them out. */
function pruned(fields: Dict): Dict {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

function queued(item: QueueItem, status: string): Dict {
  const { create_time } = item.extraData;
  const about = { id: item.promptId, status, priority: item.number, create_time, outputs_count: 0 };
  return pruned({ ...about, workflow_id: workflowId(item.extraData) });
}

function ended(id: string, { entry, whole, profile }: { entry: HistoryEntry; whole: boolean; profile: Profile }): Dict {
  const [priority, , prompt, extra] = entry.prompt;
  const extraData = isDict(extra) ? extra : {};
  const at = (...types: string[]): Dict | undefined =>
    entry.status.messages.find(([type]) => types.includes(type))?.[1];
  const error = at('execution_error');
  const interrupted = at('execution_interrupted') !== undefined;
  const { count, previewable, preview } = summary(entry.outputs, profile);
  const job = pruned({
    id,
    status: entry.status.status_str === 'success' ? 'completed' : interrupted ? 'cancelled' : 'failed',
    priority,
    create_time: extraData.create_time,
    execution_start_time: at('execution_start')?.timestamp,
    execution_end_time: at('execution_success', 'execution_error', 'execution_interrupted')?.timestamp,
    execution_error: error,
    outputs_count: count,
    previewable_outputs_count: profile.has('previewableCount') ? previewable : undefined,
    preview_output: preview,
    workflow_id: workflowId(extraData),
  });
  if (!whole) return job;
  return {
    ...job,
    outputs: entry.outputs,
    execution_status: entry.status,
    workflow: { prompt, extra_data: extraData },
  };
}

function refused(error: string, more: Dict = {}): Reply {
  return json({ error, ...more }, 400);
}

function time(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function sortKey(job: Dict, by: string): number {
  if (by === 'created_at') return time(job.create_time);
  const [start, end] = [time(job.execution_start_time), time(job.execution_end_time)];
  return start && end ? end - start : 0;
}

/** The jobs API: one view over waiting, running and ended prompts. */
export function jobRoutes(sandbox: Sandbox): Routes {
  const { queue } = sandbox;
  const { profile } = sandbox.world;

  const all = (): Dict[] => [
    ...(queue.running ? [queued(queue.running, 'in_progress')] : []),
    ...queue.pending.map((item) => queued(item, 'pending')),
    ...[...queue.history].map(([id, entry]) => ended(id, { entry, whole: false, profile })),
  ];

  const one = (id: string): Dict | undefined => {
    const entry = queue.history.get(id);
    if (entry) return ended(id, { entry, whole: true, profile });
    if (queue.running?.promptId === id) return queued(queue.running, 'in_progress');
    const waiting = queue.pending.find((item) => item.promptId === id);
    return waiting && queued(waiting, 'pending');
  };

  const list = ({ query }: Ask): Reply => {
    const wanted = (query.get('status') ?? '').split(',').map((s) => s.trim().toLowerCase());
    const statuses = wanted.filter((s) => s !== '');
    const unknown = statuses.filter((s) => !STATUSES.includes(s));
    if (unknown.length > 0) {
      return refused(`Invalid status value(s): ${unknown.join(', ')}. Valid values: ${STATUSES.join(', ')}`);
    }
    const by = (query.get('sort_by') ?? 'created_at').toLowerCase();
    if (by !== 'created_at' && by !== 'execution_duration') {
      return refused("sort_by must be 'created_at' or 'execution_duration'");
    }
    const order = (query.get('sort_order') ?? 'desc').toLowerCase();
    if (order !== 'asc' && order !== 'desc') return refused("sort_order must be 'asc' or 'desc'");
    const numbers: Record<string, number | null> = { limit: null, offset: 0 };
    for (const name of ['limit', 'offset']) {
      const value = query.get(name);
      if (value === null) continue;
      if (!/^\s*[+-]?\d+\s*$/.test(value)) return refused(`${name} must be an integer`);
      numbers[name] = Number(value);
    }
    const limit = numbers.limit ?? null;
    const offset = Math.max(0, numbers.offset ?? 0);
    if (limit !== null && limit <= 0) return refused('limit must be a positive integer');
    const workflow = query.get('workflow_id');
    const jobs = all()
      .filter((job) => statuses.length === 0 || statuses.includes(String(job.status)))
      .filter((job) => !workflow || job.workflow_id === workflow)
      .sort((a, b) => (sortKey(a, by) - sortKey(b, by)) * (order === 'asc' ? 1 : -1));
    const page = jobs.slice(offset, limit === null ? undefined : offset + limit);
    const pagination = { offset, limit, total: jobs.length, has_more: offset + page.length < jobs.length };
    return json({ jobs: page, pagination });
  };

  const cancel = (id: string): boolean => {
    if (queue.history.has(id) && queue.running?.promptId !== id) return false;
    return queue.interrupt(id) || sandbox.dequeue(id);
  };

  const routes: Routes = {
    'GET /api/jobs': list,
    'GET /api/jobs/:': ({ params: [id = ''] }) => {
      const job = one(id);
      return job ? json(job) : json({ error: 'Job not found' }, 404);
    },
  };
  const cancelling: Routes = {
    'POST /api/jobs/cancel': (ask) => {
      let body: unknown;
      try {
        body = ask.json();
      } catch {
        return refused('Request body must be valid JSON');
      }
      const ids: unknown = isDict(body) ? body.job_ids : undefined;
      if (!Array.isArray(ids)) return refused('job_ids must be a list');
      const invalid = ids.filter((id) => !isJobId(id)).map(String);
      if (invalid.length > 0) return refused('job_ids contains invalid id(s)', { invalid_ids: invalid });
      return json({ cancelled: ids.filter(isJobId).map(cancel).includes(true) });
    },
    'POST /api/jobs/:/cancel': ({ params: [id = ''] }) => json({ cancelled: cancel(id) }),
  };
  if (!profile.has('jobs')) return {};
  return profile.has('jobsCancel') ? { ...routes, ...cancelling } : routes;
}
