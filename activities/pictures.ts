/** What a candidate brought, in storage: its image, the files beside it, and the record that names them. */
import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { CullError } from '../errors.js';
import { extensionOf, kindOf } from '../providers/file-kinds.js';
import type { Generation, InputFile } from '../providers/provider.js';
import { keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { CandidateFile, CandidateRecord, PlanDoc } from '../workflows/contract.js';
import { withoutPrompt } from './picture-metadata.js';
import { emptyRecord, readRecord, writeRecord, type CandidateRef } from './documents.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/**
 * Pictures without what ComfyUI writes into them (`keepMetadata`: with it). Everything beside the image first, then the image, then the record: who sees one finds what it promises. The same generation stored twice
 * gives the same objects.
 *
 * @returns the image's key
 */
export async function storeGeneration(
  storage: Storage,
  done: {
    ref: CandidateRef;
    seed: number;
    group?: string | undefined;
    generation: Generation;
    usdPerHour: number | undefined;
    keepMetadata?: boolean | undefined;
  },
): Promise<string> {
  const { ref, seed, group, generation, usdPerHour, keepMetadata = false } = done;
  const { format, width, height, host, promptId, timing } = generation;
  const cleaned = (picture: Uint8Array): Uint8Array => (keepMetadata ? picture : withoutPrompt(Buffer.from(picture)));
  const bytes = cleaned(generation.bytes);
  const files: CandidateFile[] = [];
  for (const file of generation.files) {
    const { mask } = file;
    const extension = extensionOf(file.name) || 'bin';
    const key = keys.file(ref.tenant, ref.request, ref.candidate, { n: files.length + 1, mask, extension });
    const { kind, contentType } = file;
    const content = kind === 'image' ? cleaned(file.bytes) : file.bytes;
    await storage.put(key, content, { contentType });
    const about = { key, kind, contentType, bytes: content.length, sha256: sha256(content) };
    files.push(mask === undefined ? about : { ...about, mask });
  }
  const key = keys.image(ref.tenant, ref.request, ref.candidate, format === 'jpeg' ? 'jpg' : format);
  await storage.put(key, bytes, { contentType: `image/${format}` });
  const record: CandidateRecord = {
    ...emptyRecord(ref.candidate, seed, 'drawn', group),
    host,
    promptId,
    image: { key, sha256: sha256(bytes), pixelSha256: null, width, height },
    timing: { queuedMs: timing.queuedMs, drawMs: timing.drawMs, scoreMs: null },
    cost: costOf(timing.drawMs, usdPerHour),
    ...(files.length > 0 ? { files } : {}),
  };
  await writeRecord(storage, ref, record);
  return key;
}

/** microUsd = seconds * USD/h / 3600 * 1e6 */
const costOf = (drawMs: number, usdPerHour: number | undefined): CandidateRecord['cost'] =>
  usdPerHour === undefined ? null : { microUsd: Math.round((drawMs * usdPerHour) / 3.6) };

/**
 * Records a candidate that was given up while it waited or ran, with the time that its ComfyUI spent on it. One whose picture is already there
 * keeps its record.
 */
export async function storeCancelled(
  storage: Storage,
  given: {
    ref: CandidateRef;
    seed: number;
    group?: string | undefined;
    handle: { host: string; promptId: string } | undefined;
    drawMs: number;
    usdPerHour: number | undefined;
  },
): Promise<void> {
  const { ref, seed, group, handle, drawMs, usdPerHour } = given;
  if (await readRecord(storage, ref)) return;
  await writeRecord(storage, ref, {
    ...emptyRecord(ref.candidate, seed, 'cancelled', group),
    host: handle?.host ?? null,
    promptId: handle?.promptId ?? null,
    timing: { queuedMs: null, drawMs, scoreMs: null },
    cost: costOf(drawMs, usdPerHour),
  });
}

/**
 * The image's key if this candidate was drawn before, which it never was on the first try of a request's first run. A crash can fall
 * between image and record; then the record is made up for, with the times unknown.
 */
export async function findDrawn(
  storage: Storage,
  ref: CandidateRef,
  { seed, group, isFirstTry }: { seed: number; group?: string | undefined; isFirstTry: boolean },
): Promise<string | undefined> {
  if (isFirstTry) return undefined;
  const record = await readRecord(storage, ref);
  if (record?.image) return record.image.key;
  const stem = keys.image(ref.tenant, ref.request, ref.candidate, '');
  const files: CandidateFile[] = [];
  let image: CandidateRecord['image'] = null;
  for await (const { key } of storage.list(stem)) {
    const isImage = /^(png|jpg|webp)$/.test(key.slice(stem.length));
    const object = isImage || /^\d+\./.test(key.slice(stem.length)) ? await storage.get(key) : undefined;
    if (!object) continue;
    if (isImage) {
      const { width, height } = await sharp(object.body).metadata();
      image = { key, sha256: sha256(object.body), pixelSha256: null, width, height };
    } else {
      const mask = /^\d+\.(\w+)\.\w+$/.exec(key.slice(stem.length))?.[1];
      const about = { key, ...kindOf(key), bytes: object.size, sha256: sha256(object.body) };
      files.push(mask === undefined ? about : { ...about, mask });
    }
  }
  if (!image) return undefined;
  const found = { ...emptyRecord(ref.candidate, seed, 'drawn', group), image, ...(files.length > 0 ? { files } : {}) };
  await writeRecord(storage, ref, found);
  return image.key;
}

/** The input files of a plan, as a provider takes them. */
export const inputFiles = (storage: Storage, tenant: string, plan: PlanDoc): InputFile[] =>
  plan.files.map(({ name, sha256: hash }) => ({
    name,
    sha256: hash,
    open: async () => {
      const object = await storage.getStream(keys.input(tenant, hash));
      if (object) return object;
      throw new CullError('STORAGE_MISSING', `input ${hash} is not in ${storage.description}`, {
        hint: 'give the image again',
      });
    },
  }));
