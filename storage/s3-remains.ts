/** What deleted objects leave in a bucket that keeps versions. */
import { nameOf, statusOf } from './s3-errors.js';
import type { S3Access } from './s3-client.js';
import type { Remains } from './storage.js';

/** Versions and delete markers under the prefixes, where the bucket keeps any. @throws errors of the SDK, but for a refusal to tell */
export async function earlierVersions(
  s3: S3Access,
  { bucket, prefixes, pageSize }: { bucket: string; prefixes: readonly string[]; pageSize: number },
): Promise<Remains[]> {
  try {
    const { Status } = await s3.client.send(new s3.sdk.GetBucketVersioningCommand({ Bucket: bucket }));
    // Never switched on: there is no word at all.
    if (Status === undefined) return [];
    let count = 0;
    for (const prefix of prefixes) count += await countVersions(s3, { bucket, prefix, pageSize });
    const why =
      `the bucket "${bucket}" keeps versions (${Status}): delete them with s3:DeleteObjectVersion, or let a rule of the bucket ` +
      '(NoncurrentVersionExpiration) end them';
    return count === 0 ? [] : [{ what: 'earlier versions and delete markers', count, why }];
  } catch (error) {
    if (isUnversioned(error)) return [];
    if (statusOf(error) !== 403) throw error;
    const why = `these credentials may not look (s3:GetBucketVersioning, s3:ListBucketVersions on "${bucket}")`;
    return [{ what: 'earlier versions, if the bucket keeps any', count: 0, why }];
  }
}

/** Servers without versions at all say so in their own ways. */
const isUnversioned = (error: unknown): boolean =>
  statusOf(error) === 501 || ['NotImplemented', 'VersioningNotConfigured'].includes(nameOf(error));

async function countVersions(
  { sdk, client }: S3Access,
  { bucket, prefix, pageSize }: { bucket: string; prefix: string; pageSize: number },
): Promise<number> {
  let count = 0;
  let at: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
  for (;;) {
    const page = await client.send(
      new sdk.ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, MaxKeys: pageSize, ...at }),
    );
    count += (page.Versions ?? []).length + (page.DeleteMarkers ?? []).length;
    if (!page.IsTruncated) return count;
    at = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
}
