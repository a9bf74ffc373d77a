/** What a file is, by its name. */
import type { FileKind } from './provider.js';

const KINDS: Record<string, [FileKind, contentType: string]> = {
  png: ['image', 'image/png'],
  jpg: ['image', 'image/jpeg'],
  jpeg: ['image', 'image/jpeg'],
  webp: ['image', 'image/webp'],
  gif: ['image', 'image/gif'],
  avif: ['image', 'image/avif'],
  tiff: ['image', 'image/tiff'],
  bmp: ['image', 'image/bmp'],
  exr: ['other', 'image/x-exr'],
  svg: ['other', 'image/svg+xml'],
  mp4: ['video', 'video/mp4'],
  webm: ['video', 'video/webm'],
  mkv: ['video', 'video/x-matroska'],
  mov: ['video', 'video/quicktime'],
  avi: ['video', 'video/x-msvideo'],
  flac: ['audio', 'audio/flac'],
  mp3: ['audio', 'audio/mpeg'],
  wav: ['audio', 'audio/wav'],
  opus: ['audio', 'audio/ogg'],
  ogg: ['audio', 'audio/ogg'],
  m4a: ['audio', 'audio/mp4'],
  txt: ['text', 'text/plain; charset=utf-8'],
  json: ['text', 'application/json'],
  csv: ['text', 'text/csv'],
  glb: ['model3d', 'model/gltf-binary'],
  gltf: ['model3d', 'model/gltf+json'],
  obj: ['model3d', 'model/obj'],
  stl: ['model3d', 'model/stl'],
  ply: ['model3d', 'application/octet-stream'],
  fbx: ['model3d', 'application/octet-stream'],
  usdz: ['model3d', 'model/vnd.usdz+zip'],
};

/** The extension without its dot, in small letters; empty where there is none. */
export const extensionOf = (name: string): string => /\.([A-Za-z0-9]{1,8})$/.exec(name)?.[1]?.toLowerCase() ?? '';

/**
 * @example
 * kindOf('cull_00001_.mp4'); // { kind: 'video', contentType: 'video/mp4' }
 */
export function kindOf(name: string): { kind: FileKind; contentType: string } {
  const extension = extensionOf(name);
  const [kind, contentType] = (Object.hasOwn(KINDS, extension) ? KINDS[extension] : undefined) ?? [
    'other',
    'application/octet-stream',
  ];
  return { kind, contentType };
}
