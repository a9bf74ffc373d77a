/** Files that begin as their kind does and hold nothing more: enough to be told apart, not to be played. */

function u32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

function box(type: string, body: Buffer): Buffer {
  return Buffer.concat([u32(body.length + 8), Buffer.from(type, 'latin1'), body]);
}

/** MP4: the file type box and media data that says what it stands for. */
export function mp4(about: string): Buffer {
  const brands = Buffer.concat([Buffer.from('isom'), u32(512), Buffer.from('isomiso2avc1mp41')]);
  return Buffer.concat([box('ftyp', brands), box('mdat', Buffer.from(about))]);
}

/** WebM: an EBML header with the document type, then a void element. */
export function webm(about: string): Buffer {
  const docType = Buffer.concat([Buffer.from([0x42, 0x82, 0x84]), Buffer.from('webm')]);
  const text = Buffer.from(about.slice(0, 100));
  const filler = Buffer.concat([Buffer.from([0xec, 0x80 | text.length]), text]);
  return Buffer.concat([Buffer.from([0x1a, 0x45, 0xdf, 0xa3, 0x80 | docType.length]), docType, filler]);
}

/** FLAC: the mark and a STREAMINFO block (sample rate, channels, 16 bits), without frames. */
export function flac({ sampleRate, channels }: { sampleRate: number; channels: number }): Buffer {
  const info = Buffer.alloc(34);
  info.writeUInt16BE(4096, 0);
  info.writeUInt16BE(4096, 2);
  info.writeUInt32BE(((sampleRate << 12) | ((channels - 1) << 9) | (15 << 4)) >>> 0, 10);
  return Buffer.concat([Buffer.from('fLaC'), Buffer.from([0x80, 0, 0, info.length]), info]);
}

/** MP3: one silent frame of MPEG 1 layer III, 128 kbit/s, 44.1 kHz. */
export function mp3(): Buffer {
  const frame = Buffer.alloc(417);
  frame.set([0xff, 0xfb, 0x90, 0x00]);
  return frame;
}

/** GLB: a glTF 2.0 document without a scene. */
export function glb(about: string): Buffer {
  const text = JSON.stringify({ asset: { version: '2.0', generator: about } });
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 4) * 4));
  const head = Buffer.alloc(20);
  head.write('glTF', 0, 'latin1');
  head.writeUInt32LE(2, 4);
  head.writeUInt32LE(head.length + json.length, 8);
  head.writeUInt32LE(json.length, 12);
  head.write('JSON', 16, 'latin1');
  return Buffer.concat([head, json]);
}
