/** One part of a multipart/form-data body. Parts without a file name are plain fields. */
export interface Part {
  readonly name: string;
  readonly filename: string | undefined;
  readonly bytes: Buffer;
}

function parameter(header: string, name: string): string | undefined {
  const match = new RegExp(`[;\\s]${name}="((?:[^"\\\\]|\\\\.)*)"|[;\\s]${name}=([^;\\s]+)`, 'i').exec(header);
  return match ? (match[1]?.replace(/\\(.)/g, '$1') ?? match[2]) : undefined;
}

/** Splits a body at its boundary (RFC 7578). The sandbox takes only what well-behaved clients send. */
export function parseMultipart(contentType: string, body: Buffer): Part[] {
  const boundary = parameter(contentType, 'boundary');
  if (boundary === undefined) throw new TypeError('multipart/form-data without a boundary');
  const parts: Part[] = [];
  const mark = Buffer.from(`--${boundary}`);
  let start = body.indexOf(mark);
  while (start >= 0) {
    const end = body.indexOf(Buffer.concat([Buffer.from('\r\n'), mark]), start + mark.length);
    if (end < 0) break;
    const part = body.subarray(start + mark.length + 2, end);
    const split = part.indexOf('\r\n\r\n');
    const headers = part.subarray(0, split).toString('utf8');
    const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1] ?? '';
    const name = parameter(disposition, 'name');
    if (split >= 0 && name !== undefined) {
      parts.push({ name, filename: parameter(disposition, 'filename'), bytes: part.subarray(split + 4) });
    }
    start = end + 2;
  }
  return parts;
}
