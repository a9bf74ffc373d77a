/** Sweeping what is past its age: by a schedule of Temporal's, and now. */
import { randomUUID } from 'node:crypto';
import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { ORCHESTRATE_QUEUE } from '../workflows/contract.js';
import { SWEEP_SCHEDULE, type SweepArgs, type SweepReport } from '../workflows/sweep-contract.js';

/** Not on the hour, when everybody's do. */
const EVERY = { every: '6h', offset: '17m' } as const;

/**
 * Makes the schedule of the sweep where there is none. Whoever changed or paused it keeps that; several workers may do it at once.
 *
 * @returns whether it was made now
 * @example
 * await ensureSweepSchedule(client);
 */
export async function ensureSweepSchedule(temporal: Client): Promise<boolean> {
  try {
    await temporal.schedule.create({
      scheduleId: SWEEP_SCHEDULE,
      spec: { intervals: [EVERY] },
      action: {
        type: 'startWorkflow',
        workflowType: 'sweep',
        taskQueue: ORCHESTRATE_QUEUE,
        workflowId: SWEEP_SCHEDULE,
      },
      // A sweep that is still at it goes on; what the next one would have done the one after it does. A server that was down makes up for one.
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: EVERY.every },
    });
    return true;
  } catch (error) {
    if (error instanceof ScheduleAlreadyRunning) return false;
    throw error;
  }
}

/**
 * Sweeps now, and waits for the end. Beside a scheduled sweep it does no harm.
 *
 * @example
 * const { swept } = await sweepNow(client, { dryRun: true });
 */
export function sweepNow(temporal: Client, args: SweepArgs = {}): Promise<SweepReport> {
  return temporal.workflow.execute<(args: SweepArgs) => Promise<SweepReport>>('sweep', {
    workflowId: `${SWEEP_SCHEDULE}/${randomUUID()}`,
    taskQueue: ORCHESTRATE_QUEUE,
    args: [args],
  });
}
