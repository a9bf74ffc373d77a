/** Pictures with their scores, to be joined with labels: from manifests and score lines, or from storage. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { finishedRequests } from '../client/finished.js';
import { CullError, messageOf } from '../errors.js';
import { pictureName } from '../selection/tuning/labels.js';
import type { ScoredPicture } from '../selection/tuning/examples.js';
import type { Scores } from '../selection/types.js';
import { inputsWith } from '../selection/vary.js';
import { isName } from '../storage/keys.js';
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
        // trimmed too: the mark that some editors put in front of UTF-8
        if (text.trim() !== '') pictures.push(...pictureOf(lineOf(JSON.parse(text.trim()))));
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

/**
 * The pictures of finished requests in storage; others have none.
 *
 * @param looking `requests`: their names; `since`: ISO 8601, older ones have none either
 */
export async function storedPictures(
  storage: Storage,
  looking: { tenant: string; requests: Iterable<string>; since: string; onProblem: (problem: string) => void },
): Promise<ScoredPicture[]> {
  const pictures: ScoredPicture[] = [];
  for await (const { plan, records } of finishedRequests(storage, looking.requests, looking)) {
    for (const record of records) {
      const inputs = inputsWith(plan?.inputs, plan?.vary, record.group);
      const request = { inputs, deliver: plan?.deliver };
      pictures.push(...pictureOf(record).map((picture) => ({ ...picture, request })));
    }
  }
  return pictures;
}

/** The candidate that a label's picture is, where it names one. */
export function candidateOf(picture: string): { request: string; candidate: number } | undefined {
  const [, request, candidate] = /^(.+)\/(\d+)$/.exec(picture) ?? [];
  return request !== undefined && isName(request) ? { request, candidate: Number(candidate) } : undefined;
}

/** @throws Error where it is no line of either kind */
function lineOf(value: unknown): Line {
  const isRecord = (one: unknown): boolean => typeof one === 'object' && one !== null && !Array.isArray(one);
  if (!isRecord(value)) throw new Error('it is no record of a picture');
  const { scores } = value as { scores?: unknown };
  const bad = isRecord(scores) ? Object.entries(scores as object).find(([, score]) => !isRecord(score)) : undefined;
  if (bad) throw new Error(`${bad[0]} is no score`);
  return value as Line;
}

/** None for a line without scores: a lost candidate, a file that could not be read. */
function pictureOf({ candidate, image, file, scores }: Line): ScoredPicture[] {
  if (!scores || Object.keys(scores).length === 0) return [];
  if (file !== undefined) return [{ names: [file], job: file, scores }];
  const request = /\/requests\/([^/]+)\//.exec(image?.key ?? '')?.[1];
  if (!image || candidate === undefined || request === undefined) return [];
  const { key, sha256, pixelSha256 } = image;
  const names = [pictureName(request, candidate), key, sha256, ...(pixelSha256 === null ? [] : [pixelSha256])];
  return [{ names, job: request, scores, ...(pixelSha256 !== null && { pixels: pixelSha256 }) }];
}
