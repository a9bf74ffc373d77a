import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import globals from 'globals';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * The import directions of the rooms (docs/architecture.md): room -> what it may import besides itself and errors.ts.
 * A room is a folder at the root. Everything that is not listed is refused.
 */
const mayImport = {
  selection: [],
  sandbox: [],
  storage: [],
  telemetry: [],
  outside: [],
  templates: [],
  scorers: [],
  providers: ['templates'],
  workflows: ['selection', 'activities'],
  activities: [
    'templates',
    'providers',
    'scorers',
    'selection',
    'storage',
    'telemetry',
    'outside',
    'workflows/contract.ts',
    'workflows/batch-contract.ts',
    'workflows/webhook-contract.ts',
    'workflows/sweep-contract.ts',
  ],
  client: [
    'outside',
    'telemetry',
    'workflows/contract.ts',
    'workflows/batch-contract.ts',
    'workflows/webhook-contract.ts',
    'workflows/sweep-contract.ts',
    'selection',
    'storage',
    'fleet/registry.ts',
    'fleet/members.ts',
  ],
  fleet: [
    'activities',
    'providers',
    'storage',
    'telemetry',
    'workflows/contract.ts',
    'workflows/batch-contract.ts',
    'workflows/webhook-contract.ts',
    'workflows/sweep-contract.ts',
    'client/temporal.ts',
    'config.ts',
  ],
  stack: ['config.ts'],
  service: [
    'client',
    'templates',
    'storage',
    'selection',
    'telemetry',
    'outside',
    'scorers/image/format.ts',
    'workflows/contract.ts',
    'workflows/batch-contract.ts',
    'workflows/webhook-contract.ts',
    'workflows/sweep-contract.ts',
  ],
};
const rooms = Object.keys(mayImport);
const upper = ['cli', 'worker.ts', 'stack', 'client', 'config.ts', 'bin'];

const zones = Object.entries(mayImport).flatMap(([room, allowed]) => {
  const from = [...rooms, ...upper].filter((other) => other !== room && !allowed.includes(other));
  return from.map((other) => ({
    target: `./${room}`,
    from: `./${other}`,
    except: allowed.filter((a) => a.startsWith(`${other}/`)).map((a) => `./${a.slice(other.length + 1)}`),
    message: `${room} may import only: ${[...allowed, 'errors.ts'].join(', ')} (docs/architecture.md)`,
  }));
});

export default tseslint.config(
  { ignores: ['dist/**', 'out/**', '.cull/**', 'node_modules/**', 'test/fixtures/**', 'examples/**/*.js'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones, basePath: import.meta.dirname }],
      'import-x/no-default-export': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
  {
    // Workflow code is replayed: no node builtins, no clock or randomness of its own, nothing that drags zod or I/O into the bundle.
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            'zod',
            'yaml',
            'sharp',
            'pino',
            'ws',
            '@temporalio/client',
            '@temporalio/worker',
            '@temporalio/activity',
          ],
          patterns: [
            { group: ['node:*'], message: 'Workflow code is deterministic: no node builtins.' },
            {
              regex: '/activities/',
              allowTypeImports: true,
              message: 'Workflows import only the types of activities.',
            },
          ],
        },
      ],
      'no-restricted-globals': ['error', 'process', 'setInterval', 'fetch', 'performance', 'crypto'],
    },
  },
  {
    files: ['selection/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', 'process', 'fetch', 'performance', 'setTimeout'],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random' },
        { object: 'Date', property: 'now' },
      ],
    },
  },
  { files: ['test/**/*.ts'], rules: { '@typescript-eslint/no-non-null-assertion': 'off' } },
  {
    files: ['vitest.config.ts', 'vitest.comfyui.config.ts', 'eslint.config.js'],
    rules: { 'import-x/no-default-export': 'off' },
  },
  { files: ['**/*.js', '**/*.mjs'], languageOptions: { globals: globals.node } },
  prettier,
);
