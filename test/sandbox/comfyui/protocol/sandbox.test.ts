import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { PROFILES, type ProfileVersion, type SandboxOptions } from '../../../../sandbox/comfyui/index.js';
import { startSandbox, type TestSandbox } from '../../../support/sandbox.js';
import { CHECKPOINT } from '../graphs.js';
import { fresh, harmless, rough } from './checks/index.js';
import type { Server } from './player.js';
import { play } from './suite.js';

/** What the flags of a real server are among the sandbox's options. */
function options(flags: readonly string[]): SandboxOptions {
  if (flags.includes('--cache-none')) return { cache: 'none' };
  if (flags.includes('--cache-lru')) return { cache: 'lru' };
  return flags.includes('--disable-metadata') ? { metadata: false } : {};
}

/** A sandbox that can be started anew, keeping its files. */
class Restartable implements Server {
  readonly checkpoint = CHECKPOINT;
  private outputDir = '';

  constructor(readonly version: ProfileVersion) {}
  private comfy: TestSandbox | undefined;

  get url(): string {
    return this.comfy?.url ?? '';
  }

  async restart(flags: readonly string[] = []): Promise<void> {
    this.outputDir ||= await mkdtemp(join(tmpdir(), 'cull-protocol-'));
    await this.comfy?.close();
    const { outputDir, version } = this;
    this.comfy = await startSandbox({ profile: version, checkpoints: [CHECKPOINT], outputDir, ...options(flags) });
  }

  async hang(): Promise<void> {
    await this.comfy?.config({ fault: { stallPrompts: 1 } });
  }

  async close(): Promise<void> {
    await this.comfy?.close();
    await rm(this.outputDir, { recursive: true, force: true });
  }
}

describe.each([...PROFILES])('sandbox %s', (version) => {
  const server = new Restartable(version);
  const anew = async (): Promise<Server> => {
    await server.restart();
    return server;
  };
  beforeAll(() => server.restart());
  afterAll(() => server.close());
  play([...harmless, ...rough], { version, cpu: true, server: () => server });
  play(fresh, { version, cpu: true, server: anew });
});
