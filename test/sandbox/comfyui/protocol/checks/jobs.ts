import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { changed } from '../../graphs.js';
import { fields, pick } from '../pick.js';
import type { Checks, Player } from '../player.js';

const FINISHED = [
  'create_time',
  'execution_end_time',
  'execution_start_time',
  'id',
  'outputs_count',
  'priority',
  'status',
];

/** Names the workflow, so that a listing can be narrowed to the prompts of one check. */
const named = (p: Player): { extra_data: object } => ({ extra_data: { extra_pnginfo: { workflow: { id: p.tag } } } });

async function listed(p: Player, query = ''): Promise<{ ids: unknown[]; pagination: unknown }> {
  const { json } = await p.get(`/api/jobs?workflow_id=${p.tag}${query}`);
  return { ids: (pick(json, 'jobs') as unknown[]).map((job) => pick(job, 'id')), pagination: pick(json, 'pagination') };
}

async function three(p: Player): Promise<string[]> {
  const by = await p.listen();
  const ids = [];
  for (let i = 0; i < 3; i++) ids.push((await p.run(p.noise(), { by, ...named(p) })).id);
  return ids;
}

/** GET /api/jobs and /api/jobs/{id}. */
export const jobs: Checks = {
  'jobs.list': async (p) => {
    const ids = await three(p);
    const { json } = await p.get(`/api/jobs?workflow_id=${p.tag}`);
    expect(pick(json, 'pagination')).toEqual({ offset: 0, limit: null, total: 3, has_more: false });
    for (const job of pick(json, 'jobs') as object[]) {
      expect(fields(job)).toEqual(expect.arrayContaining([...FINISHED, 'preview_output', 'workflow_id']));
      expect(job).not.toHaveProperty('outputs');
    }
    expect((await listed(p)).ids.sort()).toEqual(ids.sort());
  },
  'jobs.list.sort': async (p) => {
    const ids = await three(p);
    expect((await listed(p, '&sort_by=created_at&sort_order=asc')).ids).toEqual(ids);
    expect((await listed(p)).ids).toEqual([...ids].reverse());
    const { json } = await p.get(`/api/jobs?workflow_id=${p.tag}&sort_by=execution_duration&sort_order=asc`);
    const took = (pick(json, 'jobs') as Record<string, number>[]).map(
      (j) => j.execution_end_time! - j.execution_start_time!,
    );
    expect(took).toEqual([...took].sort((a, b) => a - b));
  },
  'jobs.list.pages': async (p) => {
    const ids = await three(p);
    const page = await listed(p, '&sort_order=asc&limit=2');
    expect(page).toEqual({ ids: ids.slice(0, 2), pagination: { offset: 0, limit: 2, total: 3, has_more: true } });
    const rest = await listed(p, '&sort_order=asc&limit=2&offset=2');
    expect(rest).toEqual({ ids: ids.slice(2), pagination: { offset: 2, limit: 2, total: 3, has_more: false } });
  },
  'jobs.list.status': async (p) => {
    const by = await p.listen();
    const { id: done } = await p.run(p.noise(), { by, ...named(p) });
    const { id: failed } = await p.run(changed(p.noise(), '4', { filename_prefix: '../../x' }), { by, ...named(p) });
    const stopped = await p.hold({ by, ...named(p) });
    await p.release(stopped, by);
    const running = await p.hold({ by, ...named(p) });
    const { id: pending } = await p.submit(p.noise(), { by, ...named(p) });
    const expected = { completed: done, failed, cancelled: stopped, in_progress: running, pending };
    for (const [status, id] of Object.entries(expected)) {
      expect((await listed(p, `&status=${status}`)).ids, status).toEqual([id]);
      expect(pick((await p.get(`/api/jobs/${id}`)).json, 'status'), status).toBe(status);
    }
    expect((await listed(p, '&status=pending,in_progress')).ids.sort()).toEqual([running, pending].sort());
  },
  'jobs.400.bad-parameters': async (p) => {
    for (const bad of ['status=gone', 'sort_by=x', 'sort_order=x', 'limit=0', 'limit=x', 'offset=x']) {
      const answer = await p.get(`/api/jobs?${bad}`);
      expect([answer.status, fields(answer.json)], bad).toEqual([400, ['error']]);
    }
  },
  'jobs.one.404': async (p) => {
    const answer = await p.get(`/api/jobs/${randomUUID()}`);
    expect([answer.status, answer.json]).toEqual([404, { error: 'Job not found' }]);
  },
  'jobs.one.finished': async (p) => {
    const by = await p.listen();
    const graph = p.noise();
    const { id } = await p.run(graph, { by });
    const { json } = await p.get(`/api/jobs/${id}`);
    expect(fields(json)).toEqual(
      expect.arrayContaining([...FINISHED, 'execution_status', 'outputs', 'preview_output', 'workflow']),
    );
    const { outputs, status } = await p.entry(id);
    expect(json).toMatchObject({ id, status: 'completed', outputs_count: 1, outputs, execution_status: status });
    expect(pick(json, 'workflow', 'prompt')).toEqual(graph);
    const file = { filename: 'a_00001_.png', subfolder: p.tag, type: 'output' };
    expect(pick(json, 'preview_output')).toEqual({ ...file, nodeId: '4', mediaType: 'images' });
  },
  'jobs.one.previewable-outputs': async (p) => {
    const by = await p.listen();
    const { id } = await p.run(p.noise(), { by });
    expect((await p.get(`/api/jobs/${id}`)).json).toMatchObject({ previewable_outputs_count: 1 });
  },
  'jobs.one.failed': async (p) => {
    const by = await p.listen();
    const { id } = await p.run(changed(p.noise(), '4', { filename_prefix: '../../x' }), { by });
    const { json } = await p.get(`/api/jobs/${id}`);
    expect(json).toMatchObject({ status: 'failed', execution_error: { node_id: '4', node_type: 'SaveImage' } });
  },
  'jobs.one.without-nulls': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const { id } = await p.submit(p.noise(), { by });
    for (const one of [held, id]) {
      const { json } = await p.get(`/api/jobs/${one}`);
      expect(Object.values(json as object)).not.toContain(null);
      expect(fields(json)).toEqual(
        expect.arrayContaining(['create_time', 'id', 'outputs_count', 'priority', 'status']),
      );
      for (const later of ['execution_end_time', 'execution_error', 'outputs']) expect(json).not.toHaveProperty(later);
    }
  },
  'jobs.one.dequeued-is-404': async (p) => {
    const by = await p.listen();
    await p.hold({ by });
    const { id } = await p.submit(p.noise(), { by });
    expect((await p.get(`/api/jobs/${id}`)).status).toBe(200);
    await p.post('/queue', { delete: [id] });
    expect((await p.get(`/api/jobs/${id}`)).status).toBe(404);
  },
  'jobs.one.history-wins': async (p) => {
    const by = await p.listen();
    const { id } = await p.run(p.noise(), { by });
    await p.hold({ by });
    await p.submit(p.noise(), { by, prompt_id: id });
    expect(pick((await p.get(`/api/jobs/${id}`)).json, 'status')).toBe('completed');
  },
};

