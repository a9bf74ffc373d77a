import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CullError } from '../../../errors.js';
import type { ModelEntry, SourceFile } from '../entry.js';
import { ask, download, type Download } from './download.js';

/** The Hugging Face hub; `HF_ENDPOINT` names a mirror. */
export const HUB = 'https://huggingface.co';

export interface Hub {
  /** @default HUB */
  endpoint?: string | undefined;
  /** Sent to the endpoint only, never to where it redirects. */
  token?: string | undefined;
}

interface Listed {
  rfilename: string;
  size?: number;
  blobId?: string;
  lfs?: { sha256: string; size: number };
}

/** What the hub says of a repository: the commit, and the hash of every file. */
interface Listing {
  sha: string;
  siblings: Listed[];
}

/**
 * Fetches the files of an entry from the hub, to their paths under `into`. Where the manifest pins no hash, the hub's listing of one
 * commit says what each file must be.
 *
 * @returns the commit, or the revision where every file is pinned
 * @throws CullError MODEL_UNAVAILABLE, MODEL_REFUSED, MODEL_CORRUPT
 */
export async function fetchFromHub(
  entry: ModelEntry,
  {
    into,
    parts,
    hub: { endpoint = HUB, token },
    onBytes = () => undefined,
    signal,
  }: {
    into: string;
    parts: string;
    hub: Hub;
    /** Bytes there, bytes to come in all. */
    onBytes?: (done: number, total: number) => void;
    signal?: AbortSignal | undefined;
  },
): Promise<string> {
  if (entry.source.kind !== 'hub') throw new Error(`${entry.id} is not on the hub`);
  const { repo, revision } = entry.source;
  const base = endpoint.replace(/\/+$/, '');
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const common = { headers, ...(signal && { signal }) };
  const pinned = entry.files.every(({ sha256 }) => sha256 !== undefined);
  const listing = pinned
    ? undefined
    : ((await (await ask(`${base}/api/models/${repo}/revision/${revision}?blobs=true`, common)).json()) as Listing);
  const commit = listing?.sha ?? revision;
  const wanted = entry.files.flatMap((file) => {
    const found = expected(file, listing, repo);
    return found === undefined ? [] : [{ file, ...found }];
  });
  const total = wanted.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const { file, expect, bytes } of wanted) {
    const part = await download({
      ...common,
      url: `${base}/${repo}/resolve/${commit}/${file.path}`,
      expect,
      parts,
      onBytes: (now) => onBytes(done + now, total),
    });
    done += bytes;
    await mkdir(dirname(join(into, file.path)), { recursive: true });
    await rename(part, join(into, file.path));
  }
  return commit;
}

/** What a file must be; undefined for one that the repository may lack and does. */
function expected(
  { path, sha256, bytes, optional }: SourceFile,
  listing: Listing | undefined,
  repo: string,
): { expect: Download['expect']; bytes: number } | undefined {
  if (sha256 !== undefined) return { expect: { sha256 }, bytes };
  const found = listing?.siblings.find(({ rfilename }) => rfilename === path);
  if (found?.lfs !== undefined) return { expect: { sha256: found.lfs.sha256 }, bytes: found.lfs.size };
  if (found?.blobId !== undefined && found.size !== undefined)
    return { expect: { gitSha1: found.blobId, bytes: found.size }, bytes: found.size };
  if (optional === true && found === undefined) return undefined;
  const what = found === undefined ? `has no ${path}` : `does not say what ${path} hashes to`;
  throw new CullError('MODEL_REFUSED', `the hub's listing of ${repo} ${what}`, {
    hint: 'it must be a model in the layout of transformers.js: config.json, preprocessor_config.json, tokenizer.json, tokenizer_config.json, onnx/vision_model.onnx, onnx/text_model.onnx',
  });
}
