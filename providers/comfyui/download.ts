import sharp from 'sharp';
import { CullError, messageOf } from '../../errors.js';
import { nodeName } from '../../templates/check.js';
import type { Graph } from '../../templates/types.js';
import type { Host } from './host.js';
import { isUnreachable } from './http.js';
import type { ImageRef, Job } from './job.js';
import { backOff, patiently, pause, type PatienceOptions } from './patience.js';

export interface Image {
  bytes: Uint8Array;
  format: string;
  width: number;
  height: number;
}

const RETRIES = 3;

/**
 * The candidate's image: the first one that a declared output node saved, fetched and proven whole by decoding it.
 *
 * @throws CullError COMFY_OUTPUT_MISSING, COMFY_OUTPUT_NOT_AN_IMAGE, COMFY_UNREACHABLE
 */
export async function download(
  host: Host,
  from: { job: Job; output: readonly string[]; graph: Graph; promptId: string },
  how: { patience: PatienceOptions; signal: AbortSignal },
): Promise<Image> {
  const ref = pickImage(from, host);
  const name = [ref.subfolder, ref.filename].filter(Boolean).join('/');
  for (let tries = 0; ; tries++) {
    try {
      const bytes = await patiently(() => host.client.view(ref, { signal: how.signal }), {
        ...how.patience,
        signal: how.signal,
      });
      if (!bytes) {
        throw new CullError(
          'COMFY_OUTPUT_MISSING',
          `${name} is not in the output folder of ComfyUI at ${host.url} (404)`,
          {
            hint: 'something removes its output files before they are fetched; it is drawn again under a new name',
            details: { promptId: from.promptId, ...ref },
          },
        );
      }
      return await checkImage(bytes, `${name} from ComfyUI at ${host.url}`);
    } catch (error) {
      if (how.signal.aborted || isUnreachable(error) || tries === RETRIES) throw error;
      await pause(backOff(tries, 100, 1_000), how.signal);
    }
  }
}

function pickImage(
  from: { job: Job; output: readonly string[]; graph: Graph; promptId: string },
  host: Host,
): ImageRef {
  for (const node of from.output) {
    const kept = (from.job.outputs[node] ?? []).find((image) => image.type === 'output');
    if (kept) return kept;
  }
  const others = Object.entries(from.job.outputs)
    .filter(([, images]) => images.length > 0)
    .map(([node]) => nodeName(node, from.graph));
  const wanted = from.output.map((node) => nodeName(node, from.graph)).join(', ');
  throw new CullError('COMFY_OUTPUT_MISSING', `ComfyUI at ${host.url} saved no image for ${wanted}`, {
    hint:
      others.length === 0
        ? 'the output must be a SaveImage node that is reached by the graph'
        : `images came from ${others.join(', ')}: name that node as output, and use SaveImage, not PreviewImage`,
    details: { promptId: from.promptId, outputs: from.job.outputs },
  });
}

/**
 * Decodes every pixel: a picture that was cut short has a good header.
 *
 * @throws CullError COMFY_OUTPUT_NOT_AN_IMAGE
 */
export async function checkImage(bytes: Uint8Array, what: string): Promise<Image> {
  try {
    const image = sharp(bytes, { failOn: 'error', sequentialRead: true });
    const { format, width, height } = await image.metadata();
    await image.raw().toBuffer();
    return { bytes, format, width, height };
  } catch (error) {
    const text = Buffer.from(bytes.subarray(0, 60)).toString('latin1');
    const looks =
      bytes.length === 0 ? 'it is empty' : /^\s*[<{[]/.test(text) ? `it begins with ${JSON.stringify(text)}` : '';
    throw new CullError(
      'COMFY_OUTPUT_NOT_AN_IMAGE',
      `${what} (${bytes.length} bytes) is truncated or not an image: ${looks || (messageOf(error).split('\n')[0] ?? '')}`,
      { hint: 'look at the disk of that ComfyUI, and at proxies in between', cause: error },
    );
  }
}
