import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Reporter, TestModule, TestSuite } from 'vitest/node';
import { writeTable } from './table.js';
import { FACTS } from './facts.js';

/** Where the outcome of each run is kept, by kind and version. */
export const REPORTS = new URL('../../../fixtures/comfyui/reports/', import.meta.url);

/** What one run over one server found. */
export interface Report {
  readonly kind: 'real' | 'sandbox';
  readonly version: string;
  /** Date of the run. */
  readonly on: string;
  /** By id of the fact. */
  readonly results: Readonly<Record<string, 'passed' | 'failed'>>;
}

/** Writes down which facts were found on which server, and the table of docs/compatibility.md from all that was written down. */
export class CompatibilityReporter implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    for (const module of modules) for (const suite of module.children.suites()) await keep(suite);
    await writeTable();
  }
}

async function keep(suite: TestSuite): Promise<void> {
  const [kind, version] = suite.name.split(' ');
  if ((kind !== 'real' && kind !== 'sandbox') || version === undefined) return;
  const results: Record<string, 'passed' | 'failed'> = {};
  for (const test of suite.children.tests()) {
    const { state } = test.result();
    if (FACTS.has(test.name) && (state === 'passed' || state === 'failed')) results[test.name] = state;
  }
  if (Object.keys(results).length === 0) return;
  await mkdir(REPORTS, { recursive: true });
  const file = new URL(`${kind}-${version}.json`, REPORTS);
  // A run of some checks only leaves what is known of the others.
  const before = await readFile(file, 'utf8').then(
    (text) => (JSON.parse(text) as Report).results,
    () => ({}),
  );
  const known = Object.entries({ ...before, ...results }).filter(([id]) => FACTS.has(id));
  const report: Report = {
    kind,
    version,
    on: new Date().toISOString().slice(0, 10),
    results: Object.fromEntries(known),
  };
  await writeFile(file, `${JSON.stringify(report, null, 1)}\n`);
}
