/** `out/<request>/`: the winners, the manifest, the result and the contact sheet, for people to open. */
import { access, constants, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import pLimit from 'p-limit';
import type { Cull } from '../client/cull.js';
import { CullError, messageOf } from '../errors.js';
import { candidateName, keys } from '../storage/keys.js';
import type { PlanDoc, ResultDoc } from '../workflows/contract.js';
import { contactSheet } from './views/contact-sheet.js';
import { makeThumbnail } from './views/thumbnail.js';
import { copyOut, syncWinners, winnerName } from './winners-folder.js';

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
  const files = new Map(result.delivered.map((winner) => [winner.candidate, winnerName(winner)]));
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
    for (const winner of result.delivered) await copyOut(cull.storage, winner.key, join(folder, winnerName(winner)));
    // `01-candidate-0007.png`, and beside it `01-candidate-0007.1.mp4`.
    const others = result.delivered.flatMap((winner) =>
      (winner.files ?? []).map(({ key }) => {
        const ending = basename(key).slice(candidateName(winner.candidate).length);
        return { key, name: winnerName(winner).replace(/\.[^.]+$/, ending) };
      }),
    );
    for (const { key, name } of others) await copyOut(cull.storage, key, join(folder, name));
    await syncWinners(cull.storage, folder, result.delivered, { beside: others.map(({ name }) => name) });
    const manifest = records.map((record) => `${JSON.stringify(record)}\n`).join('');
    await writeFile(join(folder, 'manifest.ndjson'), manifest);
    await writeFile(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
    await writeFile(join(folder, 'contact-sheet.html'), html);
  } catch (error) {
    throw unwritable(out, error, `; the request is complete: \`comfy-cull watch ${request} --out …\` writes it again`);
  }
  return folder;
}

/** @param after what else there is to say: what became of the request */
export function unwritable(out: string, error: unknown, after = ''): CullError {
  const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
  return new CullError(full ? 'STORAGE_FULL' : 'STORAGE_UNWRITABLE', `cannot write to ${out}: ${messageOf(error)}`, {
    hint: `${full ? 'free some space' : 'choose another folder with --out'}${after}`,
  });
}
