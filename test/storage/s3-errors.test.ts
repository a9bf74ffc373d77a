/** Codes that no test server gives: what AWS and others answer, in words for people. */
import { describe, expect, it } from 'vitest';
import { s3Error } from '../../storage/s3-errors.js';

const deed = { doing: 'writing', key: 'a', store: 's3://b/p', bucket: 'b', endpoint: undefined };
const answer = (name: string, status: number | undefined, message = name, headers = {}) =>
  Object.assign(new Error(message), {
    name,
    $metadata: { httpStatusCode: status },
    $response: { headers },
  });

describe('S3 errors', () => {
  it.each([
    ['AccessDenied', 403, 'STORAGE_UNWRITABLE', 's3:ListBucket'],
    // HEAD has no body: only the status is known.
    ['403', 403, 'STORAGE_UNWRITABLE', 's3:ListBucket'],
    ['RequestTimeTooSkewed', 403, 'STORAGE_UNWRITABLE', 'clock'],
    ['ExpiredToken', 400, 'STORAGE_UNWRITABLE', 'renew'],
    ['CredentialsProviderError', undefined, 'STORAGE_UNWRITABLE', 'AWS_ACCESS_KEY_ID'],
    ['KMS.NotFoundException', 400, 'STORAGE_UNWRITABLE', 'CULL_S3_SSE_KMS_KEY'],
    ['PermanentRedirect', 301, 'STORAGE_UNWRITABLE', 'CULL_S3_REGION'],
    ['QuotaExceeded', 403, 'STORAGE_FULL', 'make room'],
    ['XMinioStorageFull', 507, 'STORAGE_FULL', 'make room'],
    ['SlowDown', 503, 'STORAGE_UNREACHABLE', 'network'],
    ['TooManyRequests', 429, 'STORAGE_UNREACHABLE', 'network'],
    ['TimeoutError', undefined, 'STORAGE_UNREACHABLE', 'network'],
    ['SomethingNew', 400, 'STORAGE_UNWRITABLE', 'docs/storage.md'],
  ])('%s (%s) is %s', (name, status, code, hint) => {
    const error = s3Error(answer(name, status), deed);
    expect(error.code).toBe(code);
    expect(error.hint).toContain(hint);
    expect(error.message).toMatch(/^writing a in s3:\/\/b\/p: ./);
  });

  it('names the region that the bucket is in', () => {
    const error = s3Error(answer('PermanentRedirect', 301, 'moved', { 'x-amz-bucket-region': 'eu-west-3' }), deed);
    expect(error.hint).toBe('set CULL_S3_REGION=eu-west-3');
  });

  it('no region at all is a setting', () => {
    expect(s3Error(new Error('Region is missing'), deed).code).toBe('CONFIG_INVALID');
  });
});