/** POST /api/jobs/{id}/cancel and /api/jobs/cancel. */
export const cancels: Checks = {
  'jobs.cancel.running': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const answer = await p.post(`/api/jobs/${held}/cancel`, {});
    expect([answer.status, answer.json]).toEqual([200, { cancelled: true }]);
    await by.ended(held);
    expect(pick((await p.get(`/api/jobs/${held}`)).json, 'status')).toBe('cancelled');
  },
  'jobs.cancel.pending': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const { id } = await p.submit(p.noise(), { by });
    expect((await p.post(`/api/jobs/${id}/cancel`, {})).json).toEqual({ cancelled: true });
    expect((await p.get(`/api/jobs/${id}`)).status).toBe(404);
    expect(pick((await p.get('/queue')).json, 'queue_running', 0, 1)).toBe(held);
  },
  'jobs.cancel.nothing-to-cancel': async (p) => {
    const by = await p.listen();
    const { id } = await p.run(p.noise(), { by });
    for (const one of [id, randomUUID(), 'any-text']) {
      const answer = await p.post(`/api/jobs/${one}/cancel`, {});
      expect([answer.status, answer.json], one).toEqual([200, { cancelled: false }]);
    }
  },
  'jobs.cancel.absent': async (p) => {
    for (const path of [`/api/jobs/${randomUUID()}/cancel`, '/api/jobs/cancel']) {
      expect([404, 405], path).toContain((await p.post(path, { job_ids: [] })).status);
    }
  },
  'jobs.cancel-many.any': async (p) => {
    const by = await p.listen();
    const held = await p.hold({ by });
    const { id } = await p.submit(p.noise(), { by });
    const ids = [randomUUID(), id, held];
    expect((await p.post('/api/jobs/cancel', { job_ids: ids })).json).toEqual({ cancelled: true });
    await by.ended(held);
    expect((await p.post('/api/jobs/cancel', { job_ids: ids })).json).toEqual({ cancelled: false });
  },
  'jobs.cancel-many.400': async (p) => {
    const answer = await p.post('/api/jobs/cancel', { job_ids: ['x', randomUUID()] });
    expect([answer.status, pick(answer.json, 'invalid_ids')]).toEqual([400, ['x']]);
    const none = await p.post('/api/jobs/cancel', {});
    expect([none.status, none.json]).toEqual([400, { error: 'job_ids must be a list' }]);
    const text = await p.send('POST', '/api/jobs/cancel', { body: 'x' });
    expect([text.status, fields(text.json)]).toEqual([400, ['error']]);
  },
};
