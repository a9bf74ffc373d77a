/** /api/jobs (0.6 and newer), else the same out of /history and /queue. */
import { fieldsOf, listOf, numberOf, present, textOf } from '../fields.js';
import { findInQueue, parseJob, STATES, UNKNOWN_JOB, type Job, type JobState } from '../job.js';
import { checkId, lacksRoute, queryOf, type Server, type With } from './server.js';
import { history, historyEntry, type HistoryEntry } from './history.js';
import { queue, type QueueItem } from './queue.js';

/** A line of the list of jobs. */
export interface JobSummary extends Pick<Job, 'state' | 'error' | 'timing'> {
  promptId: string;
  /** The priority: lower runs first. */
  number: number;
  /** How many files and texts it made; 0 until it has ended. */
  outputsCount: number;
  /** `extra_pnginfo.workflow.id`, the canvas it came from. */
  workflowId?: string;
}

export interface JobsQuery {
  /** @default all */
  status?: Exclude<JobState, 'unknown'>[];
  workflowId?: string;
  /** @default createdAt */
  sortBy?: 'createdAt' | 'duration';
  /** @default desc */
  sortOrder?: 'asc' | 'desc';
  /** From 1. @default no limit */
  limit?: number;
  /** @default 0 */
  offset?: number;
}

export interface JobsPage {
  jobs: JobSummary[];
  /** Of all that fit the question, on whatever page. */
  total: number;
  hasMore: boolean;
}

export async function job(to: Server, promptId: string, options: With): Promise<Job> {
  const id = checkId(promptId);
  if (to.known.jobs !== false) {
    const answer = await to.ask(`/api/jobs/${id}`, options);
    const found = answer.status === 200 ? parseJob(answer.json) : undefined;
    const notFound = answer.status === 404 && !lacksRoute(answer);
    if (found || notFound) to.known.jobs = true;
    if (found) return found;
    if (notFound) return UNKNOWN_JOB;
    // Anything else is a defect of this one answer: ask the older way, once.
    if (lacksRoute(answer)) to.known.jobs ??= false;
  }
  const ended = await historyEntry(to, id, options);
  if (ended) return ended.job;
  const waiting = findInQueue(await to.json('/queue', options), id);
  if (waiting) return { ...UNKNOWN_JOB, state: waiting };
  // It can end between the two questions.
  return (await historyEntry(to, id, options))?.job ?? UNKNOWN_JOB;
}

export async function jobs(to: Server, ask: JobsQuery, options: With): Promise<JobsPage> {
  if (to.known.jobs !== false) {
    const wordOf = (state: JobState) => Object.keys(STATES).find((word) => STATES[word] === state) ?? state;
    const query = queryOf({
      status: ask.status?.map(wordOf).join(','),
      workflow_id: ask.workflowId,
      sort_by: ask.sortBy === 'duration' ? 'execution_duration' : undefined,
      sort_order: ask.sortOrder,
      limit: ask.limit,
      offset: ask.offset,
    });
    const answer = await to.ask(`/api/jobs${query}`, options);
    if (answer.status === 200) {
      to.known.jobs = true;
      const body = fieldsOf(answer.json);
      const { total, has_more } = fieldsOf(body.pagination);
      const lines = listOf(body.jobs).map(parseSummary);
      return { jobs: lines, total: numberOf(total) ?? lines.length, hasMore: has_more === true };
    }
    if (lacksRoute(answer)) to.known.jobs ??= false;
    // One job whose extra_pnginfo is not an object makes ComfyUI answer 500 for as long as it remembers that job.
    else if (answer.status !== 500) throw to.unexpected('/api/jobs', answer);
  }
  return await jobsFromLists(to, ask, options);
}

async function jobsFromLists(to: Server, ask: JobsQuery, options: With): Promise<JobsPage> {
  const waiting = await queue(to, options);
  const ended = await history(to, {}, options);
  const all = new Map<string, JobSummary>();
  for (const item of waiting.running) all.set(item.promptId, summaryOf(item, { ...UNKNOWN_JOB, state: 'running' }));
  for (const item of waiting.pending) all.set(item.promptId, summaryOf(item, { ...UNKNOWN_JOB, state: 'pending' }));
  // Last: what ended between the two questions has ended.
  for (const entry of ended) all.set(entry.promptId, summaryOf(entry, entry.job));
  const { status, workflowId, sortBy, sortOrder, limit, offset = 0 } = ask;
  const direction = sortOrder === 'asc' ? 1 : -1;
  const found = [...all.values()]
    .filter((one) => status === undefined || status.length === 0 || status.some((state) => state === one.state))
    .filter((one) => workflowId === undefined || one.workflowId === workflowId)
    .sort((a, b) => direction * (sortKey(a, sortBy) - sortKey(b, sortBy)));
  const page = found.slice(offset, limit === undefined ? undefined : offset + limit);
  return { jobs: page, total: found.length, hasMore: offset + page.length < found.length };
}

function sortKey({ timing }: JobSummary, by: JobsQuery['sortBy']): number {
  const { createdAt = 0, startedAt, endedAt } = timing;
  if (by !== 'duration') return createdAt;
  return startedAt === undefined || endedAt === undefined ? 0 : endedAt - startedAt;
}

function summaryOf(item: QueueItem | HistoryEntry, job: Job): JobSummary {
  const texts = Object.values(job.texts).reduce((sum, list) => sum + list.length, 0);
  const workflow = fieldsOf(fieldsOf(item.extraData.extra_pnginfo).workflow);
  return present<JobSummary>({
    promptId: item.promptId,
    number: item.number,
    state: job.state,
    outputsCount: job.files.length + texts,
    workflowId: textOf(workflow.id),
    error: job.error,
    timing: present<Job['timing']>({ createdAt: numberOf(item.extraData.create_time), ...job.timing }),
  });
}

function parseSummary(line: unknown): JobSummary {
  const fields = fieldsOf(line);
  const { state, error, timing } = parseJob(line) ?? UNKNOWN_JOB;
  return present<JobSummary>({
    promptId: textOf(fields.id) ?? '',
    number: numberOf(fields.priority) ?? 0,
    state,
    outputsCount: numberOf(fields.outputs_count) ?? 0,
    workflowId: textOf(fields.workflow_id),
    error,
    timing,
  });
}
