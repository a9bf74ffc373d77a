#!/usr/bin/env node
// In a checkout the TypeScript runs through tsx; a published package carries compiled JavaScript in dist/.
import { existsSync } from 'node:fs';

const source = new URL('../cli/main.ts', import.meta.url);
if (existsSync(source)) {
  const { register } = await import('tsx/esm/api');
  register();
  await import(source.href);
} else await import('../dist/cli/main.js');
