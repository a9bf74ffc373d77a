/**
 * Hands the trace of who started a workflow on to its activities and children, and says when a run has ended.
 *
 * No command, no wait: a history made with traces replays without them, and the other way round. Ids come from the run's own, which is random.
 */
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import { proxySinks, workflowInfo, type WorkflowInterceptors } from '@temporalio/workflow';
import { TRACE_HEADER, type TraceCarrier, type TracedRun, type TraceSinks } from './contract.js';

const { traces } = proxySinks<TraceSinks>();

export const interceptors = (): WorkflowInterceptors => {
  let run: TracedRun | undefined;
  return {
    inbound: [
      {
        execute(input, next) {
          run = runOf(carrierIn(input.headers));
          const ended = next(input);
          if (run && isSampled(run)) {
            const { startMs, ...ids } = run;
            const tell = (error?: string): void =>
              traces.ended({ ...ids, startMs, endMs: Date.now(), ...(error !== undefined && { error }) });
            ended.then(
              () => tell(),
              (error: unknown) =>
                tell(error instanceof Error && error.name !== 'ContinueAsNew' ? error.message : undefined),
            );
          }
          return ended;
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) =>
          next(run ? { ...input, headers: withCarrier(input.headers, within(run)) } : input),
        startChildWorkflowExecution(input, next) {
          if (!run) return next(input);
          // a batch may have many thousands of requests: each is a trace of its own, that names the batch's
          const isOfBatch = run.workflow === 'batchOfRequests' && input.workflowType === 'bestOfN';
          const carrier = isOfBatch ? { link: run.traceparent } : within(run);
          return next({ ...input, headers: withCarrier(input.headers, carrier) });
        },
        continueAsNew: (input, next) =>
          next(run ? { ...input, headers: withCarrier(input.headers, within(run)) } : input),
      },
    ],
  };
};

const within = ({ traceparent, tracestate }: TracedRun): TraceCarrier => ({
  traceparent,
  ...(tracestate !== undefined && { tracestate }),
});

const withCarrier = (headers: Headers, carrier: TraceCarrier): Headers => ({
  ...headers,
  [TRACE_HEADER]: defaultPayloadConverter.toPayload(carrier),
});

function carrierIn({ [TRACE_HEADER]: header }: Headers): TraceCarrier {
  return header ? defaultPayloadConverter.fromPayload<TraceCarrier>(header) : {};
}

/** A run that is linked to another trace begins one of its own. */
function runOf({ traceparent, tracestate, link }: TraceCarrier): TracedRun | undefined {
  const [, traceId, flags] =
    /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(traceparent ?? link ?? '') ?? [];
  if (traceId === undefined || flags === undefined) return undefined;
  const { workflowType: workflow, runId, runStartTime } = workflowInfo();
  const own = runId.replaceAll('-', '');
  return {
    workflow,
    traceparent: `00-${traceparent === undefined ? own : traceId}-${own.slice(16)}-${flags}`,
    ...(traceparent !== undefined && { parent: traceparent }),
    ...(tracestate !== undefined && { tracestate }),
    ...(traceparent === undefined && link !== undefined && { link }),
    startMs: runStartTime.getTime(),
  };
}

/** Whether who began the trace wants its spans. */
const isSampled = ({ traceparent }: TracedRun): boolean => (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;
