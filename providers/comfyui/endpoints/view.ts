/** /view: the files of a ComfyUI. */
import type { Readable } from 'node:stream';
import { exchangeBytes, exchangeStream } from '../http.js';
import type { ImageRef } from '../job.js';
import { queryOf, type Server, type With } from './server.js';

export interface ViewOptions extends With {
  /** Encoded anew, smaller; of images only. `quality` from 1 to 100. @default as it was saved */
  preview?: { format: 'webp' | 'jpeg'; quality?: number };
  /** `rgb`: a PNG without transparency and without metadata; `a`: the transparency alone. Of images only. @default as it was saved */
  channel?: 'rgb' | 'a';
}

/** A file on its way. */
export interface ViewStream {
  /** Read it to its end or destroy it. It fails with COMFY_UNREACHABLE if it is cut off. */
  stream: Readable;
  /** Bytes; null where ComfyUI does not say. */
  size: number | null;
  /** E.g. `image/png`; empty where ComfyUI does not say. */
  contentType: string;
}

export async function view(
  to: Server,
  ref: ImageRef,
  options: ViewOptions,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const path = pathOf(ref, options);
  const { signal, timeoutMs = to.timeouts.downloadMs } = options;
  const { status, body } = await exchangeBytes(to.link, path, { signal, timeoutMs });
  if (status === 200) return body;
  if (status === 404) return undefined;
  throw to.unexpected(path, { status, text: Buffer.from(body).toString('utf8') });
}

export async function viewStream(to: Server, ref: ImageRef, options: ViewOptions): Promise<ViewStream | undefined> {
  const path = pathOf(ref, options);
  const { signal, timeoutMs: idleMs = to.timeouts.downloadMs } = options;
  const { status, headers, body } = await exchangeStream(to.link, path, { signal, idleMs });
  if (status === 200) {
    const { 'content-length': length, 'content-type': type } = headers;
    const size = typeof length === 'string' ? Number(length) : null;
    return { stream: body, size, contentType: typeof type === 'string' ? type : '' };
  }
  body.destroy();
  if (status === 404) return undefined;
  throw to.unexpected(path, { status, text: '' });
}

/** Whether the file is there, without fetching it. */
export async function isThere(to: Server, ref: ImageRef, options: With): Promise<boolean> {
  const path = pathOf(ref, {});
  const answer = await to.ask(path, { method: 'HEAD', ...options });
  if (answer.status === 200) return true;
  if (answer.status === 404) return false;
  throw to.unexpected(path, answer);
}

function pathOf({ filename, subfolder, type }: ImageRef, { preview, channel }: ViewOptions): string {
  const quality = preview?.quality === undefined ? '' : `;${preview.quality}`;
  const shown = preview === undefined ? undefined : `${preview.format}${quality}`;
  return `/view${queryOf({ filename, subfolder, type, preview: shown, channel })}`;
}
