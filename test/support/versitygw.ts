/** A real S3-compatible server for tests: versitygw, built once with Go and kept under `.cull/test/`. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { S3StorageOptions } from '../../storage/s3-client.js';
import { freePort } from '../../stack/temporal-server.js';

// The SDK warns on Node 20 of its versions to come; the one in use is pinned.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const MODULE = 'github.com/versity/versitygw/cmd/versitygw';
const VERSION = 'v1.8.0';
/** A cold build takes minutes on two cores. */
export const BUILD_MS = 900_000;

export const CREDENTIALS = { accessKeyId: 'cull-test', secretAccessKey: 'not-a-secret-of-anybody' };

export interface S3Server {
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** Its files, one folder per bucket. */
  readonly dir: string;
  /** A new, empty bucket, as options for `createS3Storage`. */
  bucket(): Promise<S3StorageOptions & { bucket: string; endpoint: string }>;
  close(): Promise<void>;
}

/** The variables with which another process uses such a bucket. */
export const environmentOfBucket = ({ bucket, endpoint }: { bucket: string; endpoint: string }) => ({
  CULL_STORAGE: `s3://${bucket}`,
  CULL_S3_ENDPOINT: endpoint,
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
});

/**
 * The server's binary: `CULL_TEST_VERSITYGW`, or built by `go install` of one pinned version.
 *
 * @throws Error with what to install, where neither is there: a suite without a server would prove nothing
 */
async function findBinary(): Promise<string> {
  const given = process.env['CULL_TEST_VERSITYGW'];
  if (given !== undefined && given !== '') return given;
  const folder = resolve(import.meta.dirname, '../../.cull/test/versitygw');
  const binary = join(folder, VERSION, 'versitygw');
  if (existsSync(binary)) return binary;
  process.stderr.write(`building ${MODULE}@${VERSION}, once (a few minutes)\n`);
  // Suites of several processes may build at once: each in its own folder, and the first to end is kept.
  await mkdir(folder, { recursive: true });
  const building = await mkdtemp(join(folder, 'building-'));
  try {
    // neither optimised nor with symbols: two thirds of the time, and no test asks for more
    await promisify(execFile)('go', ['install', '-gcflags=all=-N -l', '-ldflags=-s -w', `${MODULE}@${VERSION}`], {
      env: { ...process.env, GOBIN: building, GOFLAGS: '', CGO_ENABLED: '0' },
      timeout: BUILD_MS,
    });
    await rename(building, join(folder, VERSION)).catch((error: unknown) => {
      if (!existsSync(binary)) throw error;
    });
    return binary;
  } catch (error) {
    const isMissing = error instanceof Error && (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(
      isMissing
        ? 'the S3 tests need Go (https://go.dev/dl, 1.25 or newer) to build their server, and there is no `go` on PATH; install it, or set CULL_TEST_VERSITYGW to a versitygw binary'
        : `the S3 tests could not build their server: ${String(error)}`,
      { cause: error },
    );
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

/**
 * Starts a server with storage of its own. Its first start on a machine builds it: allow `BUILD_MS`.
 *
 * @param options `versioned`: its buckets can be told to keep versions
 */
export async function startS3Server({ versioned = false } = {}): Promise<S3Server> {
  const binary = await findBinary();
  const dir = await mkdtemp(join(tmpdir(), 'cull-s3-'));
  const data = join(dir, 'data');
  const versions = join(dir, 'versions');
  await Promise.all([data, versions].map((path) => mkdir(path)));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  const args = ['--port', `127.0.0.1:${port}`, '--health', '/health', '--keep-alive', '--quiet'];
  const child = spawn(
    binary,
    // Its metadata is in extended attributes. Never with --sidecar: content and ETag are then two files, and a read finds the one of
    // before with the other of after.
    [
      ...['--access', accessKeyId, '--secret', secretAccessKey, ...args],
      ...['posix', ...(versioned ? ['--versioning-dir', versions] : []), data],
    ],
    { stdio: ['ignore', 'ignore', 'ignore'] },
  );
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  await answers(`${url}/health`, gone);

  const client = new S3Client({ endpoint: url, region: 'us-east-1', forcePathStyle: true, credentials: CREDENTIALS });
  let buckets = 0;
  return {
    url,
    dir: data,
    async bucket() {
      const bucket = `cull-${++buckets}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      return { bucket, endpoint: url, credentials: CREDENTIALS };
    },
    async close() {
      process.off('exit', kill);
      client.destroy();
      child.kill('SIGTERM');
      await gone;
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function answers(url: string, gone: Promise<void>): Promise<void> {
  const ended = gone.then(() => 'ended' as const);
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    if ((await Promise.race([ended, wait(20)])) === 'ended') throw new Error('the S3 server ended before it answered');
  }
}
