/** /upload/image and /upload/mask: files into the folders of a ComfyUI, without holding them in memory. */
import { CullError } from '../../../errors.js';
import { fieldsOf, textOf } from '../fields.js';
import type { ImageRef } from '../job.js';
import { Multipart } from '../multipart.js';
import type { Server, With } from './server.js';
import { features } from './info.js';
import { isThere } from './view.js';

export type Upload = {
  /** A folder below the one of `type`; made if it is not there. @default '' */
  subfolder?: string;
  /** The file's name. Of its content's hash, so that nobody else's file has it: see `overwrite`. */
  name: string;
  /** @default input */
  type?: 'input' | 'temp' | 'output';
  /**
   * Replaces a file of that name. Otherwise ComfyUI leaves a file with the same bytes as it is, and takes another name,
   * `name (1)`, where the bytes differ. @default false
   */
  overwrite?: boolean;
} & (
  | { body: Uint8Array }
  /** Read once, from its beginning to its end; `size` in bytes has to be right. */
  | { body: AsyncIterable<Uint8Array>; size: number }
);

export type MaskUpload = Upload & {
  /** The picture whose colours the mask's transparency is put on: a file that this ComfyUI has. */
  original: ImageRef;
};

/** Smaller files are not worth a question. */
const ASK_FROM_BYTES = 4 * 1024 * 1024;

export async function uploadImage(to: Server, file: Upload, options: With): Promise<string> {
  return nameOf(await send(to, '/upload/image', { file, options }));
}

export async function uploadMask(to: Server, mask: MaskUpload, options: With): Promise<string> {
  const { filename, subfolder, type } = mask.original;
  const original_ref = JSON.stringify({ filename, subfolder, type });
  const stored = await send(to, '/upload/mask', { file: mask, options, more: { original_ref } });
  // ComfyUI answers 200 and a name even where it could not read the original and wrote nothing.
  if (await isThere(to, stored, options)) return nameOf(stored);
  const original = nameOf(mask.original);
  throw new CullError('COMFY_REFUSED', `ComfyUI at ${to.link.address.base} has no ${original} (${type}) to mask`, {
    hint: 'upload the original first, or name it as the history does: filename, subfolder, type',
    details: { original: mask.original },
  });
}

/** What LoadImage takes. */
const nameOf = ({ subfolder, filename }: ImageRef): string => [subfolder, filename].filter(Boolean).join('/');

async function send(
  to: Server,
  path: string,
  what: { file: Upload; options: With; more?: Record<string, string> },
): Promise<ImageRef> {
  const { file, options } = what;
  const { name, subfolder = '', type = 'input', overwrite = false } = file;
  const size = 'size' in file ? file.size : file.body.length;
  const fields = { subfolder, type, ...(overwrite ? { overwrite: 'true' } : {}), ...what.more };
  const form = new Multipart(fields, { name, size, body: file.body });
  try {
    if (size >= ASK_FROM_BYTES) await checkSize(to, { name, size }, options);
    const { signal, timeoutMs: idleMs = to.timeouts.uploadMs } = options;
    const answer = await to.ask(path, { method: 'POST', body: form.body, idleMs, signal });
    const said = fieldsOf(answer.json);
    const stored = textOf(said.name);
    if (answer.status === 200 && stored !== undefined) {
      return { filename: stored, subfolder: textOf(said.subfolder) ?? '', type: textOf(said.type) ?? type };
    }
    throw answer.status === 413 ? tooLarge(to, { name, size }) : to.unexpected(path, answer);
  } catch (error) {
    // What went wrong with the file itself is not the fault of ComfyUI.
    throw form.failure ?? error;
  } finally {
    await form.close();
  }
}

/** Before 100 MB are sent for nothing: servers tend to hang up on a body that is too large, and the answer is lost. */
async function checkSize(to: Server, file: { name: string; size: number }, options: With): Promise<void> {
  if (to.known.maxUploadBytes === undefined) await features(to, { signal: options.signal });
  const most = to.known.maxUploadBytes;
  if (typeof most === 'number' && file.size > most) throw tooLarge(to, file);
}

function tooLarge(to: Server, { name, size }: { name: string; size: number }): CullError {
  const { base } = to.link.address;
  const megabytes = (size / 1e6).toFixed(1);
  return new CullError('COMFY_REFUSED', `${name} (${megabytes} MB) is too large for ComfyUI at ${base}`, {
    hint: 'raise --max-upload-size of ComfyUI, or the body limit of the proxy before it',
    details: { size },
  });
}
