// Reads vitest's JSON report and prints the closing line. Lint or type errors come before any test: then there is no report, and one failure.
import { existsSync, readFileSync } from 'node:fs';

const [, , file, status] = process.argv;
let [passed, failed] = [0, 0];
if (existsSync(file)) {
  const allowed = new Set(JSON.parse(readFileSync('test/skipped.json', 'utf8')));
  const report = JSON.parse(readFileSync(file, 'utf8'));
  for (const suite of report.testResults) {
    if (suite.status === 'failed' && suite.assertionResults.length === 0) failed++;
    for (const test of suite.assertionResults) {
      if (test.status === 'passed') passed++;
      else if (test.status === 'failed') failed++;
      else if (!allowed.has(test.fullName)) {
        console.log(`not run and not in test/skipped.json: ${test.fullName}`);
        failed++;
      }
    }
  }
}
// Something failed that no test counts: lint, types, a suite that did not load, the runner itself.
if (Number(status) !== 0 && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
