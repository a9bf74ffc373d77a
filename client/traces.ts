/** The trace of who asks goes with what he starts. */
import { context, propagation, SpanKind } from '@opentelemetry/api';
import { WorkflowExecutionAlreadyStartedError, type WorkflowClientInterceptor } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { inSpan } from '../telemetry/traces.js';
import { TRACE_HEADER, type TraceCarrier } from '../workflows/contract.js';

/** Of the client: the start of a workflow is a span, and the workflow is told of it. Without traces nothing is told. */
export const startsInSpan: WorkflowClientInterceptor = {
  startWithDetails: (input, next) =>
    inSpan(
      `start ${input.workflowType}`,
      {
        kind: SpanKind.PRODUCER,
        attributes: { 'cull.workflow_id': input.options.workflowId },
        isFine: (error) => error instanceof WorkflowExecutionAlreadyStartedError,
      },
      () => {
        const carrier: TraceCarrier = {};
        propagation.inject(context.active(), carrier);
        if (carrier.traceparent === undefined) return next(input);
        const header = defaultPayloadConverter.toPayload(carrier);
        return next({ ...input, headers: { ...input.headers, [TRACE_HEADER]: header } });
      },
    ),
};
