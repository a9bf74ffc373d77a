import { paint as painter } from '../painter/index.js';
import { adminServer } from './admin.js';
import { applyFaults, noFaults } from './faults.js';
import { Folders } from './folders.js';
import { Ledger } from './ledger.js';
import { DEFAULT_CHECKPOINTS, type SandboxOptions } from './options.js';
import { Models } from './models.js';
import { PicturePool } from './pool.js';
import { Profile } from './profile.js';
import { listen, Sandbox } from './sandbox.js';
import { PhotoShelf } from './shelf.js';
import type { World } from './world.js';

export {
  CACHE_MODES,
  DEFAULT_CHECKPOINTS,
  PREVIEW_METHODS,
  type CacheMode,
  type PreviewMethod,
  type Paint,
  type Painted,
  type PrerenderedOptions,
  type SandboxOptions,
} from './options.js';
export type { Faults } from './faults.js';
export { PROFILES, type ProfileVersion } from './profile.js';
export type { LabelEntry, LogEntry, SeedCount } from './ledger.js';

/** A running sandbox. */
export interface SandboxComfy {
  /** Base URL of the simulated ComfyUI, such as http://127.0.0.1:8188. */
  readonly url: string;
  /** Base URL of the admin server, where one was asked for. */
  readonly adminUrl?: string;
  /** Stops the worker, cuts all connections, removes temporary folders. */
  close(): Promise<void>;
}

/**
 * Starts a simulated ComfyUI in this process. It keeps queue and history in memory; pictures are files.
 *
 * @throws where the port is taken or a folder cannot be made.
 *
 * @example
 * const comfy = await startSandboxComfy({ secondsPerImage: 0.2, adminPort: 0 });
 * const { exec_info } = await (await fetch(`${comfy.url}/prompt`)).json(); // { queue_remaining: 0 }
 * await comfy.close();
 */
export async function startSandboxComfy(options: SandboxOptions = {}): Promise<SandboxComfy> {
  const host = options.host ?? '127.0.0.1';
  const paint = options.paint ?? painter;
  const prerendered = options.prerendered === true ? {} : options.prerendered;
  const faults = noFaults();
  applyFaults(faults, { ...options.fault });
  const folders = await Folders.open(options);
  const world: World = {
    folders,
    checkpoints: options.checkpoints ?? DEFAULT_CHECKPOINTS,
    metadata: options.metadata ?? true,
    paint,
    pool: prerendered ? await PicturePool.open(paint, prerendered) : undefined,
    ledger: new Ledger(options.logFile),
    profile: new Profile(options.profile ?? '0.33.0'),
    previewMethod: options.previewMethod ?? 'none',
    models: new Models(options.modelsHeld ?? 1, options.loadSeconds ?? 0),
    photos: new PhotoShelf(options.photosDir),
    faults,
    now: () => Date.now() + faults.clockSkewMs,
    secondsPerImage: options.secondsPerImage ?? 0,
    inputNames: [],
  };
  const sandbox = new Sandbox(world, { ...options, cache: options.cache ?? 'default' });
  const port = await sandbox.open({ port: options.port ?? 0, host });
  const admin = options.adminPort === undefined ? undefined : adminServer(sandbox);
  const adminPort = admin && (await listen(admin, { port: options.adminPort ?? 0, host }));
  return {
    url: `${options.tls ? 'https' : 'http'}://${host}:${port}`,
    ...(adminPort === undefined ? {} : { adminUrl: `http://${host}:${adminPort}` }),
    close: async () => {
      admin?.close();
      admin?.closeAllConnections();
      await sandbox.close();
      await folders.close();
    },
  };
}
