/** The pictures that a thread compares others with. */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { decodeFrame, type Frame } from '../../scorers/frame.js';
import type { Models } from '../../scorers/models/models.js';

/** Frames kept per thread, and the bytes of their pixels. */
const KEPT = { max: 8, maxSize: 128 * 1024 * 1024 } as const;

/** Undefined: cannot be decoded. */
type Known = { frame: Frame | undefined };

/**
 * Decodes reference photos. One that came before is the same Frame with all that was derived from it (faces, embeddings): the candidates
 * of a request share their photos. A frame is a pure function of its bytes, so what is kept changes no score.
 */
export function createReferenceReader(models: Models): {
  /** In the given order, without those that cannot be decoded. */
  all(files: readonly Uint8Array[]): Promise<Frame[]>;
  byName(files: Readonly<Record<string, Uint8Array>>): Promise<Record<string, Frame>>;
} {
  const kept = new LRUCache<string, Known>({
    ...KEPT,
    sizeCalculation: ({ frame }) => 1 + (frame === undefined ? 0 : frame.rgb.length + frame.working.rgb.length),
  });
  const frameOf = async (bytes: Uint8Array): Promise<Frame | undefined> => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const known = kept.get(sha256);
    if (known) return known.frame;
    const decoded = await decodeFrame(bytes, { models });
    const frame = decoded.ok ? decoded.frame : undefined;
    kept.set(sha256, { frame });
    return frame;
  };
  return {
    async all(files) {
      const frames: Frame[] = [];
      for (const bytes of files) {
        const frame = await frameOf(bytes);
        if (frame) frames.push(frame);
      }
      return frames;
    },
    byName: (files) => decodeEach(files, frameOf),
  };
}

/** Masks belong to one candidate: they are decoded and not kept. */
export const decodeMasks = (files: Readonly<Record<string, Uint8Array>>): Promise<Record<string, Frame>> =>
  decodeEach(files, async (bytes) => {
    const decoded = await decodeFrame(bytes);
    return decoded.ok ? decoded.frame : undefined;
  });

async function decodeEach(
  files: Readonly<Record<string, Uint8Array>>,
  decode: (bytes: Uint8Array) => Promise<Frame | undefined>,
): Promise<Record<string, Frame>> {
  const frames: Record<string, Frame> = {};
  for (const [name, bytes] of Object.entries(files)) {
    const frame = await decode(bytes);
    if (frame) frames[name] = frame;
  }
  return frames;
}
