import sharp from 'sharp';
import { CullError, messageOf } from '../../errors.js';
import { nodeName } from '../../templates/check.js';
import { kindOf } from '../file-kinds.js';
import type { GenerationJob, OutputFile } from '../provider.js';
import type { Host } from './host.js';
import { isUnreachable } from './http.js';
import type { FileRef, Job } from './job.js';
import { backOff, patiently, pause, type PatienceOptions } from './patience.js';
import { candidatePrefixOf } from './prompt-id.js';

export interface Image {
  bytes: Uint8Array;
  format: string;
  width: number;
  height: number;
}

export interface Download {
  job: Job;
  of: Pick<GenerationJob, 'tenant' | 'request' | 'candidate' | 'graph' | 'output' | 'masks'>;
  promptId: string;
}

interface How {
  patience: PatienceOptions;
  signal: AbortSignal;
}

const RETRIES = 3;
/** What scorers and people's viewers take as it is. */
const KEPT_FORMATS = ['png', 'jpeg', 'webp'];

/**
 * What the declared output nodes made: the first image, fetched and proven whole by decoding it, and everything else as files; then the masks.
 *
 * Of an animation (WebP, GIF) or a format that few can show, the image is its first frame as PNG, and the original is a file.
 *
 * @throws CullError COMFY_OUTPUT_MISSING, COMFY_OUTPUT_NOT_AN_IMAGE, COMFY_UNREACHABLE; TEMPLATE_INVALID if there is something but no image
 */
export async function download(host: Host, from: Download, how: How): Promise<Image & { files: OutputFile[] }> {
  const { job, of } = from;
  const declared = of.output.flatMap((node) =>
    job.files.filter((file) => file.node === node && file.type === 'output'),
  );
  // Two nodes that save the same picture name one file.
  const made = [...new Map(declared.map((file) => [pathOf(file), file])).values()];
  const chosen = made.find(isImage);
  if (!chosen) throw noImage(host, from, made);
  for (const file of made) refuseForeign(host, from, file);
  const image = await fetchImage(host, { ref: chosen, promptId: from.promptId }, how);
  const files: OutputFile[] = [];
  for (const ref of made) {
    if (ref === chosen && image.original === undefined) continue;
    const bytes = ref === chosen ? image.original : await fetchFile(host, { ref, promptId: from.promptId }, how);
    if (bytes) files.push({ name: ref.filename, ...kindOf(ref.filename), bytes });
  }
  for (const node of of.output) {
    const text = job.texts[node]?.join('\n');
    const isSaved = made.some((file) => file.node === node && kindOf(file.filename).kind === 'text');
    if (text !== undefined && !isSaved)
      files.push({ name: `${node}.txt`, ...kindOf('.txt'), bytes: Buffer.from(text) });
  }
  for (const [mask, node] of Object.entries(of.masks ?? {})) {
    const ref = job.files.find((file) => file.node === node && file.type === 'output' && isImage(file));
    if (!ref) continue; // scorers say that there is none
    refuseForeign(host, from, ref);
    const { bytes } = await fetchImage(host, { ref, promptId: from.promptId }, how);
    files.push({ name: ref.filename, ...kindOf(ref.filename), bytes, mask });
  }
  const { bytes, format, width, height } = image;
  return { bytes, format, width, height, files };
}

/** By its name, or by the list it is in where the name tells nothing. */
const isImage = ({ filename, list }: FileRef): boolean => {
  const { kind } = kindOf(filename);
  return kind === 'image' || (kind === 'other' && list === 'images');
};

const pathOf = ({ subfolder, filename }: FileRef): string =>
  [subfolder.replaceAll('\\', '/'), filename].filter(Boolean).join('/');

function noImage(host: Host, { job, of, promptId }: Download, made: FileRef[]): CullError {
  const wanted = of.output.map((node) => nodeName(node, of.graph)).join(', ');
  if (made.length > 0) {
    const files = made.map((file) => file.filename).join(', ');
    return new CullError(
      'TEMPLATE_INVALID',
      `${wanted} saved ${files} but no image: candidates are scored by an image`,
      {
        hint: 'add a SaveImage of one frame or view to the graph, and name it as an output beside',
        details: { promptId },
      },
    );
  }
  const others = [...new Set(job.files.map((file) => nodeName(file.node, of.graph)))];
  return new CullError('COMFY_OUTPUT_MISSING', `ComfyUI at ${host.url} saved no image for ${wanted}`, {
    hint:
      others.length === 0
        ? 'the output must be a SaveImage node that is reached by the graph'
        : `images came from ${others.join(', ')}: name that node as output, and use SaveImage, not PreviewImage`,
    details: { promptId, outputs: job.outputs },
  });
}

/** A cached answer can name the file of another prompt, which may be another picture by now. */
function refuseForeign(host: Host, { of, promptId }: Download, file: FileRef): void {
  const path = pathOf(file);
  if (!path.startsWith('cull/') || path.startsWith(candidatePrefixOf(of))) return;
  throw new CullError('COMFY_OUTPUT_MISSING', `ComfyUI at ${host.url} names ${path}, a file of another prompt`, {
    hint: 'its cache is stale; it is drawn again under a new name',
    details: { promptId },
  });
}

/** `original`: the file as it was saved, where the image is only its first frame. */
async function fetchImage(
  host: Host,
  of: { ref: FileRef; promptId: string },
  how: How,
): Promise<Image & { original?: Uint8Array }> {
  for (let tries = 0; ; tries++) {
    try {
      const bytes = await fetchFile(host, of, how);
      return await checkImage(bytes, `${pathOf(of.ref)} from ComfyUI at ${host.url}`);
    } catch (error) {
      if (how.signal.aborted || isUnreachable(error) || tries === RETRIES) throw error;
      await pause(backOff(tries, 100, 1_000), how.signal);
    }
  }
}

async function fetchFile(
  host: Host,
  { ref, promptId }: { ref: FileRef; promptId: string },
  how: How,
): Promise<Uint8Array> {
  const bytes = await patiently(() => host.client.view(ref, { signal: how.signal }), {
    ...how.patience,
    signal: how.signal,
  });
  if (bytes) return bytes;
  const { filename, subfolder, type } = ref;
  throw new CullError(
    'COMFY_OUTPUT_MISSING',
    `${pathOf(ref)} is not in the output folder of ComfyUI at ${host.url} (404)`,
    {
      hint: 'something removes its output files before they are fetched; it is drawn again under a new name',
      details: { promptId, filename, subfolder, type },
    },
  );
}

/**
 * Decodes every pixel: a picture that was cut short has a good header.
 *
 * @throws CullError COMFY_OUTPUT_NOT_AN_IMAGE
 */
export async function checkImage(bytes: Uint8Array, what: string): Promise<Image & { original?: Uint8Array }> {
  try {
    const image = sharp(bytes, { failOn: 'error', sequentialRead: true });
    const { format, width, height, pages = 1 } = await image.metadata();
    if (pages === 1 && KEPT_FORMATS.includes(format)) {
      await image.raw().toBuffer();
      return { bytes, format, width, height };
    }
    const { data, info } = await image.png().toBuffer({ resolveWithObject: true });
    return { bytes: data, format: 'png', width: info.width, height: info.height, original: bytes };
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
