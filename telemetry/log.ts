import { trace } from '@opentelemetry/api';
import { pino, type Logger } from 'pino';

export type { Logger };

/**
 * A structured log on stderr: one JSON line per event, so that stdout stays free for answers. What is told within a span carries its `trace_id` and
 * `span_id`.
 *
 * @example
 * const log = createLog({ level: 'info', name: 'worker' });
 * log.info({ request: 'r1', candidate: 7, host: 'gpu0' }, 'drawn');
 */
export function createLog(options: { level: string; name: string }): Logger {
  return pino(
    {
      level: options.level,
      name: options.name,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: traceIds,
    },
    pino.destination(2),
  );
}

function traceIds(): object {
  const ids = trace.getActiveSpan()?.spanContext();
  return ids ? { trace_id: ids.traceId, span_id: ids.spanId } : {};
}
