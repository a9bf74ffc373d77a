/** sweepComfy: what Cull left on one ComfyUI and nobody needs any more: prompts, history, files where this worker has a path to them. */
import { Context } from '@temporalio/activity';
import type { ComfyClient } from '../providers/comfyui/client.js';
import type { HostFolders } from '../providers/comfyui/folders.js';
import { leftovers, removeLeftovers, type Leftover } from '../providers/comfyui/leftovers.js';
import { isPast, type RetentionSaid } from '../selection/retention.js';
import { isName, keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import { SILENT, type Telemetry } from '../telemetry/telemetry.js';
import type { SweptCounts } from '../workflows/sweep-contract.js';
import { countSwept } from './counted.js';
import { withFailures } from './failures.js';
import { retentionFor, type SweepAsk } from './sweep.js';

export interface ComfySweepActivities {
  sweepComfy(ask: SweepAsk): Promise<SweptCounts>;
}

/** So many are removed together: a history of ten thousand is one request in twenty. */
const AT_ONCE = 500;

/** The activity of one ComfyUI's own worker. */
export function createComfySweepActivities(deps: {
  storage: Storage;
  client: ComfyClient;
  folders: HostFolders;
  /** What the environment says. */
  retention: RetentionSaid;
  telemetry?: Telemetry;
}): ComfySweepActivities {
  const { client, folders, telemetry = SILENT } = deps;
  return withFailures(telemetry, {
    async sweepComfy(ask: SweepAsk): Promise<SweptCounts> {
      const needless = await needlessNow({ ...deps, ...ask });
      const counts = { prompts: 0, files: 0, bytes: 0 };
      let some: Leftover[] = [];
      const flush = async (): Promise<void> => {
        const { prompts, files, bytes } = ask.dryRun ? wouldGo(some) : await gone(client, some);
        counts.prompts += prompts;
        counts.files += files;
        counts.bytes += bytes;
        some = [];
        Context.current().heartbeat();
      };
      for await (const left of leftovers(client, folders)) {
        Context.current().heartbeat();
        if (await needless(left)) some.push(left);
        if (some.length === AT_ONCE) await flush();
      }
      await flush();
      const swept: SweptCounts = {
        ...(counts.prompts > 0 && { comfyuiPrompts: { objects: counts.prompts, bytes: 0 } }),
        ...(counts.files > 0 && { comfyuiFiles: { objects: counts.files, bytes: counts.bytes } }),
      };
      if (!ask.dryRun) countSwept(telemetry.metrics, swept);
      return swept;
    },
  });
}

/**
 * Whether something there is past its age: of a request that ended so long ago, or an input that was sent so long ago and that no prompt there
 * needs. What belongs to no request of this storage is another installation's.
 */
async function needlessNow(
  of: SweepAsk & { storage: Storage; client: ComfyClient; retention: RetentionSaid },
): Promise<(left: Leftover) => Promise<boolean>> {
  const { storage, client, now } = of;
  const { running, pending } = await client.queue();
  const graphs = JSON.stringify([...running, ...pending].map(({ graph }) => graph));
  const days = new Map<string, Promise<number | undefined>>();
  const ends = new Map<string, Promise<number | undefined>>();
  const remembered = <T>(known: Map<string, Promise<T>>, name: string, look: () => Promise<T>): Promise<T> => {
    const before = known.get(name) ?? look();
    known.set(name, before);
    return before;
  };
  return async (left) => {
    const { tenant } = left;
    if (!isName(tenant)) return false;
    const age = await remembered(days, tenant, async () => (await retentionFor(storage, { ...of, tenant })).comfyui);
    if (age === undefined) return false;
    if (left.kind === 'input')
      return (
        isPast(left.modifiedAt, { days: age, now }) && !graphs.includes(left.sha256) && (await isOurs(storage, left))
      );
    const { request } = left;
    if (!isName(request)) return false;
    const endedAt = await remembered(ends, `${tenant}/${request}`, async () => {
      const end = await storage.head(keys.result(tenant, request));
      return end?.modifiedAt;
    });
    return endedAt !== undefined && isPast(endedAt, { days: age, now });
  };
}

/** The tenant has requests in this storage. */
async function isOurs(storage: Storage, { tenant }: Leftover): Promise<boolean> {
  for await (const _day of storage.folders(keys.indexes(tenant))) return true;
  return false;
}

const wouldGo = (some: readonly Leftover[]) => {
  const files = some.flatMap((left) => ('bytes' in left ? [left.bytes] : []));
  return { prompts: some.length - files.length, files: files.length, bytes: files.reduce((sum, one) => sum + one, 0) };
};

async function gone(client: ComfyClient, some: readonly Leftover[]) {
  const { queue, history, output, input, bytes } = await removeLeftovers(client, some);
  return { prompts: queue + history, files: output + input, bytes };
}
