/**
 * What is past its age goes, in storage and on the ComfyUIs. Started by a schedule, and by `comfy-cull sweep`.
 *
 * Deterministic. Each step of storage is one activity, bounded, that says where to go on; everything can be done twice.
 */
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import { endSweep, sweepComfyOn, sweepHosts, sweepStorage } from './proxies.js';
import {
  addSwept,
  comfyQueue,
  noneSwept,
  type SweepArgs,
  type SweepReport,
  type SweptCounts,
} from './sweep-contract.js';

const CONTINUE_AT_EVENTS = 1_000;
const HOSTS_AT_ONCE = 16;

export async function sweep(args: SweepArgs = {}): Promise<SweepReport> {
  const { dryRun = false, retention, carried } = args;
  const ask = {
    now: args.now ?? workflowInfo().startTime.getTime(),
    dryRun,
    ...(retention && dryRun && { retention }),
  };
  const report = carried?.report ?? noneSwept(dryRun);
  let place = carried?.place;
  for (;;) {
    const { swept, requests, next } = await sweepStorage({ ...ask, ...(place && { place }) });
    report.swept = addSwept(report.swept, swept);
    report.requests += requests;
    if (!next) break;
    place = next;
    if (workflowInfo().historyLength > CONTINUE_AT_EVENTS)
      return continueAsNew<typeof sweep>({ ...args, now: ask.now, carried: { place, report } });
  }
  const hosts = await sweepHosts();
  for (let from = 0; from < hosts.length; from += HOSTS_AT_ONCE) {
    const some = hosts.slice(from, from + HOSTS_AT_ONCE);
    const each = await Promise.all(some.map((host) => sweepHost(host, ask)));
    for (const { swept, unreached } of each) {
      report.swept = addSwept(report.swept, swept);
      if (unreached) report.unreached.push(unreached);
    }
  }
  await endSweep({ report, now: ask.now });
  return report;
}

/** A ComfyUI that is away is swept another time; the rest goes on. */
async function sweepHost(
  host: string,
  ask: Parameters<ReturnType<typeof sweepComfyOn>['sweepComfy']>[0],
): Promise<{ swept: SweptCounts; unreached?: SweepReport['unreached'][number] }> {
  try {
    return { swept: await sweepComfyOn(comfyQueue(host)).sweepComfy(ask) };
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
    const reason = error.cause instanceof ApplicationFailure ? error.cause.message : 'no worker of it took the sweep';
    return { swept: {}, unreached: { host, reason } };
  }
}
