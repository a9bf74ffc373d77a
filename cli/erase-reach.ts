/** What `erase` knows that it does not remove: stays on purpose, and cannot be reached. For people; each line is one thing. */
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { EraseSubject } from '../client/erase.js';
import type { Storage } from '../storage/storage.js';
import { foldersOutOfReach, type KnownComfy } from './erase-comfyui.js';

export interface Unreached {
  what: string;
  why: string;
}

/** What stays: it belongs to the installation, and names nobody. */
export const keptOf = ({ request }: EraseSubject): Unreached[] => [
  { what: 'releases', why: 'template and policy under the hash of their content; inputs are not in them' },
  {
    what: 'statistics of releases',
    why: 'numbers of the last 50 requests each, under a hash of tenant and request, replaced by those that follow',
  },
  ...(request === undefined
    ? []
    : [
        { what: "the tenant's settings, webhook endpoints and API keys", why: 'they are not of this request' },
        { what: 'totals of its batch, and the history of the batch workflow', why: 'numbers and names of requests' },
        { what: 'labels that name a picture by a file name of somebody’s own', why: 'nothing tells whose it is' },
      ]),
];

/** What lies where no command of Cull's leads, as far as it applies here. */
export async function beyondReach(
  { temporal, storage }: { temporal: Client; storage: Storage },
  { comfys, prefixes }: { comfys: readonly KnownComfy[]; prefixes: readonly string[] },
): Promise<Unreached[]> {
  const remains = (await storage.remains?.(prefixes)) ?? [];
  return [
    ...remains.map(({ what, count, why }) => ({ what: count === 0 ? what : `${count} ${what}`, why })),
    ...comfys.flatMap((comfy) => {
      const folders = foldersOutOfReach(comfy);
      const why = 'no path to it is configured (docs/fleet.md): remove cull/ and its tenant’s folder there by hand';
      return folders.length === 0 ? [] : [{ what: `${folders.join(' and ')} folder of ComfyUI ${comfy.id}`, why }];
    }),
    { what: 'memory and temp folders of ComfyUIs', why: 'cached results and previews go when the ComfyUI restarts' },
    ...(await archives(temporal)),
    {
      what: 'backups and snapshots',
      why: 'of the storage and of the Temporal server’s database: their own retention ends them',
    },
    {
      what: 'files that were fetched',
      why: 'out/ folders, downloads, receivers of webhooks, caches in front of the service',
    },
    {
      what: 'URLs that were handed out',
      why: 'they lead to nothing any more; a cache may hold what they led to for a day',
    },
    {
      what: 'logs, traces and metrics',
      why: 'of workers, services, ComfyUIs and proxies: they hold names of requests and prompt ids',
    },
  ];
}

async function archives({ workflowService, options }: Client): Promise<Unreached[]> {
  const { config } = await workflowService.describeNamespace({ namespace: options.namespace });
  const enabled = proto.temporal.api.enums.v1.ArchivalState.ARCHIVAL_STATE_ENABLED;
  if (config?.historyArchivalState !== enabled && config?.visibilityArchivalState !== enabled) return [];
  return [{ what: 'archived workflow histories', why: 'archival is on in this namespace: delete them in the archive' }];
}
