import { isGrpcServiceError, ServiceError, type ConnectionLike } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import proto from '@temporalio/proto';
import { CullError } from '../errors.js';

/** Options that both `Connection.connect` and `NativeConnection.connect` take. */
export type TemporalConnectionOptions = ReturnType<typeof loadClientConnectConfig>['connectionOptions'];

/** Where the Temporal server is and how to speak to it. */
export interface TemporalTarget {
  address: string;
  namespace: string;
  connectionOptions: TemporalConnectionOptions;
}

/**
 * The server named by `TEMPORAL_*` or a Temporal profile (docs.temporal.io/develop/environment-configuration), or undefined where neither names
 * an address: then the embedded stack is meant. The same settings serve clients and workers, Temporal Cloud included.
 *
 * @example
 * const target = temporalTarget(process.env) ?? embeddedTarget('127.0.0.1:7233');
 */
export function temporalTarget(env: Record<string, string | undefined>): TemporalTarget | undefined {
  const set = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const { connectionOptions, namespace } = loadClientConnectConfig({ overrideEnvVars: set });
  if (!connectionOptions.address) return undefined;
  return { address: connectionOptions.address, namespace: namespace ?? 'default', connectionOptions };
}

/** The embedded server at an address: no TLS, no key. */
export const embeddedTarget = (address: string): TemporalTarget => ({
  address,
  namespace: 'default',
  connectionOptions: { address },
});

/** What waits in a task queue: tasks, and the seconds that the oldest of them has waited. */
export interface Backlog {
  count: number;
  ageSeconds: number;
}

/**
 * Asks the server for the backlog of a task queue. Approximate: the server counts what it has stored, and what it hands on at once never waits.
 *
 * @example
 * const { count } = await backlogOf(connection.workflowService, { namespace: 'default', queue: 'cull-score', type: 'activity' });
 */
export async function backlogOf(
  service: ConnectionLike['workflowService'],
  { namespace, queue, type }: { namespace: string; queue: string; type: 'workflow' | 'activity' },
): Promise<Backlog> {
  const { TASK_QUEUE_TYPE_ACTIVITY, TASK_QUEUE_TYPE_WORKFLOW } = proto.temporal.api.enums.v1.TaskQueueType;
  const { stats } = await service.describeTaskQueue({
    namespace,
    taskQueue: { name: queue },
    taskQueueType: type === 'activity' ? TASK_QUEUE_TYPE_ACTIVITY : TASK_QUEUE_TYPE_WORKFLOW,
    reportStats: true,
  });
  const { seconds, nanos } = stats?.approximateBacklogAge ?? {};
  return { count: Number(stats?.approximateBacklogCount ?? 0), ageSeconds: Number(seconds ?? 0) + (nanos ?? 0) / 1e9 };
}

/** gRPC's status codes DEADLINE_EXCEEDED and UNAVAILABLE. */
const NO_ANSWER: readonly number[] = [4, 14];

/**
 * What a call to the server that got no answer means for its caller; undefined for anything else.
 *
 * @example
 * throw unanswered(error) ?? error;
 */
export function unanswered(error: unknown): CullError | undefined {
  const cause = error instanceof ServiceError ? error.cause : error;
  if (!isGrpcServiceError(cause) || !NO_ANSWER.includes(cause.code)) return undefined;
  return new CullError('TEMPORAL_UNREACHABLE', 'the Temporal server did not answer in time', {
    hint: 'call again; with the same idempotency key nothing is started twice',
    cause: error,
  });
}
