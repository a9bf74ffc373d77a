/** Embeddings as they are stored: float32, little-endian, whatever this machine is. */
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';

export function float32(values: Float32Array): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => bytes.setFloat32(4 * i, value, true));
  return new Uint8Array(bytes.buffer);
}

export function fromFloat32(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: Math.floor(bytes.byteLength / 4) }, (_, i) => view.getFloat32(4 * i, true));
}

/** A candidate's embedding; undefined where it has none. */
export async function readEmbedding(
  storage: Storage,
  { tenant, request, candidate }: { tenant: string; request: string; candidate: number },
): Promise<Float32Array | undefined> {
  const stored = await storage.get(keys.embedding(tenant, request, candidate));
  return stored && fromFloat32(stored.body);
}
