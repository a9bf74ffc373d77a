import { readFile, writeFile } from 'node:fs/promises';
import { format } from 'prettier';
import { FACTS, holds } from './facts.js';
import { readReports, type Report } from './reports.js';

export const PAGE = new URL('../../../../docs/compatibility.md', import.meta.url);
const [BEGIN, END] = ['<!-- facts: begin -->', '<!-- facts: end -->'];

/** What the groups of facts are about, by the first part of their ids. */
const GROUPS: Readonly<Record<string, string>> = {
  http: 'all routes',
  prompt: '`POST /prompt`',
  'node-error': 'validation of nodes',
  coerce: 'values that are converted',
  queue: '`/queue`',
  history: '`/history`',
  jobs: '`/api/jobs`',
  interrupt: '`/interrupt`',
  free: '`/free`',
  upload: '`/upload/image`',
  'load-image': 'uploaded files in graphs',
  mask: '`/upload/mask`',
  view: '`/view`',
  info: 'what the server tells about itself',
  userdata: 'files and settings of users',
  internal: '`/internal`',
  ws: 'websocket: connection, audience, order',
  message: 'websocket: messages',
  frame: 'websocket: binary frames',
  cache: 'cached results',
  save: 'saved files',
  seed: 'seeds',
  batch: 'batches',
  'fan-out': 'several outputs',
  oom: 'out of memory',
  access: 'who is let in',
  poison: 'poison prompts',
};

/** "18", "17 of 18", "–" where a version has none of the facts, "not run". */
function cell(report: Report, ids: readonly string[]): string {
  const held = ids.filter((id) => holds(FACTS.get(id)!, report.version));
  const run = held.filter((id) => id in report.results);
  if (held.length === 0) return '–';
  if (run.length === 0) return 'not run';
  const passed = run.filter((id) => report.results[id] === 'passed').length;
  const bare = passed === held.length ? String(passed) : `${passed} of ${run.length}`;
  return run.length === held.length ? bare : `${bare}, ${held.length - run.length} not run`;
}

/** "8", "7 of 8", "–" for none. */
function outcome(outcomes: readonly string[]): string {
  const passed = outcomes.filter((one) => one === 'passed').length;
  if (outcomes.length === 0) return '–';
  return passed === outcomes.length ? String(passed) : `${passed} of ${outcomes.length}`;
}

/** The table of fact groups and servers, as Markdown. */
export function table(reports: readonly Report[]): string {
  const groups = new Map<string, string[]>();
  for (const id of FACTS.keys()) {
    const group = id.split('.')[0]!;
    groups.set(group, [...(groups.get(group) ?? []), id]);
  }
  const head = ['', ...reports.map(({ kind, version }) => `${kind} ${version}`)];
  const rows = [...groups].map(([group, ids]) => [
    GROUPS[group] ?? group,
    ...reports.map((report) => cell(report, ids)),
  ]);
  const total = ['**all**', ...reports.map((report) => `**${cell(report, [...FACTS.keys()])}**`)];
  const own = ["Cull's own client", ...reports.map(({ provider }) => outcome(Object.values(provider ?? {})))];
  const on = ['run on', ...reports.map((report) => report.on)];
  const lines = [head, head.map(() => '---'), ...rows, total, own, on].map((row) => `| ${row.join(' | ')} |`);
  const failed = reports.flatMap((report) =>
    Object.entries(report.results)
      .filter(([id, result]) => result === 'failed' && holds(FACTS.get(id)!, report.version))
      .map(([id]) => `- ${report.kind} ${report.version}: \`${id}\` was not found. ${FACTS.get(id)!.says}.`),
  );
  return [...lines, '', ...(failed.length > 0 ? failed : ['Every fact that a version has was found on it.'])].join(
    '\n',
  );
}

/** The page with the table in its place. */
export async function page(): Promise<string> {
  const text = await readFile(PAGE, 'utf8');
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (before < 0 || after < 0) throw new Error(`docs/compatibility.md lacks its marks ${BEGIN} and ${END}.`);
  const whole = `${text.slice(0, before + BEGIN.length)}\n\n${table(await readReports())}\n\n${text.slice(after)}`;
  return format(whole, { parser: 'markdown', singleQuote: true, printWidth: 120 });
}

/** Writes the table into docs/compatibility.md. */
export async function writeTable(): Promise<void> {
  await writeFile(PAGE, await page());
}
