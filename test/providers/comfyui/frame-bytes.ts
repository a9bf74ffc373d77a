/** Binary frames as ComfyUI writes them: numbers are unsigned, 32 bits, big-endian. */

export const u32 = (...numbers: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, i) => bytes.writeUInt32BE(number, 4 * i));
  return bytes;
};

const withHead = (type: number, head: string, tail: Uint8Array): Buffer =>
  Buffer.concat([u32(type, Buffer.byteLength(head)), Buffer.from(head), tail]);

/** Type 1: a picture of nobody knows what; format 1 is JPEG, 2 is PNG. */
export const plainPreview = (format: number, image: Uint8Array): Buffer => Buffer.concat([u32(1, format), image]);

/** Type 3. */
export const textFrame = (node: string, text: string): Buffer => withHead(3, node, Buffer.from(text));

/** Type 4. */
export const preview = (about: object, image: Uint8Array): Buffer => withHead(4, JSON.stringify(about), image);
