/** The OpenTelemetry SDK of this process. Imported only where traces are wanted: it takes a while to load. */
import { diag, DiagLogLevel, SpanKind, SpanStatusCode, type HrTime, type SpanContext } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { Logger } from './log.js';
import type { FinishedSpan, Traces } from './traces.js';

const CLOSE_MS = 5_000;

/** Registers the SDK. @param service what `OTEL_SERVICE_NAME` is if it is not set */
export function startOtlp({ service, log }: { service: string; log: Pick<Logger, 'warn'> }): Traces {
  const warn = (message: string): void => log.warn({ part: 'traces', error: wordsOf(message) }, 'spans are not sent');
  const nothing = (): void => undefined;
  diag.setLogger(
    { error: warn, warn, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const resource = resourceFromAttributes({ 'service.name': service }).merge(
    detectResources({ detectors: [envDetector] }),
  );
  const processor = new BatchSpanProcessor(new OTLPTraceExporter());
  const provider = new NodeTracerProvider({ resource, spanProcessors: [processor] });
  provider.register();
  return {
    add(span) {
      processor.onEnd({ ...readable(span), resource, instrumentationScope: { name: 'cull' } });
    },
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_MS)));
      await Promise.race([provider.shutdown().catch((error: unknown) => warn(String(error))), late]);
      clearTimeout(timer);
    },
  };
}

/** The SDK tells of an error as JSON with all its fields. */
function wordsOf(told: string): string {
  try {
    const { message } = JSON.parse(told) as { message?: unknown };
    return typeof message === 'string' ? message : told;
  } catch {
    return told;
  }
}

/** As the exporter takes it: the SDK's own spans choose their ids, and this one has them. */
function readable({ name, traceparent, parent, link, startMs, endMs, attributes, error }: FinishedSpan) {
  return {
    name,
    kind: SpanKind.INTERNAL,
    spanContext: () => contextOf(traceparent),
    ...(parent !== undefined && { parentSpanContext: contextOf(parent) }),
    startTime: hrTime(startMs),
    endTime: hrTime(endMs),
    duration: hrTime(Math.max(0, endMs - startMs)),
    status: error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: error },
    attributes,
    links: link === undefined ? [] : [{ context: contextOf(link) }],
    events: [],
    ended: true,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf(traceparent: string): SpanContext {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

const hrTime = (ms: number): HrTime => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)];
