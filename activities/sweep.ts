/** sweepStorage: what is past its age goes, step by step; which ComfyUIs there are to sweep; the last word. */
import { Context } from '@temporalio/activity';
import pLimit from 'p-limit';
import { retentionOf, type Retention, type RetentionSaid } from '../selection/retention.js';
import type { Label } from '../selection/tuning/labels.js';
import { isName, keys } from '../storage/keys.js';
import type { Storage, StoredObject } from '../storage/storage.js';
import { SILENT, type Telemetry } from '../telemetry/telemetry.js';
import type { HostDoc } from '../workflows/contract.js';
import {
  addSwept,
  type SweepDoc,
  type SweepPlace,
  type SweepReport,
  type SweptCounts,
} from '../workflows/sweep-contract.js';
import { countSwept } from './counted.js';
import { readJson, writeJson } from './documents.js';
import { withFailures } from './failures.js';
import { sweepInputs } from './sweep-inputs.js';
import { sweepRequest, type Labelled } from './sweep-request.js';

export interface SweepAsk {
  /** Milliseconds since the epoch. */
  now: number;
  dryRun: boolean;
  /** Instead of the environment's. */
  retention?: RetentionSaid;
}

export interface SweepStep {
  swept: SweptCounts;
  requests: number;
  /** Where to go on; null: all is done. */
  next: SweepPlace | null;
}

export interface SweepActivities {
  sweepStorage(ask: SweepAsk & { place?: SweepPlace }): Promise<SweepStep>;
  sweepHosts(): Promise<string[]>;
  endSweep(of: { report: SweepReport; now: number }): Promise<void>;
}

/** A step ends after the day with which it has looked at so many requests. */
const LOOKS = 2_000;
const AT_ONCE = 8;

/** What a heartbeat carries: whole days that are done, for the next try to go on after them. */
type Beat = Omit<SweepStep, 'next'> & { place: SweepPlace };

/** Activities of the orchestrating worker. */
export function createSweepActivities(deps: {
  storage: Storage;
  /** What the environment says. */
  retention: RetentionSaid;
  labels: (tenant: string) => Promise<readonly Label[]>;
  telemetry?: Telemetry;
}): SweepActivities {
  const { storage, telemetry = SILENT } = deps;
  return withFailures(telemetry, {
    async sweepStorage({ place: from, ...ask }: SweepAsk & { place?: SweepPlace }): Promise<SweepStep> {
      const context = Context.current();
      let beat = context.info.heartbeatDetails as Beat | undefined;
      const step: SweepStep = { swept: beat?.swept ?? {}, requests: beat?.requests ?? 0, next: null };
      const place = beat?.place ?? from;
      const onLook = (): void => context.heartbeat(beat);
      let looked = 0;
      const took = (swept: SweptCounts): void => {
        step.swept = addSwept(step.swept, swept);
        if (!ask.dryRun) countSwept(telemetry.metrics, swept);
      };
      for await (const tenant of storage.folders('')) {
        if (!isName(tenant) || (place && `${tenant}/` < `${place.tenant}/`)) continue;
        const retention = await retentionFor(storage, { tenant, ...deps, ...ask });
        if (Object.keys(retention).length === 0) continue;
        const labelled = once(async () => labelledOf(await deps.labels(tenant)));
        for await (const day of storage.folders(keys.indexes(tenant))) {
          if (place?.tenant === tenant && place.day !== undefined && day <= place.day) continue;
          const limit = pLimit(AT_ONCE);
          const sweeping: Promise<void>[] = [];
          for await (const entry of storage.list(keys.indexDay(tenant, day))) {
            const request = requestOf(entry);
            const each = async (): Promise<void> => {
              const swept = await sweepRequest(storage, { ...ask, tenant, request, entry, retention, labelled });
              if (Object.keys(swept).length > 0) step.requests++;
              took(swept);
              onLook();
            };
            sweeping.push(limit(each));
            looked++;
          }
          await Promise.all(sweeping);
          beat = { swept: step.swept, requests: step.requests, place: { tenant, day } };
          onLook();
          if (looked >= LOOKS) return { ...step, next: { tenant, day } };
        }
        took(await sweepInputs(storage, { tenant, days: retention.inputs, onLook, ...ask }));
      }
      return step;
    },

    async sweepHosts(): Promise<string[]> {
      const hosts: string[] = [];
      for await (const { key } of storage.list(keys.hosts())) {
        const doc = await readJson<HostDoc>(storage, key);
        if (doc && doc.state !== 'stopped' && doc.state !== 'drained') hosts.push(doc.host);
      }
      return hosts;
    },

    async endSweep({ report, now }: { report: SweepReport; now: number }): Promise<void> {
      telemetry.log.info({ ...report }, 'swept');
      if (report.dryRun) return;
      const doc: SweepDoc = { at: new Date(now).toISOString(), report };
      await writeJson(storage, keys.sweep(), doc);
    },
  });
}

/** What counts for a tenant. */
export async function retentionFor(
  storage: Storage,
  { tenant, retention }: { tenant: string; retention: RetentionSaid },
): Promise<Retention> {
  const settings = await readJson<{ retention?: RetentionSaid }>(storage, keys.tenant(tenant));
  return retentionOf(retention, settings?.retention);
}

const requestOf = ({ key }: StoredObject): string => key.slice(key.lastIndexOf('/') + 1).replace(/\.json$/, '');

const labelledOf = (labels: readonly Label[]): Labelled => ({
  any: new Set(labels.map(({ picture }) => picture)),
  whole: new Set(labels.flatMap(({ picture, gate }) => (gate === null ? [picture] : []))),
});

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
