import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { extname, join, normalize, resolve } from 'node:path';
import sharp from 'sharp';
import { annotated, within, type Folders } from '../folders.js';
import { parseMultipart, type Part } from '../multipart.js';
import { withTextsOf } from '../png.js';
import { dict, empty, json, type Ask, type Reply, type Routes } from '../http.js';

/** Writes the uploaded bytes, or what is made of them, to a path. */
type Save = (path: string, bytes: Buffer, form: Form) => Promise<void>;
type Form = readonly Part[];

function field(form: Form, name: string): string | undefined {
  const part = form.find((p) => p.name === name && p.filename === undefined);
  return part?.bytes.toString('utf8');
}

async function upload(ask: Ask, { folders, save }: { folders: Folders; save: Save }): Promise<Reply> {
  const type = ask.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) return empty(400);
  const form = parseMultipart(type, ask.body);
  const folderType = field(form, 'type') ?? 'input';
  const root = folders.path(folderType);
  if (root === undefined) throw new TypeError(`unknown type ${folderType}`);
  const image = form.find((part) => part.name === 'image');
  if (!image) return empty(400);
  const { filename, bytes } = image;
  if (filename === undefined || filename === '') throw new TypeError('image is not a file');

  const subfolder = field(form, 'subfolder') ?? '';
  const folder = resolve(root, normalize(subfolder));
  if (!within(root, folder) || !within(root, resolve(folder, filename))) return empty(400);
  await mkdir(folder, { recursive: true });
  const overwrite = ['true', '1'].includes(field(form, 'overwrite') ?? '');
  const extension = extname(filename);
  const stem = filename.slice(0, filename.length - extension.length);
  let name = filename;
  for (let i = 1; !overwrite && existsSync(join(folder, name)); i++) {
    if ((await readFile(join(folder, name))).equals(bytes)) return json({ name, subfolder, type: folderType });
    name = `${stem} (${i})${extension}`;
  }
  await save(join(folder, name), bytes, form);
  return json({ name, subfolder, type: folderType });
}

/** Puts the mask's alpha on the picture that original_ref names. An original that is missing is passed over in silence, as on the real server. */
function saveMask(folders: Folders): Save {
  return async (path, bytes, form) => {
    const original = dict(JSON.parse(field(form, 'original_ref') ?? 'null') as unknown);
    const { name, type } = annotated(String(original.filename));
    const root = folders.path(type ?? (typeof original.type === 'string' ? original.type : 'output'));
    if (root === undefined || name.startsWith('/') || name.includes('..')) return;
    const source = join(root, typeof original.subfolder === 'string' ? original.subfolder : '', name);
    const found = await stat(source).catch(() => undefined);
    if (!within(root, source) || !found?.isFile()) return;
    const alpha = await sharp(bytes).ensureAlpha().extractChannel('alpha').toColourspace('b-w').png().toBuffer();
    const colours = await sharp(source).toColourspace('srgb').removeAlpha().png().toBuffer();
    const masked = await sharp(colours).joinChannel(alpha).png().toBuffer();
    await writeFile(path, withTextsOf(masked, await readFile(source)));
  };
}

/** Files from clients, into the input folder. */
export function uploadRoutes(folders: Folders): Routes {
  const mask = saveMask(folders);
  return {
    'POST /upload/image': (ask) => upload(ask, { folders, save: (path, bytes) => writeFile(path, bytes) }),
    'POST /upload/mask': (ask) => upload(ask, { folders, save: mask }),
  };
}
