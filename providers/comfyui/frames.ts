import { isRecord, nameOf, optional, textOf } from './fields.js';
import { parseLoose } from './http.js';
import type { UnknownMessage } from './messages.js';

/** Everything that ComfyUI says over its websocket in binary. */
export type ComfyFrame = PreviewFrame | UnencodedPreviewFrame | TextFrame | UnknownMessage;

/**
 * A picture on its way: a sampler's preview, or what SaveImageWebsocket sends (full size, and nowhere else to be had).
 *
 * Frames of type 4 say which node of which prompt it is. Those of type 1 (servers before 0.3.45) do not; the connection fills
 * in what runs.
 */
export interface PreviewFrame {
  type: 'preview';
  promptId?: string;
  node?: string;
  /** The node of the graph that stands for it. */
  displayNode?: string;
  parentNode?: string;
  realNode?: string;
  format: 'jpeg' | 'png';
  /** The encoded image: a view into the frame, not a copy. */
  image: Uint8Array;
}

/** Type 2: ComfyUI's own, inside its process; never seen on the wire. */
export interface UnencodedPreviewFrame {
  type: 'unencoded_preview';
  bytes: Uint8Array;
}

/** Type 3: text of a node. Sent to everybody and without a prompt; the connection fills in what runs. */
export interface TextFrame {
  type: 'text';
  promptId?: string;
  node: string;
  text: string;
}

/** By the number in type 1, and by the name in type 4. */
const FORMATS = new Map<unknown, PreviewFrame['format']>([
  [1, 'jpeg'],
  [2, 'png'],
  ['image/jpeg', 'jpeg'],
  ['image/png', 'png'],
]);

/**
 * Reads one binary frame of the websocket; never throws. A frame that ends too early, or names a format or a type that we do
 * not know, is `unknown`, with its bytes. The image is not decoded.
 *
 * @example
 * parseFrame(bytes); // { type: 'preview', promptId: 'ab...', node: '3', format: 'jpeg', image: Uint8Array }
 */
export function parseFrame(bytes: Uint8Array): ComfyFrame {
  return read(bytes) ?? { type: 'unknown', data: bytes };
}

/** All numbers are unsigned, 32 bits, big-endian; the first is the type. */
function read(bytes: Uint8Array): ComfyFrame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) return undefined;
  const type = view.getUint32(0);
  if (type === 2) return { type: 'unencoded_preview', bytes: bytes.subarray(4) };
  if (bytes.length < 8) return undefined;
  const second = view.getUint32(4);
  const rest = bytes.subarray(8);
  if (type === 1) {
    const format = FORMATS.get(second);
    return format && rest.length > 0 ? { type: 'preview', format, image: rest } : undefined;
  }
  // Types 3 and 4 begin with a text of `second` bytes.
  if ((type !== 3 && type !== 4) || second > rest.length) return undefined;
  const head = Buffer.from(rest.buffer, rest.byteOffset, second).toString('utf8');
  const tail = rest.subarray(second);
  if (type === 3) return { type: 'text', node: head, text: Buffer.from(tail).toString('utf8') };
  const about = parseLoose(head);
  const format = isRecord(about) ? FORMATS.get(textOf(about.image_type)) : undefined;
  if (!isRecord(about) || !format || tail.length === 0) return undefined;
  return {
    type: 'preview',
    ...optional('promptId', textOf(about.prompt_id)),
    ...optional('node', nameOf(about.node_id)),
    ...optional('displayNode', nameOf(about.display_node_id)),
    ...optional('parentNode', nameOf(about.parent_node_id)),
    ...optional('realNode', nameOf(about.real_node_id)),
    format,
    image: tail,
  };
}
