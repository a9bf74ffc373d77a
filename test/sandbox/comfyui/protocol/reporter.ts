import type { Reporter, TestModule, TestSuite } from 'vitest/node';
import { addToReport, type Outcome } from './reports.js';
import { writeTable } from './table.js';

/**
 * Writes down which facts were found on which server, and the table of docs/compatibility.md from all that was written down.
 * Suites are named by what they ran on: `real 0.30.0`, `sandbox 0.30.0`; `provider 0.30.0` is Cull's own client on a real one.
 */
export class CompatibilityReporter implements Reporter {
  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    for (const module of modules) for (const suite of module.children.suites()) await keep(suite);
    await writeTable();
  }
}

async function keep(suite: TestSuite): Promise<void> {
  const [kind, version] = suite.name.split(' ');
  const outcomes: Record<string, Outcome> = {};
  for (const test of suite.children.tests()) {
    const { state } = test.result();
    if (state === 'passed' || state === 'failed') outcomes[test.name] = state;
  }
  if (version === undefined || Object.keys(outcomes).length === 0) return;
  if (kind === 'real' || kind === 'sandbox') await addToReport({ kind, version, results: outcomes });
  if (kind === 'provider') await addToReport({ kind: 'real', version, results: {}, provider: outcomes });
}
