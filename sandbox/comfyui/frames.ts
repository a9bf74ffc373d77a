import type { Dict } from './graph.js';

/** Big-endian type of a binary frame. */
const PREVIEW_IMAGE = 1;
const TEXT = 3;
const PREVIEW_IMAGE_WITH_METADATA = 4;
/** Image formats of frames of type 1. */
const FORMATS = { jpeg: 1, png: 2 } as const;

/** An encoded picture on its way to a client. */
export interface Preview {
  readonly format: keyof typeof FORMATS;
  readonly bytes: Buffer;
}

function u32(...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  values.forEach((v, i) => out.writeUInt32BE(v, i * 4));
  return out;
}

/** `[1][format][image]`. */
export function pictureFrame({ format, bytes }: Preview): Buffer {
  return Buffer.concat([u32(PREVIEW_IMAGE, FORMATS[format]), bytes]);
}

/** `[4][length][JSON][image]`. */
export function pictureFrameWithMetadata({ format, bytes }: Preview, about: Dict): Buffer {
  const text = Buffer.from(JSON.stringify({ ...about, image_type: `image/${format}` }));
  return Buffer.concat([u32(PREVIEW_IMAGE_WITH_METADATA, text.length), text, bytes]);
}

/** `[3][length][node id][text]`. */
export function textFrame(nodeId: string, text: string): Buffer {
  const id = Buffer.from(nodeId);
  return Buffer.concat([u32(TEXT, id.length), id, Buffer.from(text)]);
}
