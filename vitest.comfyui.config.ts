import { defineConfig } from 'vitest/config';
import { CompatibilityReporter } from './test/sandbox/comfyui/protocol/reporter.js';

/** `npm run test:comfyui`: what a real ComfyUI answers, beside the sandbox; docs/compatibility.md has the table that comes out. */
export default defineConfig({
  test: {
    reporters: ['default', new CompatibilityReporter()],
    include: ['test/**/real.test.ts', 'test/sandbox/comfyui/protocol/sandbox.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
});
