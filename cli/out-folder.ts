/** `out/<request>/`: the winners, the manifest, the result and the contact sheet, for people to open. */
import { createWriteStream } from 'node:fs';
import { access, constants, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pLimit from 'p-limit';
import type { Cull } from '../client/cull.js';
import { CullError, messageOf } from '../errors.js';
import { candidateName, keys } from '../storage/keys.js';
import type { PlanDoc, ResultDoc } from '../workflows/contract.js';
import { contactSheet } from './views/contact-sheet.js';
import { makeThumbnail } from './views/thumbnail.js';

/** Thumbnails are small work on two cores; more at once only costs memory. */
const AT_ONCE = 4;

/** Refuses a folder that cannot be written before any GPU is used. @throws CullError STORAGE_UNWRITABLE */
export async function checkOut(out: string): Promise<void> {
  let folder = resolve(out);
  // The nearest folder that exists decides.
  for (;;) {
    try {
      await access(folder, constants.W_OK);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const parent = dirname(folder);
      if (code !== 'ENOENT' || parent === folder) throw unwritable(out, error);
      folder = parent;
    }
  }
}

async function copyOut(cull: Cull, key: string, path: string): Promise<void> {
  const object = await cull.storage.getStream(key);
  if (object) await pipeline(object.body, createWriteStream(path));
}

/**
 * Writes a finished request's folder and returns its path. What is there already is replaced, so it can be repeated.
 *
 * @throws CullError STORAGE_FULL or STORAGE_UNWRITABLE; the request itself is complete and `comfy-cull watch <id> --out` repeats this step
 */
export async function writeOut(cull: Cull, result: ResultDoc, out: string): Promise<string> {
  const { request } = result;
  const folder = resolve(out, request);
  const [records, asked] = await Promise.all([cull.records(request), cull.requestDoc(request)]);
  const planObject = await cull.storage.get(keys.plan(cull.tenant, request));
  const plan = planObject && (JSON.parse(planObject.body.toString('utf8')) as PlanDoc);
  const limit = pLimit(AT_ONCE);
  const thumbnails = new Map<number, string>();
  await Promise.all(
    records.map(({ candidate, image }) =>
      limit(async () => {
        const object = image && (await cull.storage.get(image.key));
        const thumbnail = object && (await makeThumbnail(object.body).catch(() => undefined));
        if (thumbnail) thumbnails.set(candidate, thumbnail);
      }),
    ),
  );
  const files = new Map(
    result.delivered.map(({ key, rank, candidate }) => [
      candidate,
      `${String(rank).padStart(2, '0')}-candidate-${candidateName(candidate)}${extname(key)}`,
    ]),
  );
  const html = contactSheet({
    links: files,
    result,
    records,
    thumbnails,
    policyName: plan?.policy.policy ?? '',
    prompt: plan?.prompt ?? asked.template,
  });
  try {
    await mkdir(folder, { recursive: true });
    for (const { key, candidate, files: others = [] } of result.delivered) {
      const name = files.get(candidate);
      if (name === undefined) continue;
      await copyOut(cull, key, join(folder, name));
      // `01-candidate-0007.png`, and beside it `01-candidate-0007.1.mp4`.
      for (const other of others) {
        const ending = basename(other.key).slice(candidateName(candidate).length);
        await copyOut(cull, other.key, join(folder, name.replace(/\.[^.]+$/, ending)));
      }
    }
    const manifest = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    await writeFile(join(folder, 'manifest.ndjson'), manifest);
    await writeFile(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
    await writeFile(join(folder, 'contact-sheet.html'), html);
  } catch (error) {
    throw unwritable(out, error, request);
  }
  return folder;
}

function unwritable(out: string, error: unknown, request?: string): CullError {
  const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
  const again =
    request === undefined ? '' : `; the request is complete: \`comfy-cull watch ${request} --out …\` writes it again`;
  return new CullError(full ? 'STORAGE_FULL' : 'STORAGE_UNWRITABLE', `cannot write to ${out}: ${messageOf(error)}`, {
    hint: `${full ? 'free some space' : 'choose another folder with --out'}${again}`,
  });
}
