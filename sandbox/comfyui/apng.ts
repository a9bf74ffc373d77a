import { SIGNATURE, chunk, type EncodedPixels } from './png.js';

function u32(...values: number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  values.forEach((v, i) => out.writeUInt32BE(v, i * 4));
  return out;
}

/** An animated PNG that repeats for ever; all frames have the size of the first. `delayMs` is a whole number up to 65,535. */
export function assembleApng(frames: readonly EncodedPixels[], delayMs: number): Buffer {
  const [first] = frames;
  if (!first) throw new RangeError('An animation needs a frame.');
  const { width, height } = first;
  const parts = [
    SIGNATURE,
    chunk('IHDR', Buffer.concat([u32(width, height), Buffer.from([8, 2, 0, 0, 0])])),
    chunk('acTL', u32(frames.length, 0)),
  ];
  let sequence = 0;
  const timing = Buffer.alloc(6);
  timing.writeUInt16BE(delayMs, 0);
  timing.writeUInt16BE(1000, 2);
  frames.forEach((frame, i) => {
    parts.push(chunk('fcTL', Buffer.concat([u32(sequence++, width, height, 0, 0), timing])));
    for (const idat of frame.chunks) {
      parts.push(i === 0 ? idat : chunk('fdAT', Buffer.concat([u32(sequence++), idat.subarray(8, -4)])));
    }
  });
  return Buffer.concat([...parts, chunk('IEND', Buffer.alloc(0))]);
}
