import { defineConfig } from 'vitest/config';

/** Suites that need a real Temporal server: each file starts one of its own (test/support/temporal-address.ts). */
const onTemporal = [
  'test/workflows/**/*.test.ts',
  'test/client/**/*.test.ts',
  'test/stack/**/*.test.ts',
  'test/cli/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/fleet/**/*.test.ts',
  'test/service/**/*.test.ts',
];

/** Suites that need a real ComfyUI: `npm run test:comfyui`. */
const onRealComfyUI = ['test/**/real.test.ts'];

export default defineConfig({
  test: {
    globalSetup: ['test/support/compile.ts'],
    reporters: ['default', ['json', { outputFile: '.cache/test-report.json' }]],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [...onTemporal, ...onRealComfyUI],
          pool: 'forks',
          // its default is one fewer than there are cores: on two, half of them would idle
          maxWorkers: 2,
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'temporal',
          include: onTemporal,
          pool: 'forks',
          // two at a time: most of a suite is waiting
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          globalSetup: ['test/support/temporal-binary.ts'],
          setupFiles: ['test/support/no-leftovers.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
