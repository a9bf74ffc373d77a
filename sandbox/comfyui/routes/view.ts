import { readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import sharp from 'sharp';
import { due, type Faults } from '../faults.js';
import { annotated, within } from '../folders.js';
import { empty, type Ask, type Reply, type Routes } from '../http.js';
import { assemblePng, encodePixels } from '../png.js';
import type { Profile } from '../profile.js';
import type { World } from '../world.js';

const TYPES: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain',
  '.csv': 'text/csv',
  '.md': 'text/markdown',
  '.json': 'application/json',
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'application/javascript',
  '.xml': 'text/xml',
  '.flac': 'audio/flac',
  '.mp3': 'audio/mpeg',
  '.wav': 'audio/x-wav',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.glb': 'model/gltf-binary',
};

/** Types that a browser would run or render: handed out as downloads. */
const ACTIVE = /html|javascript|css|svg|xml/;

interface Found {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly changedMs: number;
}

/** The file a request means, or the status that refuses it. */
function find(ask: Ask, world: World): Found | number {
  const given = ask.query.get('filename');
  if (given === null) return 404;
  const { name, type } = annotated(given);
  if (name === '' || name.startsWith('/') || name.includes('..')) return 400;
  const root = world.folders.path(type ?? ask.query.get('type') ?? 'output');
  if (root === undefined) return 400;
  const folder = join(root, ask.query.get('subfolder') ?? '');
  if (!within(root, folder)) return 403;
  const path = join(folder, basename(name));
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile()) return 404;
  return { path, name: basename(name), size: found.size, changedMs: Math.floor(found.mtimeMs) };
}

async function converted(found: Found, ask: Ask): Promise<Reply | undefined> {
  const headers = { 'Content-Disposition': `filename="${found.name}"` };
  const preview = ask.query.get('preview');
  const channel = ask.query.get('channel');
  if (preview !== null) {
    const [format = '', ...rest] = preview.split(';');
    const last = rest.at(-1) ?? format;
    const kind = format === 'jpeg' && !channel?.includes('a') ? 'jpeg' : 'webp';
    const quality = /^\d+$/.test(last) ? Math.min(100, Math.max(1, Number(last))) : 90;
    const body = await sharp(found.path).toFormat(kind, { quality }).toBuffer();
    return { status: 200, headers: { 'Content-Type': `image/${kind}`, ...headers }, body };
  }
  if (channel === 'rgb') {
    const { data, info } = await sharp(found.path)
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const pixels = await encodePixels({ width: info.width, height: info.height, data }, 4);
    return { status: 200, headers: { 'Content-Type': 'image/png', ...headers }, body: assemblePng(pixels, {}) };
  }
  if (channel === 'a') {
    const alpha = await sharp(found.path).ensureAlpha().extractChannel('alpha').toColourspace('b-w').toBuffer();
    const { width, height } = await sharp(found.path).metadata();
    const black = sharp({ create: { width, height, channels: 3, background: 'black' } });
    const body = await black.joinChannel(alpha).png().toBuffer();
    return { status: 200, headers: { 'Content-Type': 'image/png', ...headers }, body };
  }
  return undefined;
}

function range(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (!match) return undefined;
  const start = Number(match[1]);
  const end = Math.min(size - 1, match[2] === '' ? size - 1 : Number(match[2]));
  return start <= end ? { start, end } : undefined;
}

function raw(found: Found, { ask, profile }: { ask: Ask; profile: Profile }): Reply {
  const etag = `"${(found.changedMs * 1e6).toString(16)}-${found.size.toString(16)}"`;
  if (ask.headers['if-none-match'] === etag) return { status: 304, headers: { ETag: etag } };
  const bytes = readFileSync(found.path);
  const type = TYPES[extname(found.name).toLowerCase()] ?? 'application/octet-stream';
  // Before `safeViews` pages and styles only.
  const active = (profile.has('safeViews') ? ACTIVE : /html|css/).test(type);
  const attachment = active && profile.has('safeViews') ? 'attachment; ' : '';
  const noStore = { Vary: 'Sec-Fetch-Dest', 'Cache-Control': 'no-store' };
  const headers = {
    ...(profile.has('safeViews') ? { 'X-Content-Type-Options': 'nosniff' } : {}),
    ...(active && profile.has('noStoreViews') ? noStore : {}),
    'Content-Disposition': `${attachment}filename="${found.name.replace(/["\\]/g, '\\$&')}"`,
    'Content-Type': active ? 'application/octet-stream' : type,
    ETag: etag,
    'Last-Modified': new Date(found.changedMs).toUTCString(),
    'Accept-Ranges': 'bytes',
  };
  const part = range(ask.headers.range, bytes.length);
  if (!part) return { status: 200, headers, body: bytes };
  const contentRange = { 'Content-Range': `bytes ${part.start}-${part.end}/${bytes.length}` };
  return { status: 206, headers: { ...headers, ...contentRange }, body: bytes.subarray(part.start, part.end + 1) };
}

/** The download as the faults that were asked for leave it. */
function spoiled(reply: Reply, faults: Faults): Reply {
  if (reply.status !== 200 || !Buffer.isBuffer(reply.body)) return reply;
  if (due(faults, 'missingViews')) return empty(404);
  if (due(faults, 'textViews')) {
    return { status: 200, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: 'upstream is starting\n' };
  }
  if (due(faults, 'truncateViews')) return { ...reply, body: reply.body.subarray(0, reply.body.length >> 1) };
  if (due(faults, 'cutViews')) return { ...reply, cut: true };
  if (due(faults, 'slowViews')) return { ...reply, trickleMs: faults.slowViewMs };
  return reply;
}

/** Downloads. */
export function viewRoutes(world: World): Routes {
  return {
    'GET /view': async (ask) => {
      const found = find(ask, world);
      if (typeof found === 'number') return empty(found);
      return spoiled((await converted(found, ask)) ?? raw(found, { ask, profile: world.profile }), world.faults);
    },
  };
}
