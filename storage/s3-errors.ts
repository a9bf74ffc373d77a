import { CullError, causeOf, messageOf } from '../errors.js';

/** What was being done to what, for the message. */
export interface S3Deed {
  doing: string;
  key: string;
  /** `s3://bucket/prefix`. */
  store: string;
  bucket: string;
  endpoint: string | undefined;
}

interface SdkError extends Error {
  code?: unknown;
  $metadata?: { httpStatusCode?: number; attempts?: number };
  $response?: { headers?: Record<string, string> };
}

const asSdk = (error: unknown): SdkError | undefined => (error instanceof Error ? error : undefined);

/** Status of the answer, or undefined where there was none. */
export const statusOf = (error: unknown): number | undefined => asSdk(error)?.$metadata?.httpStatusCode;

/** S3's code of the error, such as `NoSuchKey`; the status where the answer had no body. */
export const nameOf = (error: unknown): string => asSdk(error)?.name ?? '';

/** How often the SDK has tried by itself. */
export const attemptsOf = (error: unknown): number => asSdk(error)?.$metadata?.attempts ?? 1;

/** There is no such object. Other 404s are something else: no bucket, or (versitygw) nobody with that access key. */
export const isNoSuchKey = (error: unknown): boolean => ['NoSuchKey', 'NotFound'].includes(nameOf(error));

/** The server or the way to it failed; the same call can succeed in a moment. */
export function isPassing(error: unknown): boolean {
  const status = statusOf(error);
  if (status !== undefined && status >= 400)
    return status === 429 || (status >= 500 && status !== 501 && status !== 507);
  return networkReason(error) !== undefined;
}

const NETWORK: Record<string, string> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ERR_STREAM_PREMATURE_CLOSE: 'the connection was cut',
  ETIMEDOUT: 'no answer in time',
  TimeoutError: 'no answer in time',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
};

function networkReason(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code, name } = at as SdkError;
    const reason = NETWORK[String(code)] ?? NETWORK[name];
    if (reason !== undefined) return reason;
  }
  return undefined;
}

const PERMISSIONS = 's3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket';
const CREDENTIALS = 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile or role that is used';

/** What people have to know of S3's own codes: the reason, and what to do now. */
const KNOWN: Record<string, (deed: S3Deed) => readonly [reason: string, hint: string]> = {
  NoSuchBucket: ({ bucket }) => [`there is no bucket "${bucket}"`, 'make the bucket, or correct CULL_STORAGE'],
  AccessDenied: () => ['access is denied', `give these credentials ${PERMISSIONS} on the bucket`],
  AllAccessDisabled: () => ['access is denied', 'the account or the bucket is closed: ask its owner'],
  InvalidAccessKeyId: () => ['the access key is not known there', `correct ${CREDENTIALS}`],
  XAdminUserNotFound: () => ['the access key is not known there', `correct ${CREDENTIALS}`],
  SignatureDoesNotMatch: () => ['the secret key does not fit the access key', `correct ${CREDENTIALS}`],
  ExpiredToken: () => ['the session of these credentials has ended', `renew ${CREDENTIALS}`],
  InvalidToken: () => ['the session token is not valid', `renew ${CREDENTIALS}`],
  CredentialsProviderError: () => ['there are no credentials', `set ${CREDENTIALS}`],
  RequestTimeTooSkewed: () => [
    'the clock of this machine and that of the storage differ by more than 15 minutes',
    'set the clock (NTP)',
  ],
  EntityTooLarge: () => ['the object is too large', 'one object may have at most 5 GiB'],
  InvalidBucketName: ({ bucket }) => [`"${bucket}" cannot be the name of a bucket`, 'correct CULL_STORAGE'],
};

/** An error of the SDK as an error for people; a CullError passes through. */
export function s3Error(error: unknown, deed: S3Deed): CullError {
  if (error instanceof CullError) return error;
  const subject = `${deed.doing} ${deed.key === '' ? 'all' : deed.key} in ${deed.store}`;
  const name = nameOf(error);
  const status = statusOf(error);
  const make = (code: CullError['code'], reason: string, hint: string) =>
    new CullError(code, `${subject}: ${reason}`, { hint, cause: error });

  if (status === 507 || /^(QuotaExceeded|XMinioStorageFull|InsufficientStorage|InsufficientCapacity)/.test(name))
    return make('STORAGE_FULL', messageOf(error), 'make room in the storage; open requests go on by themselves');
  const known = KNOWN[name] ?? (status === 403 ? KNOWN['AccessDenied'] : undefined);
  if (known) return make('STORAGE_UNWRITABLE', ...known(deed));
  if (name.startsWith('KMS.'))
    return make(
      'STORAGE_UNWRITABLE',
      `the encryption key cannot be used: ${messageOf(error)}`,
      'correct CULL_S3_SSE_KMS_KEY, or let these credentials use it (kms:GenerateDataKey, kms:Decrypt)',
    );
  if (isOtherRegion(error)) {
    const region = asSdk(error)?.$response?.headers?.['x-amz-bucket-region'];
    return make(
      'STORAGE_UNWRITABLE',
      `the bucket is in ${region === undefined ? 'another region' : `region ${region}`}`,
      `set CULL_S3_REGION${region === undefined ? ' to the region of the bucket' : `=${region}`}`,
    );
  }
  if (messageOf(error) === 'Region is missing')
    return new CullError('CONFIG_INVALID', `storage ${deed.store}: no region is set`, {
      hint: 'set CULL_S3_REGION (or AWS_REGION) to the region of the bucket',
      cause: error,
    });
  if (isPassing(error)) return make('STORAGE_UNREACHABLE', reasonOf(error), addressHint(deed));
  return make('STORAGE_UNWRITABLE', reasonOf(error), 'is this address an S3 endpoint? See docs/storage.md');
}

const isOtherRegion = (error: unknown): boolean =>
  statusOf(error) === 301 ||
  ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'].includes(nameOf(error));

function reasonOf(error: unknown): string {
  const network = networkReason(error);
  if (network !== undefined) return network;
  const status = statusOf(error);
  const said = error instanceof Error && error.message !== '' ? causeOf(error) : nameOf(error);
  return status === undefined ? said : `it answers ${status} ${said === 'UnknownError' ? '' : said}`.trim();
}

function addressHint({ endpoint }: S3Deed): string {
  return endpoint === undefined
    ? 'is the network there? Where a server of your own is meant, name it with CULL_S3_ENDPOINT'
    : `does the server at ${endpoint} run? CULL_S3_ENDPOINT names it`;
}
