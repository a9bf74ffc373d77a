/**
 * Traces by OpenTelemetry, for who sets `OTEL_EXPORTER_OTLP_ENDPOINT`. Spans are made with its API, which does nothing until `startTraces` has loaded
 * the SDK; where no endpoint is set, nothing is loaded.
 */
import { context, SpanKind, SpanStatusCode, trace, type Attributes, type Context, type Span } from '@opentelemetry/api';
import { CullError, messageOf } from '../errors.js';
import type { Logger } from './log.js';

const SCOPE = 'cull';
const PROTOCOL = 'http/protobuf';

/** A span that is over, and that had its ids from somewhere else. */
export interface FinishedSpan {
  name: string;
  /** Its own ids, as in the W3C's header. */
  traceparent: string;
  parent?: string;
  /** Another trace that led to this one. */
  link?: string;
  /** Milliseconds since the epoch. */
  startMs: number;
  endMs: number;
  attributes: Record<string, string | number>;
  /** What went wrong. */
  error?: string;
}

/** What a process that is traced has besides the API. */
export interface Traces {
  add(span: FinishedSpan): void;
  /** Sends what is left, and gives up after 5 s. */
  close(): Promise<void>;
}

/** Where no endpoint is set. */
export const NO_TRACES: Traces = { add: () => undefined, close: () => Promise.resolve() };

/**
 * Starts to send spans, where `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set, and neither `OTEL_SDK_DISABLED=true` nor
 * `OTEL_TRACES_EXPORTER=none`. Once per process. The SDK reads the other `OTEL_*` variables itself, from the environment of the process.
 *
 * @param service what `OTEL_SERVICE_NAME` is if it is not set
 * @throws CullError CONFIG_INVALID for an address or a protocol that it cannot speak
 * @example
 * const traces = await startTraces(process.env, { service: 'cull-worker', log });
 * await traces.close();
 */
export async function startTraces(
  env: Record<string, string | undefined>,
  options: { service: string; log: Pick<Logger, 'warn'> },
): Promise<Traces> {
  if (!isWanted(env)) return NO_TRACES;
  const { startOtlp } = await import('./otlp.js');
  return startOtlp(options);
}

function isWanted(env: Record<string, string | undefined>): boolean {
  const endpoint = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const isOff = env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none';
  if (!endpoint || isOff) return false;
  const hint = 'set OTEL_TRACES_EXPORTER=none to do without traces; docs/traces.md lists what is read';
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? ''))
    throw new CullError('CONFIG_INVALID', `the OTLP endpoint "${endpoint}" is no http:// or https:// address`, {
      hint,
    });
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || PROTOCOL;
  if (protocol !== PROTOCOL)
    throw new CullError('CONFIG_INVALID', `traces are sent by ${PROTOCOL}, not by OTLP's "${protocol}"`, {
      hint: `set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=${PROTOCOL} and the collector's HTTP port, usually 4318; ${hint}`,
    });
  return true;
}

/**
 * Does `work` in a span, within the one that is active or within `parent`. What is thrown ends it as an error, unless `isFine` says otherwise.
 *
 * @example
 * await inSpan('deliver', { attributes: { 'cull.request': 'r1' } }, (span) => deliver());
 */
export async function inSpan<T>(
  name: string,
  options: { attributes?: Attributes; kind?: SpanKind; parent?: Context; isFine?: (error: unknown) => boolean },
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const { attributes = {}, kind = SpanKind.INTERNAL, parent = context.active(), isFine = () => false } = options;
  return trace.getTracer(SCOPE).startActiveSpan(name, { attributes, kind }, parent, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      if (!isFine(error)) span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** A span within the active one, of something that is over; what was measured in another thread. `startMs`: since the epoch. */
export function pastSpan(
  name: string,
  { startMs, ms, attributes = {} }: { startMs: number; ms: number; attributes?: Attributes },
): void {
  if (trace.getActiveSpan()?.isRecording() !== true) return;
  trace
    .getTracer(SCOPE)
    .startSpan(name, { attributes, startTime: startMs })
    .end(startMs + ms);
}

/** Says more of what the active span does. */
export const annotate = (attributes: Attributes): void => void trace.getActiveSpan()?.setAttributes(attributes);
