import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { compareVersions, FACTS } from './facts.js';

const REPORTS = new URL('../../../fixtures/comfyui/reports/', import.meta.url);

export type Outcome = 'passed' | 'failed';

/** What was found on one server, over all runs so far. */
export interface Report {
  readonly kind: 'real' | 'sandbox';
  readonly version: string;
  /** Date of the last run. */
  readonly on: string;
  /** By id of the fact. */
  readonly results: Readonly<Record<string, Outcome>>;
  /** What Cull's own provider did there, by the name of the test; real servers only. */
  readonly provider?: Readonly<Record<string, Outcome>>;
}

/** All reports: real servers first, then sandboxes, each by version. */
export async function readReports(): Promise<Report[]> {
  const names = (await readdir(REPORTS)).filter((name) => name.endsWith('.json'));
  const reports = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(new URL(name, REPORTS), 'utf8')) as Report),
  );
  return reports.sort((a, b) => a.kind.localeCompare(b.kind) || compareVersions(a.version, b.version));
}

/** Adds what a run found to the report of its server; what the run left out stays as it was, facts that are gone go. */
export async function addToReport(found: Omit<Report, 'on'>): Promise<void> {
  const { kind, version } = found;
  const before = (await readReports()).find((one) => one.kind === kind && one.version === version);
  const results = Object.entries({ ...before?.results, ...found.results }).filter(([id]) => FACTS.has(id));
  const provider = { ...before?.provider, ...found.provider };
  const report: Report = {
    ...{ kind, version, on: new Date().toISOString().slice(0, 10) },
    results: Object.fromEntries(results),
    ...(Object.keys(provider).length > 0 ? { provider } : {}),
  };
  await mkdir(REPORTS, { recursive: true });
  await writeFile(new URL(`${kind}-${version}.json`, REPORTS), `${JSON.stringify(report, null, 1)}\n`);
}
