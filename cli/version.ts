import { readFileSync } from 'node:fs';

const packageFile = new URL(
  import.meta.url.endsWith('.ts') ? '../package.json' : '../../package.json',
  import.meta.url,
);

/** Of the package. */
export const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
