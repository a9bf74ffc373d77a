/** What a Worker does for traces: a span for each attempt of an activity, and one for each workflow that ended. */
import { propagation, ROOT_CONTEXT, SpanKind } from '@opentelemetry/api';
import { CancelledFailure, defaultPayloadConverter } from '@temporalio/common';
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import { annotate, inSpan, type Traces } from '../telemetry/traces.js';
import { TRACE_HEADER, type TraceCarrier, type TraceSinks } from '../workflows/contract.js';

/** Nothing is done where the workflow has no trace. */
export const activityInSpan: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    execute(input, next) {
      const header = input.headers[TRACE_HEADER];
      if (!header) return next(input);
      const carrier = defaultPayloadConverter.fromPayload<TraceCarrier>(header);
      const attributes = {
        ...subjectOf(input.args[0]),
        'cull.attempt': info.attempt,
        'cull.queued_ms': Math.max(0, Date.now() - info.currentAttemptScheduledTimestampMs),
      };
      const parent = propagation.extract(ROOT_CONTEXT, carrier);
      const isFine = (error: unknown): boolean => error instanceof CancelledFailure;
      return inSpan(info.activityType, { kind: SpanKind.CONSUMER, attributes, parent, isFine }, async () => {
        try {
          return await next(input);
        } catch (error) {
          const type = (error as { type?: unknown }).type;
          if (typeof type === 'string') annotate({ 'error.type': type });
          throw error;
        }
      });
    },
  },
});

const SUBJECT = ['tenant', 'request', 'candidate', 'batch', 'part', 'message', 'endpoint'];

/** What an activity is about, by its first argument. */
function subjectOf(argument: unknown): Record<string, string | number> {
  const named = (argument ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    SUBJECT.flatMap((name) => {
      const value = named[name];
      return typeof value === 'string' || typeof value === 'number' ? [[`cull.${name}`, value]] : [];
    }),
  );
}

/** Takes what workflows say of themselves (workflows/traces.ts). Always there, as a workflow may be traced by others. */
export const traceSinks = (traces: Traces): InjectedSinks<TraceSinks> => ({
  traces: {
    ended: {
      fn: ({ workflowId }, { workflow, ...run }) =>
        traces.add({ ...run, name: workflow, attributes: { 'cull.workflow_id': workflowId } }),
      callDuringReplay: false,
    },
  },
});
