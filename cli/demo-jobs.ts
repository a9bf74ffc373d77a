/** What `demo` draws: its template and inputs, and the models that its policy wants. */
import type { Config } from '../config.js';
import { CullError } from '../errors.js';
import { pullModels } from '../scorers/models/pull.js';
import { listModels } from '../scorers/models/store.js';
import { loadScorers } from '../scorers/registry.js';
import { dimensionsRead } from '../selection/dimensions.js';
import type { Policy } from '../selection/types.js';
import { photosFolder } from '../stack/index.js';
import { writeGarments, writePeople } from './demo-photos.js';
import type { Output } from './output.js';
import { createPullView } from './views/models.js';

export interface DemoJob {
  template: string;
  /** For people: "24 candidates of …". */
  about: string;
  /** Makes what the job needs and gives the template's inputs. */
  readonly inputs: (config: Config) => Promise<Record<string, string>>;
}

const MUG = 'product photo of a red mug on a white background';

export const DEMO_JOBS = {
  product: {
    template: 'examples/templates/product.json',
    about: `"${MUG}"`,
    inputs: () => Promise.resolve({ prompt: MUG }),
  },
  headshot: {
    template: 'examples/templates/headshot.json',
    about: 'a headshot from one photo',
    inputs: async (config) => {
      const [person] = await writePeople(photosFolder(config.dir));
      return { photo: person?.photo ?? '' };
    },
  },
  garment: {
    template: 'examples/templates/garment.json',
    about: 'a garment as it is worn',
    inputs: async (config) => {
      const [worn] = await writeGarments(photosFolder(config.dir));
      return { photo: worn?.photo ?? '', mask: worn?.mask ?? '', garment: worn?.garment ?? '' };
    },
  },
} as const satisfies Record<string, DemoJob>;

/**
 * Pulls the models that a policy's gates and ranks want and that are missing. Where that fails the demo goes on: those gates say what they
 * miss.
 */
export async function pullFor(policy: Policy, { config, output }: { config: Config; output: Output }): Promise<void> {
  const dimensions = new Set(dimensionsRead(policy));
  const scorers = (await loadScorers(config.scorers)).filter(({ spec }) =>
    Object.keys(spec.dimensions).some((dimension) => dimensions.has(dimension)),
  );
  const rows = await listModels(config.models, scorers);
  // the simulated ComfyUIs' pictures are read by the sandbox CLIP: 600 MB from the hub would say nothing about them
  const ids = rows.flatMap(({ id, scorers: by, state }) =>
    id !== 'clip' && by.length > 0 && state === 'missing' ? [id] : [],
  );
  if (ids.length === 0) return;
  output.note(`this policy measures with models that are missing: ${ids.join(', ')}; they are fetched now, once`);
  const onProgress = createPullView({ note: output.note, stream: process.stderr });
  try {
    await pullModels({ folder: config.models, ids, onProgress });
  } catch (error) {
    if (!(error instanceof CullError)) throw error;
    output.note(
      `${error.message}\nWithout them their gates cannot tell. To try again: comfy-cull models pull ${ids.join(' ')}`,
    );
  }
}
