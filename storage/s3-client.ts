import type * as Sdk from '@aws-sdk/client-s3';

export interface S3StorageOptions {
  bucket: string;
  /** Everything lies below it in the bucket. @default the whole bucket */
  prefix?: string;
  /** Address of an S3-compatible server, such as `http://127.0.0.1:7070`. @default AWS */
  endpoint?: string;
  /** @default AWS_REGION or the profile's; `us-east-1` where an endpoint is given */
  region?: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. @default true where an endpoint is given */
  pathStyle?: boolean;
  /** Server-side encryption asked for with every object. @default none asked for: the bucket's own setting */
  sse?: 'AES256' | 'aws:kms';
  /** The key of `aws:kms`. @default the account's own */
  sseKmsKey?: string;
  /** @default the SDK's usual chain: AWS_ACCESS_KEY_ID …, profiles, web identity, the instance's role */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  /** Objects listed per exchange, 1 to 1000. @default 1000 */
  pageSize?: number;
}

/** Tries of one exchange: the first, and four more with growing pauses. */
export const ATTEMPTS = 5;
const CONNECT_MS = 5_000;
/** A transfer in which nothing moves for so long is broken off and tried again. */
const SILENCE_MS = 30_000;

/** A client, and the commands to send with it. */
export interface S3Access {
  sdk: typeof Sdk;
  client: Sdk.S3Client;
}

/** Opens the client on first use: who keeps a folder never loads the SDK. */
export function s3Access(options: S3StorageOptions): () => Promise<S3Access> {
  let opened: Promise<S3Access> | undefined;
  const open = async (): Promise<S3Access> => {
    // It warns on Node 20 of its versions to come; ours is pinned to one that supports it.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    const sdk = await import('@aws-sdk/client-s3');
    return { sdk, client: new sdk.S3Client(clientConfig(options)) };
  };
  return () => (opened ??= open());
}

function clientConfig({ endpoint, region, pathStyle, credentials }: S3StorageOptions): Sdk.S3ClientConfig {
  // Other servers take any region, and people who run one have none to name.
  const regionOf = region ?? (endpoint === undefined ? undefined : (process.env['AWS_REGION'] ?? 'us-east-1'));
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(regionOf !== undefined && { region: regionOf }),
    ...(credentials && { credentials }),
    forcePathStyle: pathStyle ?? endpoint !== undefined,
    // The SDK's own default adds checksums that many compatible servers store wrongly or answer wrongly. What we send is
    // whole and signed with its SHA-256 all the same.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    retryMode: 'standard',
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: CONNECT_MS, socketTimeout: SILENCE_MS, httpAgent: {}, httpsAgent: {} },
  };
}
