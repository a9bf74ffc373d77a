/** Pictures with their scores, to be joined with labels: from manifests and score lines, or from storage. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { CullError, messageOf } from '../errors.js';
import { pictureName } from '../selection/tuning/labels.js';
import type { ScoredPicture } from '../selection/tuning/examples.js';
import type { Scores } from '../selection/types.js';
import { isName, keys } from '../storage/keys.js';
import type { Storage } from '../storage/storage.js';
import type { CandidateRecord } from '../workflows/contract.js';

type Line = Partial<Pick<CandidateRecord, 'candidate' | 'image'>> & { file?: string; scores?: Scores };

/**
 * The pictures of files: lines of `manifest.ndjson` or of `score --json`.
 *
 * @throws CullError USAGE naming file and line
 */
export async function picturesOf(files: readonly string[]): Promise<ScoredPicture[]> {
  const pictures: ScoredPicture[] = [];
  for (const file of files) {
    const reader = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
    let number = 0;
    try {
      for await (const text of reader) {
        number++;
        if (text.trim() !== '') pictures.push(...pictureOf(JSON.parse(text) as Line));
      }
    } catch (error) {
      const where = number === 0 ? file : `${file}:${number}`;
      throw new CullError('USAGE', `${where} cannot be read: ${messageOf(error)}`, {
        hint: 'give a manifest.ndjson, or what `comfy-cull score --json` printed',
      });
    }
  }
  return pictures;
}

/** The pictures of requests in storage, by their manifests; a request without one (it is open, or is not there) has none. */
export async function storedPictures(
  storage: Storage,
  { tenant, requests }: { tenant: string; requests: Iterable<string> },
): Promise<ScoredPicture[]> {
  const pictures: ScoredPicture[] = [];
  for (const request of requests) {
    const object = await storage.get(keys.manifest(tenant, request));
    for (const line of object?.body.toString('utf8').split('\n') ?? [])
      if (line !== '') pictures.push(...pictureOf(JSON.parse(line) as Line));
  }
  return pictures;
}

/** The candidate that a label's picture is, where it names one. */
export function candidateOf(picture: string): { request: string; candidate: number } | undefined {
  const [, request, candidate] = /^(.+)\/(\d+)$/.exec(picture) ?? [];
  return request !== undefined && isName(request) ? { request, candidate: Number(candidate) } : undefined;
}

/** None for a line without scores: a lost candidate, a file that could not be read. */
function pictureOf({ candidate, image, file, scores }: Line): ScoredPicture[] {
  if (!scores || Object.keys(scores).length === 0) return [];
  if (file !== undefined) return [{ names: [file], job: file, scores }];
  const request = /\/requests\/([^/]+)\//.exec(image?.key ?? '')?.[1];
  if (!image || candidate === undefined || request === undefined) return [];
  const { key, sha256, pixelSha256 } = image;
  const names = [pictureName(request, candidate), key, sha256, ...(pixelSha256 === null ? [] : [pixelSha256])];
  return [{ names, job: request, scores }];
}
