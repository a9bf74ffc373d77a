/** What a part of Cull tells the world of its work: lines and numbers. */
import { createLog, type Logger } from './log.js';
import { NO_METRICS, type Metrics } from './metrics.js';

export interface Telemetry {
  log: Logger;
  metrics: Metrics;
}

/** Tells nobody: the default of everything that counts. */
export const SILENT: Telemetry = { log: createLog({ level: 'silent', name: 'silent' }), metrics: NO_METRICS };
