/** announceAccepted: one that a person has accepted is a winner so far. */
import type { Storage } from '../storage/storage.js';
import { SILENT, type Telemetry } from '../telemetry/telemetry.js';
import { createPlanReader, readRecord, type CandidateRef } from './documents.js';
import { withFailures } from './failures.js';
import { createAnnouncer, standingOf } from './winners.js';

export interface AcceptedActivities {
  /** Tells those who watch. After the end of the request, or for one that waits for nobody, it does nothing. */
  announceAccepted(ref: CandidateRef): Promise<void>;
}

/** Activity of the orchestrating worker. Can be repeated. */
export function createAcceptedActivities(deps: { storage: Storage; telemetry?: Telemetry }): AcceptedActivities {
  const { storage, telemetry = SILENT } = deps;
  const planOf = createPlanReader(storage);
  const announce = createAnnouncer(storage);
  return withFailures(telemetry, {
    async announceAccepted(ref: CandidateRef): Promise<void> {
      const [plan, record] = await Promise.all([planOf(ref), readRecord(storage, ref)]);
      const standing = record && standingOf(record, plan.policy);
      if (standing) await announce(plan, standing);
    },
  });
}
