import type { Faults } from './faults.js';
import type { Folders } from './folders.js';
import type { Ledger } from './ledger.js';
import type { Models } from './models.js';
import type { Paint, PreviewMethod } from './options.js';
import type { PicturePool } from './pool.js';
import type { Profile } from './profile.js';
import type { PhotoShelf } from './shelf.js';

/** What the nodes of one server share. */
export interface World {
  readonly folders: Folders;
  readonly checkpoints: readonly string[];
  readonly metadata: boolean;
  readonly paint: Paint;
  readonly pool: PicturePool | undefined;
  readonly ledger: Ledger;
  readonly profile: Profile;
  readonly previewMethod: PreviewMethod;
  readonly models: Models;
  /** What is known of the photos that image-to-image jobs come with. */
  readonly photos: PhotoShelf;
  readonly faults: Faults;
  /** The server's clock: Unix ms. */
  readonly now: () => number;
  /** Changes while the server runs, by the admin port. */
  secondsPerImage: number;
  /** Names in the input folder, as LoadImage offers them; refreshed when they are listed. */
  inputNames: readonly string[];
}
